"""What every request gets and every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from agents.addresses import parts
from agents.contract import Refused
from clawbot import rejected
from tasks import clock, database, log

from .frame import Frame


def frame(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives a request its frame and its reader's time zone; keeps pages out of caches."""

    def answer(request: HttpRequest) -> HttpResponse:
        request.frame = Frame(request)  # type: ignore[attr-defined]
        with timezone.override(zone_of(request.user)), log.through(_door(request.path)):
            response = get_response(request)
            if response.status_code == 405 and not response.content:
                response = rejected.method(request, response["Allow"])
        database.let_go()
        response.headers.setdefault("Cache-Control", "no-store")
        if request.headers.get("HX-Request") == "true" and _asks_to_sign_in(response):
            return _sign_in_whole_page(request)
        return response

    # What a view did not catch itself is answered here, once for every page.
    answer.process_exception = _refusal  # type: ignore[attr-defined]
    return answer


def _refusal(request: HttpRequest, error: Exception) -> HttpResponse | None:
    return rejected.refused(request, error) if isinstance(error, Refused) else None


def _door(path: str) -> str:
    """The door as the log names it: `/api/v1/tasks/` comes through the API, all else from a page."""
    first = path.strip("/").partition("/")[0]
    return first if first in {"api", "mcp", "slack"} else "page"


def zone_of(user: object) -> ZoneInfo:
    """The person's time zone, else the site's."""
    try:
        return clock.zone(getattr(user, "zone", "") or settings.SITE_ZONE)
    except ValueError:
        return clock.zone(settings.SITE_ZONE)


def _asks_to_sign_in(response: HttpResponse) -> bool:
    return response.status_code == 302 and urlsplit(response["Location"]).path == resolve_url(
        settings.LOGIN_URL
    )


def _sign_in_whole_page(request: HttpRequest) -> HttpResponse:
    """A session that ended: the browser goes to the sign-in page, and no card shows it inside itself."""
    page = parts(request.headers.get("HX-Current-URL", ""))
    back = urlencode({"next": f"{page.path or '/'}{'?' + page.query if page.query else ''}"})
    return HttpResponseClientRedirect(f"{resolve_url(settings.LOGIN_URL)}?{back}")
