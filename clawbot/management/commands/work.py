"""Runs the workers: a cluster, and the supervisor that keeps it working."""

from __future__ import annotations

import signal
from typing import Any

from clawbot import cli, startup
from tasks.engine.cluster import Supervisor


class Command(cli.Command):
    """`./manage.py work`"""

    help = "Start the workers and keep them working. Ctrl-C stops them in order, a second one at once."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes."""
        startup.require()
        self.stdout.write(startup.found())
        supervisor = Supervisor()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        self.stdout.write("Workers start.")
        supervisor.run()
        self.stdout.write("Workers have stopped.")
