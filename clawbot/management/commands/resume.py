"""`./manage.py resume`: lifts a hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import cli
from tasks import supervision
from tasks.models import Hold

from .pause import add_scope, read_scope


class Command(cli.Command):
    help = "Lift a hold. Without a scope: the only one there is."

    def add_arguments(self, parser: CommandParser) -> None:
        add_scope(parser, required=False)
        cli.add_actor(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        hold = _find(*read_scope(options))
        with cli.refusals():
            supervision.resume(hold, by=cli.actor(options["by"]))
        self.stdout.write(f"Resumed {hold.target or 'everything'}.")


def _find(scope: str, target: str) -> Hold:
    holds = list(Hold.objects.filter(open=1))
    found = [hold for hold in holds if not scope or (hold.scope, hold.target) == (scope, target)]
    if len(found) == 1:
        return found[0]
    known = "; ".join(f"--{hold.scope} {hold.target}".strip() + f" ({hold.why})" for hold in holds)
    if not holds:
        raise CommandError("Nothing is paused.")
    raise CommandError(f"{'That is not paused' if scope else 'Say which'}. Paused: {known}.")
