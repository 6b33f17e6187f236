"""Pieces of pages, which pages ask for by themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

View = Callable[..., HttpResponse]


def part_of(page: str, *places: str) -> Callable[[View], View]:
    """A view that gives a piece of a page. Whoever opens its address alone is led to the page: a piece has
    neither head nor style. `places` are the parts of the address that both have."""

    def wrap(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
            if request.headers.get("HX-Request"):
                return view(request, *args, **given)
            return redirect(page, **{place: given[place] for place in places})

        return answer

    return wrap
