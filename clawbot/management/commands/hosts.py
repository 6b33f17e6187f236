"""`./manage.py hosts`: which processes serve this site on which hosts, and if they see the same folder."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from clawbot import cli
from tasks import folder
from tasks.engine import site
from tasks.models import Process


class Command(cli.Command):
    """`./manage.py hosts`"""

    help = "List the web and work processes of all hosts. Exit 1 if any of them sees another data folder."

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_json(parser)
        parser.add_argument(
            "--adopt", action="store_true",
            help="this host's data folder is the right one for this database (restored, or moved): mark it",
        )  # fmt: skip

    def handle(self, *args: Any, as_json: bool, adopt: bool, **options: Any) -> None:
        """Mark the folder if asked to; then list."""
        if adopt:
            folder.make(settings.DATA)
            self.stderr.write(f"{settings.DATA} is marked as the data folder of site {site.adopt().name}.")
        found = list(site.living())
        if as_json:
            self.stdout.write(cli.dump([_shape(one) for one in found]))
        else:
            self._list(found)
        if not site.report()[0]:
            raise SystemExit(1)

    def _list(self, found: list[Process]) -> None:
        for one in found:
            self.stdout.write(f"{'BAD' if one.fault else 'ok '}  {one}  {one.fault}".rstrip())
        ok, text = site.report()
        why = "" if ok else site.seen_from_here(site.site(), found)
        self.stdout.write(
            text if ok else f"Seen from here: {why or 'this host has the folder.'} {site.REMEDY}"
        )


def _shape(one: Process) -> dict[str, Any]:
    names = ("kind", "host", "pid", "folder", "started_at", "seen_at", "fault")
    return {name: getattr(one, name) for name in names}
