"""Messages: envelopes that cross the border of the system."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, StrictInt

from clawbot.shapes import message_shape
from tasks import access
from tasks.border import messages
from tasks.models import Message

from . import schemas
from .doorkeeper import asker
from .once import HEADER, once
from .paging import Before, Limit, page, reply
from .problems import for_what_was_sent

router = Router(tags=["Messages"])


@router.get("", response=schemas.page(schemas.Message), summary="List messages, newest first")
def listed(
    request: HttpRequest,
    limit: Limit,
    before: Before,
    task: str = Query("", description="A task's key"),
    direction: Literal["in", "out", ""] = "",
    channel: str = Query("", description="api, http, mail, or a bridge's name"),
    state: str = Query("", description="received, noted, refused, pending, sending, sent, uncertain, dead"),
    correlation_id: str = "",
) -> HttpResponse:
    """What came in and what went out, with what became of it."""
    found = access.seen(Message, asker(request)).select_related("task")
    asked = {
        "task__key__iexact": task, "direction": direction, "channel": channel, "state": state,
        "correlation_id": correlation_id,
    }  # fmt: skip
    found = found.filter(**{name: value for name, value in asked.items() if value})
    return page(request, found, lambda rows: map(message_shape, rows), limit=limit, before=before)


class Envelope(schemas.Given):
    """The shape of every hand-off across the border."""

    model_config = schemas.example(
        **{"from": "order-agent"}, to="inventory-agent", type="check-stock",
        data={"product_id": "SKU-12345", "quantity": 2}, correlation_id="order-789",
        timestamp="2026-02-17T12:00:00Z",
    )  # fmt: skip

    sender: str = Field(alias="from", min_length=1, max_length=120)
    to: str = Field(min_length=1, max_length=120, description="An agent or a workflow")
    type: str = Field(min_length=1, max_length=120)
    data: dict[str, Any]
    correlation_id: str | StrictInt = Field("", description="A known one continues its task")
    timestamp: str = Field("", max_length=40, description="With its zone")


@router.post(
    "", response={201: schemas.Received, 200: schemas.Received}, summary="Send a message", by_alias=True
)
@once
def receive(request: HttpRequest, given: Envelope) -> HttpResponse:
    """201 where it injected a task; 200 where a task went on, it was noted, or it was here before."""
    envelope, key = given.model_dump(by_alias=True), request.headers.get(HEADER)
    with for_what_was_sent():
        got = messages.receive(envelope, channel="api", by=asker(request), key=key)
    content = {
        "effect": got.effect,
        "new": got.new,
        "task": got.task.key if got.task else None,
        "message": got.message.pk,
    }
    return reply(content, 201 if got.effect == "injected" else 200)
