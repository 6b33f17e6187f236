"""Holds: pause everything, a workflow, an agent or one task, and let it go on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import AwareDatetime, Field, StrictBool

from clawbot.acts import Unknown
from clawbot.shapes import hold_shape
from tasks import access, clock, supervision
from tasks.models import Hold

from . import schemas
from .doorkeeper import asker
from .once import once
from .paging import Before, Limit, page, reply
from .problems import Invalid, for_what_was_sent

router = Router(tags=["Holds"])


@router.get("", response=schemas.page(schemas.Hold), summary="List what is paused")
def listed(
    request: HttpRequest, limit: Limit, before: Before, state: Literal["open", "all"] = "open"
) -> HttpResponse:
    """Holds that are in force (or all there were), newest first."""
    found = access.seen(Hold, asker(request))
    if state == "open":
        found = found.filter(open=1)
    return page(request, found, lambda rows: map(hold_shape, rows), limit=limit, before=before)


class NewHold(schemas.Given):
    """Stop here."""

    model_config = schemas.example(scope="workflow", target="article", why="Legal reads first")

    scope: Literal["all", "workflow", "agent", "task"]
    target: str = Field("", max_length=64, description="Name of the workflow or agent, key of the task")
    why: str = Field(min_length=1, max_length=300, description="People read it on every page")
    until: AwareDatetime | None = Field(None, description="It lifts itself then")
    stop_now: StrictBool = Field(False, description="Take back what runs; else it may finish")


@router.post("", response={201: schemas.Hold}, summary="Pause")
@once
def place(request: HttpRequest, given: NewHold) -> HttpResponse:
    """Nothing under it starts and nothing leaves. The same again gives the hold that is there."""
    until: datetime | None = given.until
    if until and until <= clock.now():
        raise Invalid("Cannot pause until a moment that has passed. Choose a later one, or leave it out.")
    with for_what_was_sent():
        hold = supervision.pause(
            given.scope, given.target, by=asker(request), why=given.why, until=until, stop_now=given.stop_now
        )
    return reply(hold_shape(hold), 201)


@router.delete("/{int:id}", response=schemas.Hold, summary="Resume")
def lift(request: HttpRequest, id: int) -> HttpResponse:
    """What was held goes on where it was. The second call changes nothing."""
    hold = access.seen(Hold, asker(request)).filter(pk=id).first()
    if hold is None:
        raise Unknown(f"There is no hold {id}. GET /api/v1/holds lists those in force.")
    return reply(hold_shape(supervision.resume(hold, by=asker(request))))
