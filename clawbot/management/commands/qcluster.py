"""One cluster, as the supervisor starts it."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandError

from clawbot import cli
from tasks import queue


class Command(cli.Command):
    """`./manage.py qcluster`"""

    help = "A part of `./manage.py work`, which starts it. Not to be run by hand."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes. Raises CommandError if no supervisor started it."""
        if queue.SUPERVISOR not in os.environ:
            raise CommandError(
                "A cluster without its supervisor would take no work. Run `./manage.py work`: it starts one "
                "and keeps it working."
            )
        queue.run_cluster()
