"""Who may come in, how often, with how much: bearer tokens, a rate per token, bodies that can be stored."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from clawbot import storable
from clawbot.people import tokens
from clawbot.people.models import Token
from tasks import access

from .problems import problem

MOST_BYTES = 1_000_000
WINDOW = 60
READING = {"GET", "HEAD", "OPTIONS"}


class Actor(NamedTuple):
    """Who asks: `request.auth`. `by` is the owner; what they may, the token may."""

    by: str
    token: Token


def asker(request: HttpRequest) -> str:
    """Who asks, as verbs take it: `user:ana`."""
    actor: Actor = request.auth  # type: ignore[attr-defined]
    return actor.by


class Bearer(HttpBearer):
    """`Authorization: Bearer ...`. Session cookies open nothing here, so no other site can use them."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        """The actor behind a token; None where it is not usable. Raises NotAllowed."""
        found = tokens.find(token)
        if found is None:
            return None
        access.require(found.user, "read")
        if found.scope == Token.Scope.READ and request.method not in READING:
            raise access.NotAllowed(
                f"Cannot {request.method} with the token “{found.name}”: it only reads. Use one that may act."
            )
        tokens.used(found)
        return Actor(f"user:{found.user.username}", found)


class PerToken(BaseThrottle):
    """At most `API_PER_MINUTE` requests of one token in one minute of the clock, per web process."""

    def allow_request(self, request: HttpRequest) -> bool:
        """Count this request."""
        actor: Actor = request.auth  # type: ignore[attr-defined]
        key = f"api-{actor.token.pk}-{int(time.time() // WINDOW)}"
        cache.add(key, 0, 2 * WINDOW)
        return cache.incr(key) <= settings.API_PER_MINUTE

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return math.ceil(WINDOW - time.time() % WINDOW)


def guard(run: Callable[..., Any]) -> Callable[..., Any]:
    """Turn away what is too large, what no database stores, and filters that are none (a filter with a
    slip in its name would show everything), before anything looks at it."""

    operation: Operation = run.__self__  # type: ignore[attr-defined]
    known = {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }

    @wraps(run)
    def guarded(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        declared = request.META.get("CONTENT_LENGTH") or "0"
        # A body sent in chunks declares no length: it is measured.
        if not declared.isdecimal() or int(declared) > MOST_BYTES or len(request.body) > MOST_BYTES:
            return problem("too-large", f"A request may have {MOST_BYTES:,} bytes. Send less, or in parts.")
        if unknown := set(request.GET) - known:
            asked, there = (", ".join(sorted(names)) or "nothing" for names in (unknown, known))
            return problem("invalid", f"Cannot ask for {asked!r} here. There is: {there}.")
        if "\0" in request.path or any("\0" in value for value in request.GET.values()):
            return problem("unreadable", "The address holds a NUL character. Leave it out.")
        return run(request, *args, **more)

    return guarded


class Json(Parser):
    """Reads JSON that a database can store: real numbers, and text without NUL or half characters."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The value. Raises ValueError with what is wrong."""
        try:
            return storable.require(json.loads(request.body))
        except RecursionError:
            raise ValueError("lists and mappings lie too deep inside each other") from None
