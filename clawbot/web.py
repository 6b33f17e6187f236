"""The web server: pages and sockets by Daphne, on the addresses that HOST names, ended in order.

Daphne itself drops what it is answering when it is told to stop. This one stops listening, lets the sockets
go, and ends when the last request under way is answered: behind a proxy that asks the next server, a restart
costs nobody anything.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import WebRequest
from daphne.server import Server
from django.conf import settings
from django.core.management.base import CommandError
from twisted import internet
from twisted.web.http import HTTPChannel

log = logging.getLogger(__name__)
reactor: Any = internet.reactor  # a module to the eye of a type checker

LINGER = 1.0  # seconds for a request that is on its way over a connection already taken
LOOK = 0.05  # seconds between two looks whether all is answered
MOST_KNOCKING = 1000  # far above what the system queues for a listener
TOO_LONG = (
    "This request was not read: its address and headers are too long (at most 16,000 characters for a line, "
    "64,000 in all). Nothing was changed. Send what is long as a form or a body."
)
GOING_AWAY = 1001  # the code by which pages know that they should connect again


def serve(hosts: Iterable[str], port: int, application: Any, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends at once."""
    endpoints = [one for host in hosts for one in build_endpoint_description_strings(host=host, port=port)]
    server = Draining(
        application,
        endpoints=endpoints,
        signal_handlers=False,
        verbosity=0,  # requests are logged by who stands in front
        ready_callable=ready,
        server_name="",
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: reactor.callFromThread(server.drain))
    server.run()
    if server.abort_start:
        raise CommandError(f"Cannot start: nothing can listen at port {port}; the lines above say why.")


class Draining(Server):
    """A server that answers what it was asked before it ends."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.ports: list[Any] = []
        self.over = 0.0  # the moment of the monotonic clock at which it ends, whatever is still under way

    def listen_success(self, port: Any) -> None:
        """Keep the port, which Daphne forgets, and answer there also what is too long to be read."""
        super().listen_success(port)
        port.factory.protocol = Channel
        self.ports.append(port)

    def drain(self) -> None:
        """Take nothing new, answer what is under way, and end. Called again, end at once."""
        if self.over:
            self.stop()
            return
        self.over = time.monotonic() + settings.GRACE_SECONDS
        reactor.callLater(LINGER, self._end_when_answered)
        for port in self.ports:
            # Those who knocked already are taken in: closing would turn them away.
            port.numberAccepts = MOST_KNOCKING
            port.doRead()
            port.stopListening()
        for protocol in list(self.connections):
            if not isinstance(protocol, WebRequest) and protocol.state == protocol.STATE_OPEN:
                protocol.sendCloseFrame(code=GOING_AWAY)  # `sendClose` knows only codes of browsers

    def _end_when_answered(self) -> None:
        waiting = sum(_is_under_way(protocol, more) for protocol, more in self.connections.items())
        unsent = reactor.getWriters()
        if (waiting or unsent) and time.monotonic() < self.over:
            reactor.callLater(LOOK, self._end_when_answered)
            return
        if waiting:
            log.warning("Dropped %s requests that took longer than CLAWBOT_GRACE_SECONDS.", waiting)
        self.stop()


class Channel(HTTPChannel):
    """A connection that says why it reads no further. Twisted's own hangs up without a word."""

    totalHeadersSize = 4 * HTTPChannel.MAX_LENGTH

    def lineLengthExceeded(self, line: bytes) -> None:
        """Answer a line that is too long: the address, if it is the first one."""
        self._refuse("431 Request Header Fields Too Large" if self.requests else "414 URI Too Long")

    def lineReceived(self, line: bytes) -> None:
        """Answer headers that are too long together."""
        if self._receivedHeaderSize + len(line) > self.totalHeadersSize:
            self._refuse("431 Request Header Fields Too Large")
        else:
            super().lineReceived(line)  # type: ignore[no-untyped-call]

    def _refuse(self, status: str) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        transport: Any = self.transport
        transport.write(f"{head}Content-Length: {len(TOO_LONG)}\r\n\r\n{TOO_LONG}".encode())
        transport.loseConnection()


def _is_under_way(protocol: Any, details: dict[str, Any]) -> bool:
    return isinstance(protocol, WebRequest) and not details.get("disconnected")
