"""What every command does before its own work: it reads its words, and the settings are checked."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError, SystemCheckError
from django.db import OperationalError

from clawbot import cli

#: Django's own, with something added: they have their own checks.
DJANGOS = {"flush", "migrate", "runserver"}
OURS = sorted(name for name, app in get_commands().items() if app == "clawbot")


def parse(name: str, *words: str) -> dict[str, Any]:
    """What a command understands of its words."""
    parser = load_command_class("clawbot", name).create_parser("manage.py", name)
    return vars(parser.parse_args(list(words)))


@pytest.mark.parametrize(
    "words",
    [
        ["export", "task:ART-12", "kind:review", "--format", "csv"],
        ["export", "--format", "csv", "task:ART-12", "kind:review"],
        ["--format", "csv", "export", "task:ART-12", "kind:review"],
        ["export", "task:ART-12", "--format", "csv", "kind:review"],
    ],
)
def test_takes_filters_before_and_after_options(words):
    read = parse("events", *words)

    assert (read["filter"], read["form"]) == (["task:ART-12", "kind:review"], "csv")


def test_reads_the_words_of_a_verb_in_any_order():
    assert parse("token", "create", "--for", "ben", "nightly import")["name"] == "nightly import"
    assert parse("tail", "task:ART-1", "--no-follow", "words")["filter"] == ["task:ART-1", "words"]
    assert parse("rebuild", "--check", "ART-12")["key"] == "ART-12"


@pytest.mark.parametrize("name", [name for name in OURS if name not in {"doctor", *DJANGOS}])
def test_nothing_begins_while_the_settings_are_wrong(name, settings):
    command = load_command_class("clawbot", name)
    settings.ALLOWED_HOSTS, settings.DEBUG = ["claw.example"], True

    assert command.requires_system_checks
    with pytest.raises(SystemCheckError, match="DEBUG is on"):
        command.check(tags=command.requires_system_checks)


def test_work_is_refused_while_the_settings_are_wrong(settings):
    settings.LEASE_SECONDS, settings.HEARTBEAT_SECONDS = 10, 10

    with pytest.raises(SystemCheckError, match="three heartbeats"):
        call_command("work", skip_checks=False)


def test_a_database_that_is_not_ready_is_told_in_a_sentence(monkeypatch):
    def nothing(*words: Any, **options: Any) -> None:
        raise OperationalError("no such table: tasks_task")

    monkeypatch.setattr("clawbot.management.commands.status.Command.handle", nothing)

    with pytest.raises(CommandError, match=r"no such table: tasks_task\. `\./manage\.py doctor`"):
        call_command("status")


def test_every_command_of_ours_begins_alike():
    others = {name for name in OURS if not isinstance(load_command_class("clawbot", name), cli.Command)}

    assert others == DJANGOS
