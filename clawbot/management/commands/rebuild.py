"""`./manage.py rebuild`: what the log alone says of tasks, stages, artifacts, reviews, decisions, holds."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from clawbot import cli
from tasks.history import replay
from tasks.models import Task


class Command(cli.Command):
    help = "Replay the log. --check compares with the tables; exit 1 and a list where they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", nargs="?", help="one task; all of them where left out")
        parser.add_argument("--check", action="store_true", help="only compare")
        cli.add_actor(parser)
        cli.add_json(parser)

    def handle(
        self, *args: Any, key: str | None, check: bool, as_json: bool, by: str | None, **options: Any
    ) -> None:
        tasks = Task.objects.filter(pk=cli.find_task(key).pk) if key else None
        found = list(replay.differences(tasks))
        against = list(replay.contradictions(tasks))
        done, left = (0, found) if check else self.restore(found, by)
        if as_json:
            self.stdout.write(
                cli.dump({"restored": done, "differences": list(map(str, left)), "contradictions": against})
            )
        else:
            for line in [*map(str, left), *against]:
                self.stdout.write(line)
            self.stdout.write(_summary(done, len(left) + len(against)))
        if left or against:
            raise SystemExit(1)

    def restore(self, found: list[replay.Difference], by: str | None) -> tuple[int, list[replay.Difference]]:
        """Give rows back what the log says of them; how many, and what it cannot give back."""
        with cli.refusals():
            return replay.restore(found, by=cli.actor(by))


def _summary(done: int, left: int) -> str:
    gave = f"{done} rows were given back what the log says of them. " if done else ""
    return gave + (f"{left} differences are left." if left else "The tables are what the log tells.")
