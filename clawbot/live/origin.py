"""A socket carries the person's cookie wherever it is opened from, so only our own pages may open one."""

from __future__ import annotations

import logging
from typing import Any

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from agents.addresses import parts

PORTS = {"http": "80", "https": "443"}
log = logging.getLogger(__name__)


class SameOrigin:
    """Refuses a handshake whose Origin is neither the host it asks for nor a trusted origin."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        if allowed(headers):
            return await self.application(scope, receive, send)
        log.warning(
            "Refused a live connection: its page came from %r and it asked for host %r. If both are this "
            "site, let the proxy pass the Host on, or set CLAWBOT_BASE_URL and ALLOWED_HOSTS.",
            headers.get(b"origin", b"")[:200].decode("latin-1"),
            headers.get(b"host", b"")[:200].decode("latin-1"),
        )
        return await WebsocketDenier()(scope, receive, send)


def allowed(headers: dict[bytes, bytes]) -> bool:
    """Whether these handshake headers come from a page of this site."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    scheme, netloc = parts(origin)[:2]
    here = _place(headers.get(b"host", b"").decode("latin-1"), scheme)
    is_ours = scheme in PORTS and bool(here[0]) and validate_host(here[0], settings.ALLOWED_HOSTS)
    return is_ours and here == _place(netloc, scheme)


def _place(netloc: str, scheme: str) -> tuple[str, str]:
    domain, port = split_domain_port(netloc)
    return domain, port or PORTS.get(scheme, "")
