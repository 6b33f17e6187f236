"""What a request hears that failed because of its database: 503, why, and when to come back. Any other
failure is a fault of ours and looks as Django has it."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from clawbot.api.problems import problem
from tasks import database

log = logging.getLogger(__name__)

NOTHING_DONE = "Nothing was changed; try the same again in a moment."


def answer(request: HttpRequest) -> HttpResponse:
    """The answer to an exception that nobody caught; Django calls this while it handles it."""
    error = sys.exc_info()[1]
    found = database.ails(error) if error else None
    if found is None:
        return defaults.server_error(request)
    log.warning("%s %s: %s (%s)", request.method, request.path, found, error)
    response = _answer(request, found)
    response["Retry-After"] = str(database.RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    response._has_been_logged = True  # type: ignore[attr-defined]  # by the line above, without a traceback
    return response


def _answer(request: HttpRequest, found: database.Ailment) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem(found.kind, f"{found} {NOTHING_DONE}")
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(f"{found} {NOTHING_DONE}", "text/plain; charset=utf-8", 503)
    return render(request, "503.html", {"what": found.value, "more": NOTHING_DONE}, status=503)
