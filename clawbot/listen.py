"""Where the web server listens: the addresses behind HOST, and whether they are free."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from django.core.management.base import CommandError

LOCALHOST = ("127.0.0.1", "::1")


def addresses(host: str) -> list[str]:
    """The addresses to listen at: those of `localhost`, or the one that is given. Raises CommandError for a
    name: which of its addresses is meant, and who reaches it, should be said."""
    if host == "localhost":
        return [one for one in LOCALHOST if one == LOCALHOST[0] or _has_ipv6()]
    try:
        return [str(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        raise CommandError(
            f"Cannot listen at HOST={host!r}: it is no address. Use localhost, the IPv4 or IPv6 address of "
            "one interface, or 0.0.0.0 or :: for all of them."
        ) from None


def require_free(hosts: Iterable[str], port: int) -> None:
    """Raise CommandError if somebody listens at one of these places already, or it is none of ours."""
    for host in hosts:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Cannot start: port {port} on {host} is not free ({error.strerror}). Perhaps Clawbot "
                    f"already runs there. Stop it, or choose another PORT, as PORT={port + 1}."
                ) from None


def _has_ipv6() -> bool:
    """Whether this machine has the loopback address of IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((LOCALHOST[1], 0))
        return True
    except OSError:
        return False
