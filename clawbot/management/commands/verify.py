"""`manage.py verify`: what must always be true, as queries."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from clawbot import cli
from tasks import invariants


class Command(BaseCommand):
    help = "Check every invariant. Exit 1 and a list where one does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_json(parser)

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        broken = invariants.check()
        if as_json:
            self.stdout.write(cli.dump(broken))
        else:
            for name, places in broken.items():
                self.stdout.write(f"BROKEN  {name}")
                for place in places:
                    self.stdout.write(f"        {place}")
            self.stdout.write(
                f"{len(invariants.ALL) - len(broken)} of {len(invariants.ALL)} invariants hold."
            )
        if broken:
            raise SystemExit(1)
