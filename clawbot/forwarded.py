"""What a proxy says of the request that it passes on: who asked, for which host, by http or https.

Anybody can send these headers, so they count only if the proxy at the other end of the connection is one of
TRUST_PROXY; then the request is as if the proxy were not there. Nothing behind this reads them: pages, API,
sockets and the counting of wrong passwords see one client address, one host and one scheme.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from django.conf import settings

HEADERS = {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
#: in the scope: the address of somebody who sent such headers and is not trusted
DISTRUSTED = "clawbot.distrusted_proxy"
SECURE = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forwarded:
    """Takes trusted proxies out of the way, and their headers out of everybody's."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        told = as_forwarded(scope) if scope["type"] in SECURE else scope
        return await self.application(told, receive, send)


def as_forwarded(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope as it would be if the client had connected to us itself."""
    said: dict[bytes, list[str]] = {name: [] for name in HEADERS}
    kept = []
    for name, value in scope["headers"]:
        if name in HEADERS:
            said[name] += [word.strip() for word in value.decode("latin-1").split(",")]
        else:
            kept.append((name, value))
    scope = scope | {"headers": kept}
    peer = (scope.get("client") or [""])[0]
    if not any(said.values()):
        return scope
    if not is_trusted(peer):
        return scope | {DISTRUSTED: peer}
    # Of several words the last one is what our own proxy wrote; those before it are what it was told.
    host, scheme = said[b"x-forwarded-host"][-1:], said[b"x-forwarded-proto"][-1:]
    if host:
        scope["headers"] = [
            *(pair for pair in kept if pair[0] != b"host"),
            (b"host", host[0].encode("latin-1")),
        ]
    if scheme and scheme[0].lower() in SECURE[scope["type"]]:
        scope["scheme"] = SECURE[scope["type"]][scheme[0].lower()]
    return scope | {"client": [_client(said[b"x-forwarded-for"], peer), 0]}


def is_trusted(address: str) -> bool:
    """Whether this is the address of one of our own proxies."""
    found = _address(address)
    return found is not None and any(found in network for network in settings.TRUSTED_PROXIES)


def _client(hops: Iterable[str], peer: str) -> str:
    """Whoever our proxies were asked by: from the nearest hop on, the first that is no proxy of ours."""
    nearest = peer
    for hop in reversed(list(hops)):
        found = _address(hop)
        if found is None:
            break
        nearest = str(found)
        if not is_trusted(nearest):
            break
    return nearest


def _address(text: str) -> Address | None:
    """An address as proxies write it, with or without a port; an IPv4 one inside IPv6 is that IPv4 one."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
