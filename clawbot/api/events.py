"""Events: everything that happened."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from clawbot.asking import asked_for, narrow
from clawbot.shapes import event_shape
from tasks import access
from tasks.models import Event

from . import schemas
from .doorkeeper import asker
from .paging import Before, Limit, page

router = Router(tags=["Events"])


@router.get("", response=schemas.page(schemas.Event), summary="Read the log, newest first")
def listed(
    request: HttpRequest,
    limit: Limit,
    before: Before,
    q: str = Query("", description="Words, and qualifiers as on the Activity page: task:ART-1 deadline"),
    task: str = Query("", description="A task's key"),
    agent: str = "",
    kind: str = Query("", description="hold.placed, or hold for all of its kind"),
    stage: str = "",
) -> HttpResponse:
    """The same filters as the Activity page."""
    asked = asked_for({"q": q, "task": task, "agent": agent, "kind": kind, "stage": stage})
    found = narrow(access.seen(Event, asker(request)).select_related("task"), asked)
    return page(request, found, lambda rows: map(event_shape, rows), limit=limit, before=before)
