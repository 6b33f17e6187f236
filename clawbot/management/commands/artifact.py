"""`./manage.py artifact KEY KIND`: prints the text of a thing that was made."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import cli
from clawbot.shapes import artifact_shape
from tasks.models import Artifact


class Command(cli.Command):
    help = "Print the text of an artifact (its data where it has no text)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the task's key, as ART-12")
        parser.add_argument("kind", help="research, draft, review, page_html, summary, ...")
        parser.add_argument(
            "--version", type=int, dest="number", metavar="N", help="the newest where left out"
        )
        cli.add_json(parser)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version would stand in the way of ours.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(
        self, *args: Any, key: str, kind: str, number: int | None, as_json: bool, **options: Any
    ) -> None:
        made = Artifact.objects.filter(task=cli.find_task(key), kind=kind).order_by("-number")
        found = made.filter(number=number).first() if number else made.first()
        if found is None:
            known = Artifact.objects.filter(task__key__iexact=key).order_by("kind", "number")
            names = ", ".join(f"{one} {n}" for one, n in known.values_list("kind", "number")) or "nothing yet"
            raise CommandError(f"{key} has no {kind}{f' {number}' if number else ''}. It has: {names}.")
        if as_json:
            self.stdout.write(cli.dump(artifact_shape(found) | {"text": found.text, "data": found.data}))
        else:
            self.stdout.write(found.text or cli.dump(found.data))
