"""The sample shop: somebody else's services, to try the order workflow against. Not part of Clawbot.

    python -m tasks.workflows.order.shop --port 8011 --data var/shop

`POST /order`, `/inventory`, `/payment`, `/shipping` and `/notification` take an envelope and reply with an
Outcome; `GET /` shows the books and the switches for faults, `GET /books` the same as JSON, `POST /faults`
turns one on, `GET /health` says that it is up. It listens on this machine only.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tasks.workflows.order import shop_page
from tasks.workflows.order.shop_books import SERVICES, Books, Order

HOST = "127.0.0.1"
MOST_BYTES = 1_000_000
KINDS = {
    "fail before": "answers 500 and does nothing",
    "fail after": "does it, and the answer is lost",
    "slow": "takes its time before it does it",
    "duplicate": "the request arrives twice",
    "decline": "says no",
    "down": "answers 503 until it is switched off",
}
COME_BACK = 5  # seconds that a service that is down asks for
FOR_EVER = 0


@dataclass
class Fault:
    """Something that goes wrong at a service: for one order (its correlation id) or for every one."""

    service: str
    kind: str
    order: str = ""
    times: int = 1  # how often yet; 0 is until it is switched off
    seconds: float = 30.0  # how slow

    def hits(self, service: str, order: str) -> bool:
        return self.service == service and self.order in ("", order)


class Faults:
    """The switches, forgotten when the shop stops."""

    def __init__(self) -> None:
        self.on: list[Fault] = []
        self._lock = threading.Lock()

    def switch(self, given: dict[str, Any]) -> str:
        """Turn one on, or `{"kind": "none"}` a service's off. Returns what is wrong, if anything."""
        service, kind = str(given.get("service", "")), str(given.get("kind", ""))
        if service not in SERVICES:
            return f"service is one of {', '.join(SERVICES)}"
        if kind != "none" and kind not in KINDS:
            return f"kind is one of none, {', '.join(KINDS)}"
        try:
            usual = FOR_EVER if kind == "down" else 1
            times = int(usual if given.get("times") in (None, "") else given["times"])
            seconds = float(given.get("seconds") or 30)
        except (TypeError, ValueError):
            return "times and seconds are numbers"
        if not (0 <= times <= 1_000_000 and 0 <= seconds <= 3_600):
            return "times is 0 (for ever) or more, seconds at most 3600"
        with self._lock:
            if kind == "none":
                self.on = [fault for fault in self.on if fault.service != service]
            else:
                self.on.append(
                    Fault(service, kind, str(given.get("order") or "")[:100].strip(), times, seconds)
                )
        return ""

    def strike(self, service: str, order: str) -> Fault | None:
        """The fault that hits this request; one that has hit often enough is gone."""
        with self._lock:
            hit = next((fault for fault in self.on if fault.hits(service, order)), None)
            if hit and hit.times == 1:
                self.on.remove(hit)
            elif hit and hit.times:
                hit.times -= 1
            return hit

    def list(self) -> list[dict[str, Any]]:
        """What is switched on."""
        with self._lock:
            return [asdict(fault) for fault in self.on]


class Shop(ThreadingHTTPServer):
    """The shop at a port: its books, its faults, and how many requests it is busy with."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__((HOST, port), Counter)
        self.books = Books(folder)
        self.faults = Faults()
        self.busy = 0
        self.lock = threading.Lock()


class Counter(BaseHTTPRequestHandler):
    """Where requests arrive."""

    server: Shop
    timeout = 30  # a client that connects and says nothing

    def log_message(self, *arguments: object) -> None:
        """Every request is in the books already."""

    def do_GET(self) -> None:
        """The pages."""
        shop = self.server
        if self.path == "/health":
            self._json(200, {"ok": True, "busy": shop.busy})
        elif self.path == "/books":
            self._json(200, shop.books.all() | {"faults": shop.faults.list()})
        elif self.path == "/shop.css":
            self._send(200, "text/css", shop_page.CSS.encode())
        elif self.path == "/":
            page = shop_page.page(shop.books.all(), shop.faults.list(), list(SERVICES), KINDS)
            self._send(200, "text/html; charset=utf-8", page.encode())
        else:
            self._json(404, {"why": f"There is nothing at {self.path[:100]}."})

    def do_POST(self) -> None:
        """The services, the switches and the shelf."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self._json(413, {"why": f"Send a Content-Length of at most {MOST_BYTES} bytes."})
            return
        body = self.rfile.read(int(length))
        if self.path in ("/faults", "/stock"):
            self._switch(body)
            return
        with self.server.lock:
            self.server.busy += 1
        try:
            self._serve(self.path.strip("/"), body)
        finally:
            with self.server.lock:
                self.server.busy -= 1

    # -- The services --------------------------------------------------------------------------------

    def _serve(self, service: str, body: bytes) -> None:
        try:
            envelope = json.loads(body)
            kind, task = str(envelope["type"]), str(envelope["correlation_id"])
            sent = datetime.fromisoformat(envelope["timestamp"]).timestamp()
            order = Order(task, dict(envelope["data"]), sent)
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            self._json(400, {"why": "Send an envelope: from, to, type, data, correlation_id, timestamp."})
            return
        key = self.headers.get("Idempotency-Key", "")
        if service not in SERVICES or kind.partition(".")[0] not in SERVICES[service] or not key:
            self._json(
                400, {"why": f"{service[:60]} does not serve {kind[:60]!r}, or there is no Idempotency-Key."}
            )
            return
        fault = self.server.faults.strike(service, order.task)
        match fault.kind if fault else "":
            case "fail before":
                self._json(500, {"why": "Something broke before anything was done."})
            case "fail after":
                self._do(kind, order, key)
                self.close_connection = True  # and the answer never leaves
            case "slow":
                time.sleep(fault.seconds if fault else 0)
                self._json(*self._do(kind, order, key))
            case "duplicate":
                self._do(kind, order, key)
                self._json(*self._do(kind, order, key))
            case "decline":
                self._json(200, {"word": "fail", "why": f"The {service} service said no."})
            case "down":
                self._json(503, {"why": f"The {service} service is down."}, {"Retry-After": str(COME_BACK)})
            case _:
                self._json(*self._do(kind, order, key))

    def _do(self, kind: str, order: Order, key: str) -> tuple[int, Any]:
        try:
            reply = self.server.books.answer(kind, order, key)
        except (ValueError, KeyError, TypeError) as error:
            return 400, {"why": f"The data of {kind} cannot be read ({error!r})."}
        return (200, reply) if reply else (400, {"why": f"Nobody serves {kind[:60]!r}."})

    # -- The switches --------------------------------------------------------------------------------

    def _switch(self, body: bytes) -> None:
        """Turn a fault on or off, or restock; as JSON, or from the page's forms."""
        if not self._from_here():
            self._json(
                403, {"why": "The switches are for the shop's own page and for programs on this machine."}
            )
            return
        form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
        try:
            given = (
                {name: values[-1] for name, values in parse_qs(body.decode()).items()}
                if form
                else json.loads(body)
            )
            wrong = self._restock(given) if self.path == "/stock" else self.server.faults.switch(given)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            wrong = f"the request cannot be read ({type(error).__name__})"
        if wrong:
            self._json(400, {"why": wrong})
        elif form:
            self._send(303, "text/plain", b"", {"Location": "/"})
        else:
            self._json(200, {"faults": self.server.faults.list()})

    def _restock(self, given: dict[str, Any]) -> str:
        more = int(given["more"])
        if not 0 < more <= 1_000_000:
            return "more is from 1 to 1000000"
        self.server.books.restock(str(given["sku"]), more)
        return ""

    def _from_here(self) -> bool:
        """Not from a page of another site, also not under a name that was bent to this address."""
        own = {f"{HOST}:{self.server.server_port}", f"localhost:{self.server.server_port}"}
        origin = self.headers.get("Origin", "")
        return self.headers.get("Host", "") in own and (not origin or origin.partition("//")[2] in own)

    # -- Answers -------------------------------------------------------------------------------------

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, "application/json", json.dumps(value).encode(), headers)

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        with suppress(ConnectionError):  # nobody waits for it any more
            self.send_response(status)
            for name, value in {**shop_page.HEADERS, "Content-Type": kind, **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


def open_shop(port: int, folder: Path) -> tuple[Shop, Callable[[], None]]:
    """A shop that serves in a thread of its own, and what closes it."""
    shop = Shop(port, folder)
    threading.Thread(target=shop.serve_forever, args=(0.05,), daemon=True).start()

    def close() -> None:
        shop.shutdown()
        shop.server_close()

    return shop, close


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="The sample shop of the order workflow.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder of its books")
    given = parser.parse_args()
    with Shop(given.port, given.data) as shop:
        with suppress(KeyboardInterrupt):
            shop.serve_forever(0.1)


if __name__ == "__main__":
    main()
