"""Climbs the ladder of a review that is due: reminds, gives it to somebody else, brings in a group, and at
its last rung ends the wait as the workflow's file says. Without such an end a wait lasts: it never fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tasks import access, log, notices, outbox, supervision
from tasks.machine import Refused
from tasks.models import Review
from tasks.people import away, policy

BY = "orchestrator:remind"
_logger = logging.getLogger(__name__)


def remind(now: datetime) -> int:
    """Return how many rungs were climbed.

    1. Reviews of people who are out go to who stands in for them.
    2. Open reviews past their due time, in order.
    3. Each rung whose time has come is climbed once: the count of rungs is the guard, and the notice
       and the event are written with it.

    Nobody is asked to decide anew: the review keeps its version, so an answer given meanwhile counts.
    """
    away.hand_over(now)
    due = Review.objects.filter(open=1, due_at__lte=now)
    due = due.select_related("task__workflow", "task__workflow_version", "artifact", "subtask")
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
    with transaction.atomic():
        if not Review.objects.filter(pk=review.pk, open=1, rung=place).update(rung=place + 1):
            return 0
        # In one transaction: a wait that was to end and did not would never be looked at again.
        if not rung.get("end") or not _end(review, str(rung["end"])):
            _call(review, rung, place, now)
    return 1


def _call(review: Review, rung: dict[str, Any], place: int, now: datetime) -> None:
    """Tell whoever the rung names; with `reassign` the review is theirs from now on."""
    to = _who(review, rung, now)
    outbox.owe(
        "overdue",
        task=review.task,
        review=review,
        to=[to],
        content={"waited": notices.words((now - review.opened_at).total_seconds())},
        key=f"overdue:{review.pk}:{place}",
    )
    if rung.get("reassign"):
        owner = to if to.startswith("user:") else ""
        Review.objects.filter(pk=review.pk, open=1).update(owner=owner, taken_until=None)
        log.record("review.assigned", by=BY, task=review.task, review=review.pk, to=to, why="It was overdue.")
    else:
        log.record("review.reminded", by=BY, task=review.task, review=review.pk, rung=place + 1, to=to)


def _who(review: Review, rung: dict[str, Any], now: datetime) -> str:
    """The group or person of a rung. A person who is out is stood in for; where nobody owns the review, or
    the named one may not decide it, everybody who may is meant."""
    named = str(rung.get("escalate") or rung.get("reassign") or rung.get("remind") or "owner")
    who = review.owner if named == "owner" else named
    if who.startswith("user:"):
        who = away.stand_in(who, now)
        if rung.get("reassign") and who and access.reason(who, "approve", review):
            who = ""
    return who or policy.groups(review.deciders or {})[0]


def _end(review: Review, verb: str) -> bool:
    """End a wait as the file says. The same verbs as for people, in the name of the workflow's policy. False
    where it cannot end so: whoever decides is told instead, and the wait lasts."""
    by = f"policy:{review.task.workflow.slug}"
    why = "Nobody answered in time; the workflow's file says what happens then."
    request_id = f"ladder:{review.pk}"
    try:
        with transaction.atomic():
            log.record("review.ended", by=by, task=review.task, review=review.pk, verb=verb)
            if verb == "approve":
                supervision.approve(
                    review, by=by, request_id=request_id, note=why, channel="policy", undo_seconds=0
                )
            elif verb == "send_back":
                requests = [
                    {"text": "Nobody answered in time. Check the text once more and hand it in again."}
                ]
                supervision.send_back(
                    review, by=by, request_id=request_id, requests=requests, reason=why, channel="policy"
                )
            elif verb == "skip":
                supervision.skip(review.task, by=by, stage=review.subtask.stage, reason=why)
            else:
                supervision.cancel(review.task, by=by, reason=why)
    except Refused as refused:
        _logger.warning("The ladder of review %s could not end with %s: %s", review.pk, verb, refused)
        return False
    return True
