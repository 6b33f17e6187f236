"""Pages by key, newest first: the thousandth costs what the first one costs, and no row is shown twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query

Limit = Annotated[int, Query(50, ge=1, le=200, description="How many at most")]
Before = Annotated[
    int | None, Query(None, ge=1, le=2**63 - 1, description="Where the page begins: as next has it")
]


def reply(data: Any, status: int = 200, **headers: str) -> HttpResponse:
    """The answer as it is: what the shapes give is what `--json` prints."""
    text = json.dumps(data, ensure_ascii=False, cls=DjangoJSONEncoder)
    return HttpResponse(text, "application/json; charset=utf-8", status, headers=headers)


def page(
    request: HttpRequest,
    rows: QuerySet,
    shapes: Callable[[list[Any]], Iterable[Any]],
    *,
    limit: int,
    before: int | None,
) -> HttpResponse:
    """`items`, newest first, and `next`: the address of what is older, also as a Link header."""
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: limit + 1])
    older = None
    if len(found) > limit:
        query = request.GET.copy()
        query["before"] = str(found[limit - 1].pk)
        older = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    content = {"items": list(shapes(found[:limit])), "next": older}
    return reply(content, Link=f'<{older}>; rel="next"') if older else reply(content)


def everything(items: Iterable[Any]) -> HttpResponse:
    """A list that is short by nature, in the form of a page."""
    return reply({"items": list(items), "next": None})
