"""`./manage.py guard`: puts the triggers on that keep the log append-only."""

from __future__ import annotations

from typing import Any

from clawbot import cli
from tasks.history import append_only


class Command(cli.Command):
    help = "Put back the triggers that refuse to change or delete lines of the log."

    def handle(self, *args: Any, **options: Any) -> None:
        missing = append_only.missing()
        append_only.guard()
        done = f"put back: {', '.join(missing)}" if missing else "they were all there"
        self.stdout.write(f"The log is append-only ({done}).")
