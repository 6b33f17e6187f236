"""`./manage.py demo`: injects the shipped samples, one after another, so that there is something to watch."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from django.core.management.base import CommandParser

from clawbot import cli
from tasks import lifecycle
from tasks.workflow import samples


class Command(cli.Command):
    help = "Inject all samples in turn, until Ctrl-C. Clawbot must be running (`make up`)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", metavar="SECONDS", type=float, default=20, help="pause between two tasks (default: 20)"
        )
        parser.add_argument("--count", metavar="N", type=int, help="stop after so many tasks")
        cli.add_actor(parser)

    def handle(self, *args: Any, every: float, count: int | None, **options: Any) -> None:
        """Inject, say which, wait; each round through the samples makes new tasks."""
        pause = threading.Event()
        shipped = [(flow, name) for flow in samples.workflows() for name in samples.names(flow)]
        with cli.refusals():
            for flow, name in itertools.islice(itertools.cycle(shipped), count):
                given, folder = samples.read(flow, name)
                task = lifecycle.inject(
                    flow, title=given["title"], input=given, folder=folder, by=cli.actor(options["by"])
                )
                self.stdout.write(f"{task.key}  {task.title}")
                self.stdout.flush()
                pause.wait(every)
