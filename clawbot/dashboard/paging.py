"""Newest first, a page at a time, by key: the thousandth page costs what the first one costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from clawbot.numbers import whole

SIZE = 50


@dataclass(frozen=True)
class Page:
    """Some rows, newest first. `older` is the `before` of the next page, None on the last."""

    rows: list[Any]
    older: int | None
    is_first: bool


def page(rows: QuerySet[Any], before: str) -> Page:
    """The rows with an id below `before` (as the address says it; anything but a number is the start)."""
    start = whole(before)
    if start is not None:
        rows = rows.filter(pk__lt=start)
    found = list(rows.order_by("-pk")[: SIZE + 1])
    older = found[SIZE - 1].pk if len(found) > SIZE else None
    return Page(found[:SIZE], older, is_first=start is None)
