"""The sample desk as a real process, and what its books say."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.databases import ROOT

DESK = ROOT / "tasks/workflows/support/desk.py"


@dataclass
class Sample:
    """A desk that runs: asked over HTTP, and counted by its own books."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, value: Any = None, key: str = "") -> tuple[int, Any]:
        """One request: status and the JSON of the answer."""
        one = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        try:
            one.request(method, path, body, {"Idempotency-Key": key} if key else {})
            answer = one.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            one.close()

    def ask(self, service: str, key: str, **data: Any) -> dict[str, Any]:
        """The fields that a service replies to an envelope."""
        envelope = {"from": "a", "to": "b", "type": service, "data": data, "correlation_id": "SUP-1"}
        status, reply = self.call("POST", f"/{service}", envelope, key)
        assert status == 200, reply
        return dict(reply["fields"])

    def books(self) -> dict[str, list[dict[str, Any]]]:
        return self.call("GET", "/books")[1]  # type: ignore[no-any-return]

    def paid_back(self) -> list[tuple[str, int]]:
        """Every refund in the books: invoice and cents."""
        return [(row["invoice"], row["cents"]) for row in self.books()["refunds"]]


@contextmanager
def a_desk(folder: Path) -> Iterator[Sample]:
    """A desk with fresh books at a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(DESK), "--port", str(port), "--data", str(folder)]
    process = subprocess.Popen(command)
    try:
        sample = Sample(port)
        over = time.monotonic() + 20
        while True:
            try:
                assert sample.call("GET", "/health") == (200, {"ok": True})
                break
            except OSError:
                assert time.monotonic() < over, "The desk does not answer."
                assert process.poll() is None, "The desk ended."
                time.sleep(0.02)
        yield sample
    finally:
        process.terminate()
        process.wait(10)
