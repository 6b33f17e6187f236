"""Everything in one terminal: a small parent that prepares the database and spawns web, workers and the
sample services of shipped workflows."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from agents.contract import Refused
from agents.strict_yaml import Unreadable
from clawbot import cli, listen, services, startup
from clawbot.people import cast, links
from tasks import clock, lifecycle
from tasks.engine import child
from tasks.workflow import offers, samples, shipped

SAMPLE = ("article", "default")
PATIENCE = 30.0  # seconds until the web must answer
HEAD_START = timedelta(seconds=12)  # to open the page: the sample is through in a few seconds
BY = "clawbot"
SIGN_IN = """\
  Sign in   {link}
            (works once, as {name}; `./manage.py signin NAME` prints a link for somebody else)"""
FIRST = """\
  First     Watch the sample article move over the board. It comes to rest at Reviews within a minute:
            read it, approve it, and find the published files under {published}"""
GREETING = """
Clawbot is up.

{lines}

Ctrl-C stops everything; the next start goes on where this one was.
"""


class Command(cli.Command):
    """`./manage.py up`"""

    help = (
        "Prepare the database, start web and workers, print the address and a sign-in link. Ctrl-C stops all."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes or a part ends by itself."""
        hosts = listen.addresses(settings.HOST)
        listen.require_free(hosts, settings.PORT)
        startup.require(migrated=False)
        call_command("migrate", verbosity=0)
        self.stdout.write(startup.found())
        is_new = bool(cast.make_cast())
        for update in _sync():
            self.stdout.write(update)
        self._signalled = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        hosted = self._open_services()
        children = {"web": _spawn_web(), "work": _spawn_work()}
        for name, part in children.items():
            threading.Thread(target=self._relay, args=(name, part), daemon=True).start()
        try:
            if self._await_web(children["web"], hosts[0]):
                self._greet(hosted, is_new)
                if is_new:
                    _inject_sample()
            self._watch(children, hosted)
        finally:
            self._end(children | {one.name: one.process for one in hosted})

    def _stop(self) -> None:
        self._signalled.set()

    def _open_services(self) -> list[services.Hosted]:
        try:
            return services.open_all(self.stdout.write, self._signalled)
        except Refused as error:
            raise CommandError(f"Cannot start: {error}") from None

    def _relay(self, name: str, part: subprocess.Popen[str]) -> None:
        """Print a child's lines behind its name."""
        assert part.stdout
        for line in part.stdout:
            self.stdout.write(f"{name:>4} | {line.rstrip()}")

    def _await_web(self, part: subprocess.Popen[str], host: str) -> bool:
        """Wait until somebody listens at the port; False where it was stopped or died before."""
        over = time.monotonic() + PATIENCE
        while part.poll() is None and not self._signalled.is_set() and time.monotonic() < over:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                if probe.connect_ex((host, settings.PORT)) == 0:
                    return True
            self._signalled.wait(0.1)
        return False

    def _greet(self, hosted: list[services.Hosted], is_new: bool) -> None:
        lines = [f"  Open      {settings.BASE_URL}/"]
        if there := cast.admins():
            lines.append(SIGN_IN.format(link=links.make(there[0]), name=there[0]))
        else:
            lines.append(
                "  Sign in   Nobody here is an admin: `./manage.py first_admin NAME` makes the first one."
            )
        if is_new:
            lines.append(FIRST.format(published=settings.DATA / "published"))
        self.stdout.write(GREETING.format(lines="\n".join(lines)))
        for one in hosted:
            self.stdout.write(f"The sample service {one.name} is at {one.url}/\n")
        self.stdout.flush()

    def _watch(self, children: dict[str, subprocess.Popen[str]], hosted: list[services.Hosted]) -> None:
        """Until a signal comes. A part that ends by itself ends the whole: half a house misleads. A sample
        service is somebody else's: it is started again."""
        while not self._signalled.wait(0.3):
            for one in hosted:
                one.keep()
            for name, part in children.items():
                if part.poll() is not None:
                    raise CommandError(
                        f"{name} ended by itself with code {part.returncode}; its lines above say why."
                    )

    def _end(self, children: dict[str, subprocess.Popen[str]]) -> None:
        """All parts at the same time, each within a bounded time."""
        self.stdout.write("Stopping.")
        seconds = {"web": settings.GRACE_SECONDS + 5.0, "work": settings.GRACE_SECONDS + 10.0}
        threads = [
            threading.Thread(target=child.end, args=(part, seconds.get(name, 3.0)))
            for name, part in children.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.stdout.write("Stopped.")


def _sync() -> list[str]:
    """Reads the shipped files; returns what they offer to people who chose another wording, in words."""
    try:
        shipped.sync(BY)
    except Unreadable as error:
        raise CommandError(f"Cannot start: a shipped file cannot be used.\n{error}") from None
    return [shipped.said(version) for version in offers.waiting()]


def _inject_sample() -> None:
    workflow, name = SAMPLE
    given, folder = samples.read(workflow, name)
    lifecycle.inject(
        workflow, title=given["title"], input=given, folder=folder, by=BY, key=f"sample:{workflow}:{name}",
        starts_at=clock.now() + HEAD_START,
    )  # fmt: skip


def _spawn_web() -> subprocess.Popen[str]:
    # Spawned, never forked: a fork of a process that talks to a database shares its connection.
    return _spawn([sys.executable, "manage.py", "web"])


def _spawn_work() -> subprocess.Popen[str]:
    return _spawn([sys.executable, "manage.py", "work"])


def _spawn(command: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "clawbot.settings"}
    return child.spawn(
        command, environment, cwd=settings.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
