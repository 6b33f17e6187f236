"""Measures this machine: `./manage.py bench engine`, `./manage.py bench parallel`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from clawbot import cli
from clawbot.bench import engine, limit, parallel, place

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
HEAD = (
    "database",
    "A stages/s",
    "B stages/s",
    "in flight",
    "idle p50 / p95 ms",
    "memory MB",
    "CPU s per 1000",
)


class Command(cli.Command):
    """`./manage.py bench engine`"""

    help = (
        "Measure the engine: five stages that do nothing (A), of 100 ms each (B), one task when idle; or "
        "what parallel branches are worth: five stages of two seconds side by side, and in a row."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is measured, and where."""
        parser.add_argument("what", choices=["engine", "parallel"])
        parser.add_argument(
            "--database", action="append", help=f"a server's address; default SQLite and {POSTGRES}"
        )
        parser.add_argument(
            "--tasks", type=int, default=2000, help="tasks of five stages for A; B gets a quarter"
        )
        parser.add_argument("--singles", type=int, default=20, help="tasks for the idle figure")
        parser.add_argument("--seconds", type=float, default=2.0, help="of each stage (parallel)")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--here", help="(internal) measure in the configured, empty database")

    def handle(self, *args: Any, **options: Any) -> None:
        """One throw-away database after the other, each in a process of its own."""
        if options["here"]:
            self.stdout.write(json.dumps(_measure_here(options, Path(options["here"]))))
            return
        found = {url: self._measure(url, options) for url in options["database"] or ["sqlite://", POSTGRES]}
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        elif options["what"] == "parallel":
            self._ratios(found)
        else:
            self._table(found)

    def _measure(self, url: str, options: dict[str, Any]) -> dict[str, Any]:
        self.stderr.write(f"Measuring on {url} ...")
        with tempfile.TemporaryDirectory(prefix="clawbot-bench-") as folder:
            with place.throw_away(url, Path(folder)) as database:
                return _in_a_process_of_its_own(database, folder, options)

    def _ratios(self, found: dict[str, dict[str, Any]]) -> None:
        for url, one in found.items():
            self.stdout.write(
                f"{url.split(':')[0]}: five branches of {one['seconds']:g} s take {one['branches']:.2f} s, "
                f"{one['over_the_longest']:.3f} x the longest; in a row {one['row']:.2f} s, "
                f"{one['faster']:.2f} x as long."
            )

    def _table(self, found: dict[str, dict[str, Any]]) -> None:
        lines: list[tuple[str, ...]] = [HEAD]
        for url, one in found.items():
            lines.append((
                url.split(":")[0], f"{one['nothing']:,.0f}", f"{one['waiting']:,.0f}", str(one["in_flight"]),
                f"{one['idle_p50']:.0f} / {one['idle_p95']:.0f}", f"{one['memory']:.0f}", f"{one['cpu']:.2f}",
            ))  # fmt: skip
            if one.get("limit"):
                ratio = one["nothing"] / one["limit"]
                lines.append((f"  limit: pgbench ({ratio:.0%} of it)", f"{one['limit']:,.0f}", *[""] * 5))
            elif "limit" in one:
                lines.append(("  limit: no pgbench here (Debian: postgresql-client)", *[""] * 6))
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
        for line in lines:
            cells = [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
            ]
            self.stdout.write("  ".join(cells).rstrip())


def _in_a_process_of_its_own(database: str, folder: str, options: dict[str, Any]) -> dict[str, Any]:
    """Settings are read once per process, so each database gets its own."""
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "CLAWBOT_DATA": str(Path(folder) / "var"),
        "CLAWBOT_BROKER": "orm",
    }
    sizes = [f"--{name}={options[name]}" for name in ("tasks", "singles", "seconds")]
    done = subprocess.run(
        [sys.executable, "manage.py", "bench", options["what"], "--here", folder, *sizes],
        cwd=settings.ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise CommandError(f"The measurement on {database} failed; its lines above say why.")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _measure_here(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    if options["what"] == "parallel":
        found = parallel.measure(options["seconds"])
        return asdict(found) | {"over_the_longest": found.over_the_longest, "faster": found.faster}
    figures: dict[str, Any] = asdict(
        engine.measure(options["tasks"], options["tasks"] // 4, options["singles"])
    )
    if connection.vendor == "postgresql":
        pgbench = limit.find()
        # The same order of size as the engine has just met: the tables are neither empty nor cold.
        figures["limit"] = limit.measure(pgbench, settings.DATABASE_URL, folder) if pgbench else None
    return figures
