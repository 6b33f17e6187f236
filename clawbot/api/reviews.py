"""Reviews: what waits for a person, and the answer."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from clawbot import acts
from clawbot.shapes import task_shape, waiting_shape
from tasks import access
from tasks.models import Review

from . import schemas
from .doorkeeper import asker
from .once import once
from .paging import Before, Limit, page, reply
from .tasks import Act

router = Router(tags=["Reviews"])


@router.get("", response=schemas.page(schemas.Waiting), summary="List what waits for a person")
def listed(
    request: HttpRequest,
    limit: Limit,
    before: Before,
    task: str = Query("", description="Only this task's"),
    workflow: str = Query("", description="Only this workflow's"),
    state: Literal["open", "all"] = "open",
) -> HttpResponse:
    """Open reviews (or all), newest first."""
    found = access.seen(Review, asker(request)).select_related("task__workflow", "subtask", "artifact")
    if state == "open":
        found = found.filter(open=1)
    if task:
        found = found.filter(task__key__iexact=task)
    if workflow:
        found = found.filter(task__workflow__slug=workflow)
    return page(request, found, lambda rows: map(waiting_shape, rows), limit=limit, before=before)


class Decide(Act):
    """An answer. `sha256` and `version` as the review had them: what changed since is not decided."""

    model_config = schemas.example(verb="send_back", to="write", requests=["Name the year."])

    verb: Literal["approve", "send_back", "answer", "edit", "retry", "skip", "cancel"]
    review: None = Field(None, exclude=True)


@router.post("/{int:id}/decide", response=schemas.Task, summary="Decide a review")
@once
def decide(request: HttpRequest, id: int, given: Decide) -> HttpResponse:
    """Takes effect at once and cannot be undone; the task as it is then."""
    there = access.seen(Review, asker(request)).select_related("task__workflow", "task__workflow_version")
    review = there.filter(pk=id).first()
    if review is None:
        raise acts.Unknown(f"There is no review {id}. GET /api/v1/reviews lists those that are open.")
    said = given.said(review=None if given.verb == "cancel" else review.pk)  # which ends the whole task
    task = acts.act(review.task, given.verb, said, by=asker(request), channel="api")
    return reply(task_shape(task))
