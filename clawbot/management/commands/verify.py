"""`./manage.py verify`: what must always be true, that rows are what the log tells, and that the log is as it
was sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from clawbot import cli
from clawbot.words import duration
from tasks import invariants
from tasks.history import chain, replay


class Command(cli.Command):
    help = (
        "Check every invariant, every row against the log, and the sealed log. Exit 1 and a list "
        "if one does not hold."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head", action="append", default=[], metavar="FILE|HASH",
            help="a head of the log that was kept elsewhere: proves that nothing was cut off since",
        )  # fmt: skip
        cli.add_json(parser)

    def handle(self, *args: Any, head: list[str], as_json: bool, **options: Any) -> None:
        with cli.refusals():
            heads = [one for given in head for one in chain.read_heads(_text(given))]
        broken, report = invariants.check(), chain.check(heads)
        differ = [*map(str, replay.differences()), *replay.contradictions()]
        if as_json:
            self.stdout.write(
                cli.dump({"invariants": broken, "differences": differ, "log": chain.as_json(report)})
            )
        else:
            for name, places in broken.items():
                self.stdout.write(f"BROKEN  {name}")
                for place in places:
                    self.stdout.write(f"        {place}")
            self.stdout.write(
                f"{len(invariants.ALL) - len(broken)} of {len(invariants.ALL)} invariants hold."
            )
            for one in differ:
                self.stdout.write(f"CHANGED {one}")
            rows = (
                f"{len(differ)} differences between rows and log"
                if differ
                else "Every row is what the log tells"
            )
            self.stdout.write(f"{rows}.")
            self.tell(report)
        if broken or differ or report.faults:
            raise SystemExit(1)

    def tell(self, report: chain.Report) -> None:
        """The log in words."""
        for fault in report.faults:
            self.stdout.write(f"{fault.kind.upper():<9} {fault.text}")
        waits = f"; the oldest unsealed one is {duration(report.unsealed_seconds)} old"
        whole = "is whole" if not report.faults else f"has {len(report.faults)} faults"
        self.stdout.write(
            f"The log {whole}: {report.events:,} events under {report.seals:,} seals"
            f"{waits if report.unsealed_seconds else ''}."
        )
        if report.head:
            self.stdout.write(f"Head: {report.head}")


def _text(given: str) -> str:
    """The file of this name, else the words themselves."""
    try:
        file = Path(given).expanduser()
        return file.read_text("utf-8", "replace") if file.is_file() else given
    except (OSError, RuntimeError):  # no name of a file, or of somebody's home
        return given
