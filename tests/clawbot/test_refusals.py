"""Whatever is refused with a sentence descends from one class, and every door gives that sentence."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
from functools import wraps
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import agents
import clawbot
import tasks
from agents.contract import Refused
from agents.strict_yaml import Unreadable
from clawbot.dashboard import insights
from tasks import supervision
from tests.clawbot.api.caller import Caller
from tests.clawbot.dashboard import desk

#: Names of exceptions that say no to a person.
SAYS_NO = ("Refused", "NotAllowed", "Stale", "Tampered", "Unknown", "Invalid", "Unreadable")


def exceptions() -> dict[str, type[Exception]]:
    """Every exception of the product, by where it is defined."""
    found = {}
    for package in (agents, tasks, clawbot):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in module.name or module.name.endswith(("__main__", "asgi")):
                continue
            for name, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(one, Exception) and one.__module__ == module.name:
                    found[f"{module.name}.{name}"] = one
    return found


def test_every_refusal_descends_from_one_class():
    said = {path for path in exceptions() if path.rpartition(".")[2] in SAYS_NO}

    assert len(said) >= 8
    assert [path for path in said if not issubclass(exceptions()[path], Refused)] == []


KINDS = [Refused("The desk says no."), Unreadable(["The desk says no."])]


@pytest.fixture(params=KINDS, ids=lambda one: type(one).__name__)
def refused(request: Any, monkeypatch: Any) -> None:
    """Deep down somebody says no who knows nothing of pages, programs or commands."""

    def no(verb: str) -> Any:
        @wraps(getattr(supervision, verb))
        def refuse(*arguments: Any, **more: Any) -> None:
            raise request.param

        return refuse

    monkeypatch.setattr(supervision, "comment", no("comment"))
    monkeypatch.setitem(supervision.VERBS, "cancel", no("cancel"))


@pytest.mark.django_db
def test_a_page_answers_with_the_sentence(client: Any, ana: Any, refused: None) -> None:
    client.force_login(ana)
    review = desk.waiting()

    answer = client.post(f"/reviews/{review.pk}/comment/", {"artifact": review.artifact.pk, "text": "x"})

    assert answer.status_code == 422
    assert "The desk says no." in answer.content.decode()


@pytest.mark.django_db
def test_a_page_that_catches_nothing_itself_answers_with_the_sentence(
    client: Any, ana: Any, monkeypatch: Any
):
    def no(*arguments: Any, **more: Any) -> None:
        raise Refused("The desk says no.")

    monkeypatch.setattr(insights, "render", no)
    client.force_login(ana)

    answer = client.get("/insights/")

    assert answer.status_code == 409
    assert "Nothing was changed. The desk says no." in answer.content.decode()


@pytest.mark.django_db
def test_a_program_gets_the_sentence(ben: Any, refused: None) -> None:
    task = desk.waiting().task

    answer = Caller("ben").post(f"tasks/{task.key}/cancel", {})

    assert answer.status_code in (409, 422)
    assert "The desk says no." in answer.content.decode()


@pytest.mark.django_db
def test_a_command_ends_with_the_sentence(ben: Any, refused: None) -> None:
    task = desk.waiting().task

    with pytest.raises(CommandError, match=r"The desk says no\."):
        call_command("act", task.key, "cancel", "--by", "ben", stdout=io.StringIO())
