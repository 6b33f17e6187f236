"""Writes the pages of docs/ that are made from the code: `events.md` and `who_may_do_what.md`."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from clawbot import cli
from tasks.event_kinds import KINDS
from tasks.people import rights

HEAD = """# Events

Every change writes one line into the log, in the same transaction. Events are for reading, rows are for
deciding: no rule reads this log back. A line says when, what kind, who (`by`), through which door (`channel`:
page, api, cli, slack, the name of a bridge; empty where it happened by itself), which task and stage, carries
the words of its kind, and in `changed` what its transaction made of which rows: each column before and
after. Three kinds are too frequent for that and say it in their own words: `subtask.claimed`,
`subtask.finished` and `artifact.made`. `./manage.py tail` shows the lines as they come, `./manage.py events
export` writes them to a file.

The log is sealed and can be checked: [Audit](howto/audit.md).

This page is written by `make docs` from `tasks/event_kinds.py`.

| kind | always | perhaps | |
|---|---|---|---|
"""


class Command(cli.Command):
    help = "Write the pages of docs/ that are made from the code; with --check only compare (exit 1)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where a page is out of date"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        for name, (source, text) in {
            "events.md": ("tasks/event_kinds.py", events()),
            "who_may_do_what.md": ("tasks/people/rights.py", rights.page()),
        }.items():
            page = settings.ROOT / "docs" / name
            if not check:
                page.write_text(text, encoding="utf-8")
            elif not page.exists() or page.read_text(encoding="utf-8") != text:
                raise CommandError(f"docs/{name} is not what {source} says. Run `make docs`.")


def events() -> str:
    """The page of events, one row per kind."""
    return HEAD + "".join(
        f"| `{name}` | {_words(kind.always)} | {_words(kind.maybe)} | {kind.note} |\n"
        for name, kind in KINDS.items()
    )


def _words(facts: frozenset[str]) -> str:
    return ", ".join(sorted(facts))
