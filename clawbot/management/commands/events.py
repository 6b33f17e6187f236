"""`./manage.py events export`: the log as JSON lines or CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import cli, export
from clawbot.asking import asked_for, narrow
from tasks.models import Event


class Command(cli.Command):
    help = "Write the log, oldest first. FILTER as on the Activity page: task:ART-12 agent:writer kind:review"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["export"], help="what to do with them")
        parser.add_argument("filter", nargs="*", help="qualifiers and words; all must match")
        parser.add_argument("--format", choices=sorted(export.FORMATS), default="jsonl", dest="form")
        parser.add_argument("--out", metavar="FILE", help="a file instead of the terminal")

    def handle(self, *args: Any, form: str, out: str | None, **options: Any) -> None:
        events = narrow(Event.objects.all(), asked_for({"q": " ".join(options["filter"])}))
        if out is None:
            for part in export.lines(events, form):
                self.stdout.write(part, ending="")
            return
        file = Path(out).expanduser()
        try:
            with file.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(export.lines(events, form))
        except OSError as error:
            raise CommandError(f"--out {out}: cannot be written ({error.strerror}).") from None
        self.stdout.write(str(file))
