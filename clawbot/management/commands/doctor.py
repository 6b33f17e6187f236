"""`./manage.py doctor`: what this installation is made of, and what keeps it from working.

It shows which secrets are set, never what they are.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from agents import llm
from agents.models import Agent
from clawbot import cli, startup
from clawbot.checks import TAG
from tasks.engine import site, workers
from tasks.models import Hold, Notice, Workflow

PACKAGES = ("django", "django-q2", "channels", "daphne", "slack-sdk", "pydantic-ai-slim")
LEAST_FREE = 500_000_000

Finding = tuple[bool, str]


class Command(cli.Command):
    help = "Look at everything Clawbot needs. Exit 1 where something is wrong, with what would mend it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_json(parser)

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        found = {name: _look(look) for name, look in LOOKS.items()}
        if as_json:
            self.stdout.write(
                cli.dump({name: {"ok": ok, "text": text} for name, (ok, text) in found.items()})
            )
        else:
            for name, (ok, text) in found.items():
                self.stdout.write(f"{'ok ' if ok else 'BAD'}  {name:<11} {text}")
        if not all(ok for ok, _ in found.values()):
            raise SystemExit(1)


def _look(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except DatabaseError as error:
        return False, f"The database does not answer as it should: {error}".strip()


def _versions() -> Finding:
    return True, ", ".join(
        [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]
    )


def _settings() -> Finding:
    problems = [message for message in checks.run_checks(tags=[TAG]) if message.level >= checks.WARNING]
    bad = any(message.level >= checks.ERROR for message in problems)
    return not bad, "; ".join(
        f"{one.msg} {one.hint or ''}".strip() for one in problems
    ) or "nothing to say against them"


def _database() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return False, f"{connection.vendor} lacks {len(missing)} migrations. Run `./manage.py migrate`."
    for problem in startup.encoding(None, databases=["default"]):
        return False, f"{problem.msg} {problem.hint}"
    return True, f"{connection.vendor} {'.'.join(map(str, connection.get_database_version()))}"


def _disk() -> Finding:
    if not settings.DATA.is_dir():
        return False, f"{settings.DATA} is not there. `./manage.py migrate` makes it; so does every start."
    free = shutil.disk_usage(settings.DATA).free
    writable = os.access(settings.DATA, os.W_OK)
    return writable and free > LEAST_FREE, f"{settings.DATA}: {free // 10**6:,} MB free" + (
        "" if writable else ", not writable"
    )


def _staff() -> Finding:
    agents, flows = Agent.objects.exclude(active=None).count(), Workflow.objects.exclude(active=None).count()
    return bool(agents and flows), f"{agents} agents, {flows} workflows" + (
        "" if agents and flows else ". Run `./manage.py sync`."
    )


def _models() -> Finding:
    asked = Agent.objects.exclude(active=None).values_list("slug", "active__definition__model")
    lost = {slug: why for slug, model in asked if (why := llm.missing(model or "default"))}
    if lost:
        runs = f"What {', '.join(sorted(lost))} should do waits for a person."
        return False, " ".join([runs, *dict.fromkeys(lost.values())])
    return True, ", ".join(llm.names())


def _workers() -> Finding:
    alive = cli.workers_alive()
    late = workers.overdue().count()
    return alive > 0, f"{alive} alive" + (f", {late} silent" if late else "") + (
        "" if alive else f". {cli.NO_WORKER}"
    )


def _holds() -> Finding:
    holds = [f"{hold.target or 'everything'} ({hold.why})" for hold in Hold.objects.filter(open=1)]
    return True, f"Paused: {', '.join(holds)}" if holds else "nothing is paused"


def _deliveries() -> Finding:
    dead = Notice.objects.filter(state=Notice.State.DEAD).order_by("-id")
    unsure = Notice.objects.filter(state=Notice.State.UNCERTAIN).count()
    last = dead.first()
    text = f"by {', '.join(settings.CARRIERS)}; {dead.count()} failed, {unsure} uncertain"
    return True, text + (f"; the last failure: {last.error}" if last else "")


def _slack() -> Finding:
    if not settings.SLACK_BOT_TOKEN:
        return True, "not set up (SLACK_BOT_TOKEN)"
    if not settings.SLACK_CHANNELS:
        return (
            False,
            "has a token but no channel. Set SLACK_CHANNELS, as editors=C0EDITORIAL,operators=C0OPS.",
        )
    return True, f"{', '.join(settings.SLACK_CHANNELS)}; each message links to the page where people decide"


def _php() -> Finding:
    found = shutil.which("php")
    if not found:
        return True, "not installed; published .php files are checked by Clawbot's own reader only"
    said = subprocess.run([found, "-v"], capture_output=True, text=True, timeout=10, check=False).stdout
    return True, said.splitlines()[0] if said else found


def _hosts() -> Finding:
    return site.report()


LOOKS: dict[str, Callable[[], Finding]] = {
    "versions": _versions, "settings": _settings, "database": _database, "disk": _disk, "hosts": _hosts,
    "staff": _staff, "models": _models, "workers": _workers, "holds": _holds, "deliveries": _deliveries,
    "slack": _slack,
    "php": _php,
}  # fmt: skip
