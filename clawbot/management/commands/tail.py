"""`./manage.py tail [FILTER]`: the log as it grows."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from clawbot import cli
from clawbot.asking import asked_for, narrow
from clawbot.dashboard.sentences import sentence
from clawbot.live.feed import Feed, newest
from tasks import moments
from tasks.models import Event

LOOK_SECONDS = 0.3


class Command(cli.Command):
    help = "Follow the log. FILTER as on the Activity page: task:ART-12 agent:writer kind:notice words"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("filter", nargs="*", help="qualifiers and words; all must match")
        parser.add_argument("--lines", type=int, default=20, metavar="N", help="how many to begin with")
        parser.add_argument("--no-follow", action="store_true", help="stop after those")
        cli.add_json(parser)

    def handle(self, *args: Any, lines: int, no_follow: bool, as_json: bool, **options: Any) -> None:
        asked = asked_for({"q": " ".join(options["filter"])})
        feed = Feed(after=newest())
        wanted = narrow(Event.objects.select_related("task"), asked)
        self.show(list(wanted.filter(pk__lte=feed.after).order_by("-id")[:lines])[::-1], as_json)
        while not no_follow:
            ids = [change.seq for change in feed.read(time.monotonic())]
            self.show(wanted.filter(pk__in=ids).order_by("id") if ids else [], as_json)
            self.stdout.flush()
            time.sleep(LOOK_SECONDS)

    def show(self, events: Any, as_json: bool) -> None:
        """One line per event."""
        for event in events:
            task = event.task.key if event.task else ""
            if as_json:
                self.stdout.write(_line(event, task))
            else:
                self.stdout.write(f"{moments.line(event.at)}  {task:<9} {event.by:<22} {sentence(event)}")


def _line(event: Event, task: str) -> str:
    shape = {
        "id": event.pk,
        "at": event.at,
        "kind": event.kind,
        "task": task,
        "stage": event.stage,
        "by": event.by,
    }
    return " ".join(cli.dump(shape | {"data": event.data}).split("\n"))
