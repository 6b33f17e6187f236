"""A Slack of our own on a local port: it keeps what it was told, and misbehaves on demand.

`script` holds what happens to the next posts and updates, one word each; when it is empty all is well.
`accepted` is the world as people see it: every message that Slack took, whatever it answered.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

WRITES = {"chat.postMessage", "chat.update"}


class FakeSlack(ThreadingHTTPServer):
    """One workspace. `calls` are all calls in order: (method, arguments)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.script: list[str] = []
        self.history_answers: list[dict[str, Any]] = []
        self.open = threading.Event()  # set at the end, so that whoever hangs may go
        self._lock = threading.Lock()
        self._ts = itertools.count(1)
        self._start = time.time()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/"

    def texts(self) -> list[str]:
        return [message["text"] for message in self.accepted]

    def keys(self) -> list[str]:
        return [message["metadata"]["event_payload"]["outbox"] for message in self.accepted]

    def named(self, method: str) -> list[dict[str, Any]]:
        """The arguments of every call of one method."""
        return [arguments for called, arguments in self.calls if called == method]

    def take(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What Slack does with a call that it accepts."""
        with self._lock:
            return getattr(self, "_" + method.split(".")[1].lower())(arguments)

    def _postmessage(self, arguments: dict[str, Any]) -> dict[str, Any]:
        message = {**arguments, "ts": f"{self._start + next(self._ts) / 1e6:.6f}"}
        self.accepted.append(message)
        return {"ok": True, "channel": arguments["channel"], "ts": message["ts"]}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in self.accepted if one["ts"] == arguments["ts"]]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        found[0].update(text=arguments["text"], blocks=arguments["blocks"])
        return {"ok": True, "channel": arguments["channel"], "ts": arguments["ts"]}

    def _history(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._page(
            [one for one in self._of(arguments) if "thread_ts" not in one or one["reply_broadcast"]]
        )

    def _replies(self, arguments: dict[str, Any]) -> dict[str, Any]:
        thread = {arguments["ts"]}
        return self._page([one for one in self._of(arguments) if {one["ts"], one.get("thread_ts")} & thread])

    def _of(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        oldest = float(arguments.get("oldest", 0))
        channel = arguments["channel"]
        return [one for one in self.accepted if one["channel"] == channel and float(one["ts"]) > oldest][::-1]

    def _page(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        if self.history_answers:
            return self.history_answers.pop(0)
        return {"ok": True, "messages": messages, "response_metadata": {"next_cursor": ""}}


class _Handler(BaseHTTPRequestHandler):
    server: FakeSlack

    def do_GET(self) -> None:
        self.answer(dict(urlsplit(self.path)._asdict())["query"])

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def answer(self, body: str) -> None:
        method = urlsplit(self.path).path.removeprefix("/api/")
        arguments = json.loads(body) if body.startswith("{") else {k: v[0] for k, v in parse_qs(body).items()}
        self.server.calls.append((method, arguments))
        plan = self.server.script.pop(0) if method in WRITES and self.server.script else "ok"
        word, _, value = plan.partition(" ")
        match word:
            case "ok":
                self.reply(200, self.server.take(method, arguments))
            case "busy":
                self.reply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": value})
            case "error":
                self.reply(200, {"ok": False, "error": value})
            case "status":
                self.reply(int(value), "<html>Bad Gateway</html>")
            case "hang":
                self.server.open.wait(10)
            case "cut":
                self.close_connection = True
            case "take_then_hang":
                self.server.take(method, arguments)
                self.server.open.wait(10)
            case "take_then_cut":
                self.server.take(method, arguments)
                self.close_connection = True
            case "take_then_status":
                self.server.take(method, arguments)
                self.reply(int(value), "<html>Internal Server Error</html>")
            case "take_then_drip":
                self.server.take(method, arguments)
                self.drip()
            case _:
                raise AssertionError(f"The fake knows no {plan!r}.")

    def reply(self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if not isinstance(body, str) else "text/html")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        with suppress(OSError):  # whoever asked may have been killed meanwhile
            self.end_headers()
            self.wfile.write(data)

    def drip(self) -> None:
        """One byte at a time, so that no single read ever takes too long."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            while not self.server.open.wait(0.05):
                self.wfile.write(b" ")
        except OSError:
            return

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def running() -> Iterator[FakeSlack]:
    server = FakeSlack()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
