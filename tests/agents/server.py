"""A small HTTP server on this machine that answers by path with prepared replies; keeps what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """Where it listens and what it was asked: (path, headers, body)."""

    port: int
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def allow(self) -> dict[str, str]:
        """The environment in which agents may reach it."""
        return {"CLAWBOT_FETCH_ALLOW": f"127.0.0.1:{self.port}"}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def serving(answer: Callable[[str, bytes], Reply]) -> Iterator[Server]:
    """Serve `answer(path, body)` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.asked.append((self.path, dict(self.headers), body))
            status, headers, content = answer(self.path, body)
            self.send_response(status)
            for name, value in ({"Content-Type": "text/html"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # the client had enough, which is what some tests are about
                self.wfile.write(content)

        do_POST = do_GET

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(listener.server_port)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
