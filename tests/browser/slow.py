"""A line to the site that can be made slow, and a web process of the site that can be restarted."""

from __future__ import annotations

import queue
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from tests.databases import ROOT

START_SECONDS = 60


class Line:
    """Carries bytes between a browser and a port of this machine, `delay` seconds late in each direction."""

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        self._to = port
        self._open: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        under_way: queue.Queue[tuple[float, bytes]] = queue.Queue()
        threading.Thread(target=self._arrive, args=(under_way, other), daemon=True).start()
        got = b"-"
        while got:
            try:
                got = one.recv(65536)
            except OSError:
                got = b""
            under_way.put((time.monotonic() + self.delay, got))

    def _arrive(self, under_way: queue.Queue[tuple[float, bytes]], other: socket.socket) -> None:
        try:
            while True:
                due, got = under_way.get()
                time.sleep(max(0.0, due - time.monotonic()))
                if not got:
                    return other.shutdown(socket.SHUT_WR)
                other.sendall(got)
        except OSError:
            pass

    def close(self) -> None:
        """Accept nothing more, and end what is under way."""
        for one in (self._door, *self._open):
            one.close()


class Web:
    """One more web process of a site, on a port of its own."""

    def __init__(self, site: Any) -> None:
        self._site = site
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "-v", "0"]
        environment = self._site.environment | {
            "DJANGO_SETTINGS_MODULE": "clawbot.settings", "PORT": str(self.port), "BASE_URL": self.url,
        }  # fmt: skip
        self._process = subprocess.Popen(
            [*command, "clawbot.asgi:application"], cwd=ROOT, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        over = time.monotonic() + START_SECONDS
        while time.monotonic() < over:
            try:
                urllib.request.urlopen(f"{self.url}/livez", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise AssertionError("The second web process did not come up.")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process:
            self._process.kill()
            self._process.wait()
