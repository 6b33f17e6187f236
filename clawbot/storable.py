"""Text that every database can store: no NUL (PostgreSQL has none) and no half characters (UTF-8 has none).

`refuse_unstorable` stands before the session, the sign-in and every page, so that none of them needs to think
of it; the API asks `require` for what its JSON holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from clawbot import rejected

#: Characters. As `next` of the sign-in each may become three, and Django leads to no address above 16,384.
LONGEST_ADDRESS = 5_000
MOST_NESTED = 64  # lists and mappings inside each other; nothing of ours has more than ten
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def refuse_unstorable(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: refuses a request whose address, cookies or form fields hold what cannot be stored, and one
    whose address is longer than any of ours."""

    def answer(request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path()) > LONGEST_ADDRESS:
            return rejected.too_long(request, LONGEST_ADDRESS)
        if not request.path.startswith("/api/"):  # it says so in its own words
            for place, texts in _given(request):
                if not all(is_storable(text) for text in texts):
                    raise BadRequest(f"{place} a NUL or half a character. Leave it out.")
        return get_response(request)

    return answer


def _given(request: HttpRequest) -> Iterable[tuple[str, Iterable[str]]]:
    yield "The address holds", [request.path, *_words(request.GET)]
    yield "A cookie holds", [*request.COOKIES, *request.COOKIES.values()]
    if request.method == "POST" and request.content_type in FORMS:
        yield "A field of the form holds", _words(request.POST)


def _words(fields: Any) -> list[str]:
    return [word for name, values in fields.lists() for word in (name, *values)]


def is_storable(text: str) -> bool:
    """Whether every database can store a text."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def require(value: Any, depth: int = 0) -> Any:
    """A value of JSON as it is. Raises ValueError if a text, a number or its nesting cannot be stored."""
    if depth > MOST_NESTED:
        raise ValueError(f"lists and mappings lie more than {MOST_NESTED} deep inside each other")
    match value:
        case str() if not is_storable(value):
            raise ValueError("a text holds a NUL or half a character (\\u0000, \\ud800 to \\udfff)")
        case float() if not math.isfinite(value):
            raise ValueError("a number is not finite")
        case list():
            for item in value:
                require(item, depth + 1)
        case dict():
            for key, item in value.items():
                require(key)
                require(item, depth + 1)
    return value
