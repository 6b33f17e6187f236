"""What the commands share: who acts, which task is meant, and how a refusal reaches the terminal.

A command parses, calls one verb and prints. Exit 0: done. 1: refused or failed. 2: not understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError

from agents.contract import Refused
from clawbot import acts, checks, storable
from clawbot.people import cast
from tasks import log
from tasks.database import ailment
from tasks.engine.workers import overdue
from tasks.models import Task, Worker

NO_WORKER = "No worker is running. Start them with `make up`, or `./manage.py work` beside a running site."


class Command(BaseCommand):
    """What every command of ours begins with: the settings are checked, and nothing else.

    Django's own checks read every address, page and form; they are a developer's (`./manage.py check`), and
    would make a command of half a second one of two.
    """

    requires_system_checks = [checks.TAG]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser that takes words before, between and after options: people write them in any order."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if not parser._subparsers:  # a verb's own parser reads what follows the verb
            parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; what the database cannot do reaches the terminal as a sentence (`--traceback` shows more)."""
        for word in _words([*args, *options.values()]):
            if not storable.is_storable(word):
                raise CommandError(
                    f"An argument holds bytes that are no text: {ascii(word)[:60]}. Use UTF-8."
                )
        try:
            return super().execute(*args, **options)
        except OSError as error:
            if not error.filename:
                raise
            name = ascii(str(error.filename))[1:-1]
            raise CommandError(f"Cannot use {name[:80]}: {error.strerror or error}.") from error
        except (OperationalError, ProgrammingError) as error:
            if ailment(error):
                raise  # ./manage.py has the sentence
            said = str(error).strip().rstrip(".")
            raise CommandError(
                f"The database cannot do this: {said}. `./manage.py doctor` tells what it lacks."
            ) from error


def _words(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _words(value)


def add_actor(parser: CommandParser) -> None:
    """Adds `--by`. Who has a shell here is trusted to name themselves; the role is checked all the same."""
    parser.add_argument("--by", metavar="USER", help="who does this (default: admin, or the only admin)")


def actor(name: str | None) -> str:
    """`ana` and `user:ana` are the same person; unnamed, it is `admin` or the only admin there is. Raises
    Refused if that leaves a choice, or nobody."""
    if name:
        return f"user:{name.removeprefix('user:')}"
    there = cast.admins()
    if not there:
        raise Refused("Nobody here is an admin. `./manage.py first_admin NAME` makes the first one.")
    if len(there) > 1 and there[0] != "admin":
        raise Refused(f"Say who does this, as `--by {there[0]}`. The admins are {', '.join(there)}.")
    return f"user:{there[0]}"


def add_json(parser: CommandParser) -> None:
    """Adds `--json`."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


def dump(value: Any) -> str:
    """JSON as people and programs read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal ends the command with its sentence and exit code 1."""
    try:
        with log.through("cli"):
            yield
    except Refused as refused:
        raise CommandError(str(refused)) from None


def find_task(key: str) -> Task:
    """The task with this key, in any case; CommandError with near keys where there is none."""
    with refusals():
        return acts.find_task(key, "cli:")  # whoever has the terminal has the database


def workers_alive() -> int:
    """How many workers have a lease that is not past."""
    return Worker.objects.filter(ended_at=None).exclude(pk__in=overdue()).count()
