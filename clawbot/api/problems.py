"""Errors as RFC 9457 problem details: a kind for programs, and for people a sentence that says what was
tried, why it was refused and what would work. Every kind has its heading in docs/howto/use_the_api.md.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from agents.contract import Refused
from agents.strict_yaml import Unreadable
from clawbot.acts import Unknown
from clawbot.shapes import review_shape
from tasks import database
from tasks.access import NotAllowed
from tasks.supervision import Stale

logger = logging.getLogger("clawbot.api")

MEDIA_TYPE = "application/problem+json"
#: kind -> (status, title)
KINDS: dict[str, tuple[int, str]] = {
    "unreadable": (400, "The request cannot be read"),
    "not-signed-in": (401, "No usable token"),
    "not-allowed": (403, "Not allowed"),
    "unknown": (404, "There is no such thing"),
    "wrong-method": (405, "Wrong method"),
    "refused": (409, "Refused as things stand"),
    "stale": (409, "It has changed since you read it"),
    "in-flight": (409, "The first request with this key is still under way"),
    "too-large": (413, "The request is too large"),
    "too-long": (414, "The address is too long"),
    "invalid": (422, "What was sent cannot be used"),
    "key-reused": (422, "The key belongs to another request"),
    "too-many": (429, "Too many requests"),
    "failed": (500, "Clawbot failed"),
    "busy": (503, "The database is busy"),
    "lost": (503, "The database cannot be reached"),
    "empty": (503, "The database has no tables"),
    "read-only": (503, "The database takes no changes"),
    "full": (503, "The database takes no changes"),
}


class Problem(Exception):
    """A refusal that only this door knows, by its kind."""

    def __init__(self, kind: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, more


class Invalid(Refused):
    """Refused for what was sent: it would be refused whatever the state of things."""


@contextmanager
def for_what_was_sent() -> Iterator[None]:
    """A refusal in here is for what was sent (422), not for how things stand (409)."""
    try:
        yield
    except (NotAllowed, Unknown, Stale, Unreadable):
        raise
    except Refused as refused:
        raise Invalid(str(refused)) from None


def problem(kind: str, detail: str, **more: Any) -> HttpResponse:
    """The answer for one kind of error; `more` are further members of the object."""
    status, title = KINDS[kind]
    content = {
        "type": f"{settings.BASE_URL}/help/howto/use_the_api/#{kind}",
        "title": title,
        "status": status,
        "detail": detail,
    } | more
    response = HttpResponse(json.dumps(content, ensure_ascii=False), MEDIA_TYPE, status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="clawbot"'
    if kind in {"in-flight", "busy"}:
        response["Retry-After"] = "1"
    if kind in {"lost", "empty", "read-only", "full"}:
        response["Retry-After"] = str(database.RETRY_SECONDS)
    return response


def refusal(error: Refused) -> HttpResponse:
    """The rules said no: 403, 404, 409 or 422, by what kind of no it is."""
    match error:
        case NotAllowed():
            return problem("not-allowed", str(error))
        case Unknown():
            return problem("unknown", str(error))
        case Stale(review=review):
            now = review_shape(review) if review.pk else None
            return problem("stale", str(error), review=now)
        case Unreadable(problems=problems):
            return problem("invalid", str(error), errors=[{"where": [], "what": one} for one in problems])
        case Invalid():
            return problem("invalid", str(error))
    return problem("refused", str(error))


def install(api: NinjaAPI) -> None:
    """Answer every exception of this API with a problem."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Refused: lambda _, error: refusal(error),
        Problem: lambda _, error: problem(error.kind, error.detail, **error.more),
        AuthenticationError: _not_signed_in,
        Throttled: _throttled,
        ValidationError: _invalid,
        HttpError: _unreadable,
        RequestDataTooBig: lambda _, error: problem("too-large", str(error)),
        Http404: lambda _, error: problem("unknown", "There is nothing at this address."),
        DatabaseError: _database,
        InterfaceError: _database,
        Exception: _failed,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _not_signed_in(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    if request.headers.get("Authorization"):
        return problem("not-signed-in", "This token is unknown, expired or revoked. Make another at /me/.")
    return problem("not-signed-in", "Send `Authorization: Bearer ...` with a token. Make one at /me/.")


def _throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    most = settings.API_PER_MINUTE
    return problem("too-many", f"This token may ask {most} times a minute. Wait as long as Retry-After says.")


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Each wrong value by its place, as pydantic names it, without what ninja puts around it."""
    errors = [{"where": _place(one["loc"]), "what": one["msg"]} for one in error.errors]
    told = "; ".join(f"{'.'.join(map(str, one['where'])) or 'body'}: {one['what']}" for one in errors[:5])
    return problem("invalid", f"Cannot use what was sent. {told}.", errors=errors)


def _place(loc: tuple[Any, ...]) -> list[Any]:
    source, *rest = loc
    return rest[1:] if source == "body" else rest


def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem("unreadable", f"The body must be JSON in UTF-8: {error.__cause__ or error}.")


def _database(request: HttpRequest, error: Exception) -> HttpResponse:
    found = database.ails(error)
    if found is None:
        return _failed(request, error)
    logger.warning("%s %s: %s", request.method, request.path, error)
    return problem(found.kind, f"{found} Nothing was done. Send the same again.")


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("%s %s", request.method, request.path, exc_info=error)
    return problem("failed", "This is a fault of Clawbot; nothing was done. The log has the details.")
