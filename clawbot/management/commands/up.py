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
from django.core.management.base import BaseCommand, CommandError

from agents.contract import Refused
from agents.strict_yaml import Unreadable
from clawbot import services
from clawbot.people import cast, links
from tasks import clock, folder, lifecycle
from tasks.engine import child
from tasks.models import Task
from tasks.workflow import samples, shipped

HOST = "127.0.0.1"
SAMPLE = ("article", "default")
PATIENCE = 30.0  # seconds until the web must answer
HEAD_START = timedelta(seconds=12)  # to open the page: the sample is through in a few seconds
BY = "clawbot"
GREETING = """
Clawbot is up.

  Open      {url}
  Sign in   {link}
            (works once, as admin; `manage.py signin ana` prints a link for an editor)
  First     Watch the sample article move over the board. It comes to rest at Reviews within a minute:
            read it, approve it, and find the published files under {published}

Ctrl-C stops everything; the next start goes on where this one was.
"""


class Command(BaseCommand):
    """`manage.py up`"""

    help = (
        "Prepare the database, start web and workers, print the address and a sign-in link. Ctrl-C stops all."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes or a part ends by itself."""
        _require_port()
        folder.prepare()
        call_command("migrate", verbosity=0)
        cast.ensure_cast()
        _sync()
        self._signalled = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        hosted = self._open_services()
        children = {"web": _spawn_web(), "work": _spawn_work()}
        for name, part in children.items():
            threading.Thread(target=self._relay, args=(name, part), daemon=True).start()
        try:
            if self._await_web(children["web"]):
                self._greet(hosted)
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

    def _await_web(self, web: subprocess.Popen[str]) -> bool:
        """Wait until somebody listens at the port; False where it was stopped or died before."""
        over = time.monotonic() + PATIENCE
        while web.poll() is None and not self._signalled.is_set() and time.monotonic() < over:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, settings.PORT)) == 0:
                    return True
            self._signalled.wait(0.1)
        return False

    def _greet(self, hosted: list[services.Hosted]) -> None:
        self.stdout.write(
            GREETING.format(
                url=f"{settings.BASE_URL}/", link=links.make("admin"), published=settings.DATA / "published"
            )
        )
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
        seconds = {"web": 5.0, "work": settings.GRACE_SECONDS + 10.0}
        threads = [
            threading.Thread(target=child.end, args=(part, seconds.get(name, 3.0)))
            for name, part in children.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.stdout.write("Stopped.")


def _require_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Cannot start: port {settings.PORT} on {HOST} is not free ({error.strerror}). "
                "Perhaps Clawbot already runs there. Stop it, or choose another port: "
                f"PORT={settings.PORT + 1} make up"
            ) from None


def _sync() -> None:
    try:
        shipped.sync(BY)
    except Unreadable as error:
        raise CommandError(f"Cannot start: a shipped file cannot be used.\n{error}") from None


def _inject_sample() -> None:
    """Once: on the very first start."""
    workflow, name = SAMPLE
    key = f"sample:{workflow}:{name}"
    if Task.objects.filter(idempotency_key=key).exists():
        return
    given, folder = samples.read(workflow, name)
    starts_at = clock.now() + HEAD_START
    lifecycle.inject(
        workflow, title=given["title"], input=given, folder=folder, by=BY, key=key, starts_at=starts_at
    )


def _spawn_web() -> subprocess.Popen[str]:
    # Spawned, never forked: a fork of a process that talks to a database shares its connection.
    options = ["-b", HOST, "-p", str(settings.PORT), "-v", "0"]  # requests are logged by who stands in front
    if settings.HTTPS:
        options.append("--proxy-headers")
    return _spawn([sys.executable, "-m", "daphne", *options, "clawbot.asgi:application"])


def _spawn_work() -> subprocess.Popen[str]:
    return _spawn([sys.executable, "manage.py", "work"])


def _spawn(command: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "clawbot.settings"}
    return child.spawn(
        command, environment, cwd=settings.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
