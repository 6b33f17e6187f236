"""Climbs the ladder of a review that is due: reminds its owner, then brings in another group."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tasks import log, notices, outbox
from tasks.models import Review

BY = "orchestrator:remind"


def remind(now: datetime) -> int:
    """Return how many rungs were climbed.

    1. Open reviews past their due time, in order.
    2. Each rung whose time has come is climbed once: the count of rungs is the guard, and the notice
       and the event are written with it.

    Nobody is asked to decide anew: the review keeps its version, so an answer given meanwhile counts.
    """
    due = Review.objects.filter(open=1, due_at__lte=now).select_related("task__workflow", "artifact")
    return sum(_climb(review, rung, now) for review in due for rung in _rungs(review, now))


def _rungs(review: Review, now: datetime) -> Iterator[int]:
    """The places of the rungs that are due and not climbed yet. Their pauses add up."""
    at = review.due_at
    for place, rung in enumerate(review.ladder):
        at = at + timedelta(seconds=rung["after"]) if at else now
        if place >= review.rung and at <= now:
            yield place


def _climb(review: Review, place: int, now: datetime) -> int:
    rung = review.ladder[place]
    waited = notices.words((now - review.opened_at).total_seconds())
    with transaction.atomic():
        if not Review.objects.filter(pk=review.pk, open=1, rung=place).update(rung=place + 1):
            return 0
        log.record("review.reminded", by=BY, task=review.task, review=review.pk, rung=place + 1)
        outbox.owe(
            "overdue",
            task=review.task,
            review=review,
            to=[_recipient(review, rung)],
            content={"waited": waited},
            key=f"overdue:{review.pk}:{place}",
        )
    return 1


def _recipient(review: Review, rung: dict[str, Any]) -> str:
    """The group to bring in, or the owner; where nobody owns the review, everybody who may decide it."""
    if rung.get("escalate"):
        return str(rung["escalate"])
    if rung.get("remind") not in ("", "owner", None):
        return str(rung["remind"])
    return review.owner or str(review.deciders.get("group", "operators"))
