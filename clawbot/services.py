"""The services that shipped workflows declare (`services: {shop: shop.py}`), each in a process of its own.

They stand for somebody else's: they know nothing of Clawbot, and agents reach them by the address that
CLAWBOT_SERVICES gives. Where an operator's own list names one, that one is asked and none is started. Only
files inside the folders of shipped workflows are ever run.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from agents.contract import Refused
from agents.outside import addresses
from tasks import workflow
from tasks.engine import child
from tasks.models import Workflow

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 11, 99  # above PORT
PATIENCE = 15.0  # seconds until it must answer
LONG_LIFE = 60.0  # seconds after which a death is the first one again
LONGEST_PAUSE = 30.0  # seconds between two starts of one that keeps dying
Say = Callable[[str], None]


def declared() -> dict[str, Path]:
    """The files of the services that active workflows declare, by name; the first to name one has it."""
    found: dict[str, Path] = {}
    for flow in Workflow.objects.filter(active__isnull=False).select_related("active").order_by("slug"):
        folder = (workflow.FOLDER / flow.slug).resolve()
        services = flow.active.definition.get("services", {}) if flow.active else {}
        for name, file in services.items():
            path = (folder / file).resolve()
            if path.parent == folder and path.is_file():
                found.setdefault(name, path)
    return found


class Hosted:
    """One service as a process: started, watched, and started again where it died."""

    def __init__(self, name: str, file: Path, port: int, say: Say) -> None:
        self.name, self.file, self.say = name, file, say
        self.url = f"http://{HOST}:{port}"
        self._command = [
            sys.executable, str(file), "--port", str(port), "--data", str(settings.DATA / name),
        ]  # fmt: skip
        self._deaths = 0
        self.start()

    def start(self) -> None:
        """Start the process; its lines are shown behind its name. Call from the main thread."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(settings.ROOT)}
        self.process = child.spawn(
            self._command, environment, cwd=settings.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._started = time.monotonic()
        self._not_before = self._started + min(LONGEST_PAUSE, 0.5 * 2**self._deaths)
        threading.Thread(target=self._relay, args=(self.process,), daemon=True).start()

    def keep(self) -> None:
        """Start it again where it ended by itself, after a pause that grows with every death."""
        if self.process.poll() is None or time.monotonic() < self._not_before:
            return
        lived = time.monotonic() - self._started
        self._deaths = self._deaths + 1 if lived < LONG_LIFE else 1
        self.say(f"{self.name} ended by itself with code {self.process.returncode}; it is started again.")
        self.start()

    def answers(self) -> bool:
        """Whether it says that it is well."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _relay(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                self.say(f"{self.name:>4} | {line.rstrip()}")


def open_all(say: Say, stopped: threading.Event) -> list[Hosted]:
    """Start every declared service that the operator's own list does not name, add its address to this
    process's CLAWBOT_SERVICES, and wait until it answers. Raises `agents.contract.Refused` for a list that
    cannot be read."""
    known = addresses.services(os.environ)
    files = {name: file for name, file in declared().items() if name not in known}
    ports = _free_ports()
    hosted = [Hosted(name, file, next(ports), say) for name, file in files.items()]
    whole = known | {one.name: one.url for one in hosted}
    os.environ[addresses.SERVICES] = " ".join(f"{name}={url}" for name, url in whole.items())
    over = time.monotonic() + PATIENCE
    for one in hosted:
        while not one.answers():
            if stopped.wait(0.1):
                return hosted
            one.keep()
            if time.monotonic() > over:
                say(f"The sample service {one.name} at {one.url} does not answer; its lines above say why.")
                break
    return hosted


def _free_ports() -> Iterator[int]:
    """Ports above ours that nobody listens at. Raises `Refused` where there is none left."""
    first, last = settings.PORT + FIRST_PORT, min(settings.PORT + LAST_PORT, 65_536)
    for port in range(first, last):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        yield port
    raise Refused(f"no port from {first} on is free for a sample service. Choose another PORT.")
