"""`./manage.py first_admin NAME`: the first person of a house, with a link to sign in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from clawbot import cli
from clawbot.people import cast, links


class Command(cli.Command):
    help = "Make the first admin of a house that has none, and print a link that signs them in once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user name, as `root` or `dora.lind`")

    def handle(self, *args: Any, user: str, **options: Any) -> None:
        with cli.refusals():
            made = cast.first_admin(user)
            self.stdout.write(links.make(made.username))
