"""Refuses every connection that would leave this machine, so that no test depends on the world."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

HERE = {"localhost", "localhost.localdomain", "", None, b"localhost"}


class OutOfBounds(RuntimeError):
    """A test asked for an address outside this machine. Give it a local server or a fake."""


def is_here(host: Any) -> bool:
    """Whether this name or address is this very machine."""
    if host in HERE or host == socket.gethostname():
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_the_world(patch: Any) -> None:
    """Guard the ways out of Python's sockets; `patch` is a pytest MonkeyPatch, which undoes it."""
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def look_up_here(host: Any, *args: Any, **named: Any) -> Any:
        # An address needs no question to anybody; whether it may be reached is decided at connect.
        if not is_here(host) and not _is_address(host):
            raise OutOfBounds(f"A test looked up {host!r}. {OutOfBounds.__doc__}")
        return look_up(host, *args, **named)

    patch.setattr(socket, "getaddrinfo", look_up_here)


def _guarded(connect: Any) -> Any:
    def connect_here(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
            raise OutOfBounds(f"A test connected to {address!r}. {OutOfBounds.__doc__}")
        return connect(self, address)

    return connect_here


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
