"""`./manage.py signin USER`: prints a one-time sign-in link."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.contract import Refused
from clawbot import cli
from clawbot.people import links


class Command(cli.Command):
    help = "Print a link that signs one person in, once, within 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user name")

    def handle(self, *args: Any, user: str, **options: Any) -> None:
        try:
            self.stdout.write(links.make(user))
        except Refused as refused:
            raise CommandError(str(refused)) from None
