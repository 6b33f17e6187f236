"""The sample shop as a real process, and what its books say."""

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

SHOP = ROOT / "tasks/workflows/order/shop.py"
CALLED_OFF = {"voided", "refunded"}


@dataclass
class Till:
    """A shop that runs: asked over HTTP, and counted by its own books."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self, method: str, path: str, value: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """One request: status, the JSON or the text of the answer, its headers."""
        one = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        try:
            one.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            answer = one.getresponse()
            raw = answer.read().decode()
            kind = answer.headers.get_content_type()
            return answer.status, json.loads(raw) if kind == "application/json" else raw, dict(answer.headers)
        finally:
            one.close()

    def ask(self, service: str, kind: str, order: str, key: str = "", at: int = 0, **data: Any) -> Any:
        """What a service replies to an envelope that was sent at this minute."""
        envelope = {
            "from": "clawbot", "to": service, "type": kind, "data": data, "correlation_id": order,
            "timestamp": f"2026-02-17T12:{at:02}:00Z",
        }  # fmt: skip
        return self.call("POST", f"/{service}", envelope, {"Idempotency-Key": key or f"{order}/{kind}"})[1]

    def switch(self, service: str, kind: str, **more: Any) -> None:
        """Turn a fault on (or `none`)."""
        status, said, _ = self.call("POST", "/faults", {"service": service, "kind": kind, **more})
        assert status == 200, said

    def books(self) -> dict[str, list[dict[str, Any]]]:
        return self.call("GET", "/books")[1]

    def wait_until_idle(self) -> None:
        """Until no request is under way any more, also none that its sender has given up."""
        over = time.monotonic() + 30
        while self.call("GET", "/health")[1]["busy"]:
            assert time.monotonic() < over, "The shop is still busy."
            time.sleep(0.05)


@contextmanager
def a_shop(folder: Path, port: int = 0) -> Iterator[Till]:
    """A shop with its books in `folder`, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(SHOP), "--port", str(port), "--data", str(folder)],
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    till = Till(port, process)
    try:
        _wait(till)
        yield till
    finally:
        process.kill()
        process.wait()


def _wait(till: Till) -> None:
    over = time.monotonic() + 20
    while True:
        try:
            assert till.call("GET", "/health")[0] == 200
            return
        except ConnectionError:
            assert till.process.poll() is None, "The shop ended."
            assert time.monotonic() < over, "The shop does not answer."
            time.sleep(0.02)


# -- What the books must never say -------------------------------------------------------------------


def paid_and_not_shipped(books: dict[str, Any]) -> list[str]:
    """Orders whose money is authorised or taken though no label and pickup stand."""
    live = {row["task"] for row in books["charges"] if row["state"] not in CALLED_OFF}
    shipped = _of(books, "labels", "made") & _of(books, "pickups", "scheduled")
    return sorted(live - shipped)


def charged_twice(books: dict[str, Any]) -> list[str]:
    """Orders for which more than one charge was ever made, or is live."""
    every = [row["task"] for row in books["charges"]]
    return sorted({task for task in every if every.count(task) > 1})


def stock_held(books: dict[str, Any]) -> list[str]:
    """Orders whose goods are off the shelf though nobody comes for them."""
    held = _of(books, "reservations", "held")
    gone = _of(books, "reservations", "handed over") - _of(books, "pickups", "scheduled")
    return sorted(held | gone)


def stock_lost(books: dict[str, Any], before: dict[str, Any]) -> dict[str, int]:
    """Articles whose level does not fit what was reserved."""
    taken: dict[str, int] = {}
    for row in books["reservations"]:
        if row["state"] != "released":
            taken[row["sku"]] = taken.get(row["sku"], 0) + row["quantity"]
    first = {row["sku"]: row["level"] for row in before["stock"]}
    now = {row["sku"]: row["level"] + taken.get(row["sku"], 0) for row in books["stock"]}
    return {sku: now[sku] - first[sku] for sku in first if now[sku] != first[sku]}


def shipped_and_not_paid(books: dict[str, Any]) -> list[str]:
    """Orders that leave though the money was not taken."""
    leaving = _of(books, "pickups", "scheduled")
    return sorted(leaving - _of(books, "charges", "captured"))


def told(books: dict[str, Any], task: str) -> list[str]:
    """The subjects of the mails about an order."""
    return [row["subject"] for row in books["mails"] if row["task"] == task]


def states(books: dict[str, Any], table: str, task: str) -> list[str]:
    return [row["state"] for row in books[table] if row["task"] == task]


def _of(books: dict[str, Any], table: str, state: str) -> set[str]:
    return {row["task"] for row in books[table] if row["state"] == state}
