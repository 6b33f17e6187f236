"""`Idempotency-Key`: the same request sent again gets the first answer, and has no second effect.

The key's row is made first, so that others see it. Then one transaction locks it, does the verb and stores
the answer: either both happened or neither did, and when a process dies the database itself lets go of
the key. What is refused for who asks, or fails, is not stored: it may be sent again.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse

from agents.contract import Refused
from tasks import database
from tasks.clock import now

from .doorkeeper import asker
from .models import Answer
from .problems import Problem, refusal

HEADER = "Idempotency-Key"
LONGEST = 200
KEPT = timedelta(days=7)
HEADERS = ("Location", "Content-Type")
#: the answers that a repeat gets again
KEPT_STATUSES = {200, 201, 409, 422}

View = Callable[..., HttpResponse]


def once(view: View) -> View:
    """Make a POST repeatable under its key. Without a key it is done as it comes."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        key = request.headers.get(HEADER)
        if key is None:
            return view(request, *args, **more)
        if not 1 <= len(key) <= LONGEST or not all("!" <= letter <= "~" for letter in key):
            raise Problem(
                "invalid", f"{HEADER} is 1 to {LONGEST} printable ASCII characters without spaces, as a UUID."
            )
        return _first(request, key, lambda: view(request, *args, **more))

    # Resolved here, where the view's names are known: ninja would look for them in this module.
    answer.__signature__ = inspect.signature(view, eval_str=True)  # type: ignore[attr-defined]
    return answer


def _first(request: HttpRequest, key: str, view: Callable[[], HttpResponse]) -> HttpResponse:
    by, digest, moment = asker(request), _digest(request), now()
    # Looked for before it is made: on MariaDB making it again would wait for whoever has it locked.
    if not Answer.objects.filter(by=by, key=key, at__gt=moment - KEPT).exists():
        with transaction.atomic():
            Answer.objects.filter(at__lte=moment - KEPT).delete()
            row = Answer(by=by, key=key, request_sha256=digest, at=moment)
            Answer.objects.bulk_create([row], ignore_conflicts=True)
    with transaction.atomic():
        kept = _lock(by, key)
        if kept.request_sha256 != digest:
            raise Problem("key-reused", f"{HEADER} {key} came with another request. Use a new one for this.")
        if kept.status is not None:
            return _again(kept)
        response = _do(view)
        if response.status_code in KEPT_STATUSES:
            kept.status, kept.body = response.status_code, response.content.decode()
            kept.headers = {name: response[name] for name in HEADERS if name in response}
            kept.save(update_fields=["status", "body", "headers"])
    return response


def _lock(by: str, key: str) -> Answer:
    """The key's row, locked. SQLite has one writer at a time: there the repeat waits for the answer."""
    try:
        return Answer.objects.select_for_update(nowait=True).get(by=by, key=key)
    except OperationalError as error:
        if database.ailment(error) not in {None, database.Ailment.BUSY}:
            raise
        raise Problem(
            "in-flight", f"The first request with {HEADER} {key} is under way. Ask again."
        ) from None


def _do(view: Callable[[], HttpResponse]) -> HttpResponse:
    """What the view answers, refusals included; where it refuses, whatever it did before is undone."""
    try:
        with transaction.atomic():
            return view()
    except Refused as error:
        return refusal(error)


def _again(kept: Answer) -> HttpResponse:
    response = HttpResponse(kept.body, status=kept.status)
    for name, value in kept.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response


def _digest(request: HttpRequest) -> str:
    """The request as it means: the order of a body's keys is not a difference."""
    body = request.body
    if body:
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    return hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + body).hexdigest()
