"""Writes the pages of docs/ that are made from the code: `docs/events.md` from `tasks.log.KINDS`."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tasks.log import KINDS

HEAD = """# Events

Every change writes one line into the log, in the same transaction. Events are for reading, rows are for
deciding: no rule reads this log back. A line says when, what kind, who (`by`), which task and stage, and
carries the words of its kind. `manage.py tail` shows them as they come.

This page is written by `make docs` from `tasks/log.py`.

| kind | what it carries |
|---|---|
"""


class Command(BaseCommand):
    help = "Write the pages of docs/ that are made from the code; with --check only compare (exit 1)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where a page is out of date"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        page, text = settings.ROOT / "docs" / "events.md", events()
        if not check:
            page.write_text(text, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != text:
            raise CommandError("docs/events.md is not what tasks/log.py says. Run `make docs`.")


def events() -> str:
    """The page of events, one row per kind."""
    return HEAD + "".join(f"| `{kind}` | {carries} |\n" for kind, carries in KINDS.items())
