"""Answers probes before everything else: they come by address, over plain http, and have no session.

First of all middleware, so that neither the host name, a redirect to https, the session nor a sign-in stands
between a probe and its answer.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from clawbot.dashboard import health
from clawbot.logs import PROBED

PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = dict(
    zip(PROBED, (health.livez, health.readyz, health.progress), strict=True)
)


def probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answers the addresses that machines ask, whatever Host they name; passes everything else on."""

    def answer(request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info, get_response)(request)

    return answer
