"""`./manage.py head`: the head of the sealed log, to be kept elsewhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import cli
from tasks.history import seal


class Command(cli.Command):
    help = "Seal what is committed and print the head of the log: a line for `verify --head`."

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_json(parser)

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        while seal.seal():
            pass
        newest = seal.head()
        if newest is None:
            raise CommandError("The log is empty: there is nothing to seal yet.")
        facts = seal.head_facts(newest)
        words = f"{facts['events']:,} events, seal {facts['seal']}, {facts['at']}"
        self.stdout.write(cli.dump(facts) if as_json else f"{facts['hash']}  {words}")
