"""Which reviews wait for whom, in which order: due first, then oldest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from tasks import access, clock
from tasks.models import Decision, Finding, Review

UNSETTLED = (Finding.State.OPEN, Finding.State.DISPUTED)


def opened() -> QuerySet[Review]:
    """Every open review, ranked."""
    rows = Review.objects.filter(open=1).select_related(
        "task__workflow", "task__workflow_version", "subtask", "artifact"
    )
    unsettled = Count("task__findings", filter=Q(task__findings__state__in=UNSETTLED))
    return rows.annotate(unsettled=unsettled).order_by(F("due_at").asc(nulls_last=True), "opened_at", "id")


def waiting(user: Any) -> list[Review]:
    """The reviews this person may decide and that nobody else has in hand."""
    me, now = f"user:{user.username}", clock.now()
    free = Q(owner="") | Q(owner=me) | Q(taken_until__lt=now)
    return [review for review in opened().filter(free) if decides(user, review)]


def decides(user: Any, review: Review) -> bool:
    """Whether this person belongs to those the review asks. (Four eyes may still stop one verb.)"""
    return access.in_group(user, review.deciders.get("group", "operators"))


def unsettled(review: Review) -> int:
    """How many of the task's findings are open or disputed."""
    return Finding.objects.filter(task=review.task_id, state__in=UNSETTLED).count()


@dataclass(frozen=True)
class Place:
    """Where a review stands in the queue: 2 of 3, and its neighbours."""

    number: int
    count: int
    before: Review | None
    after: Review | None


def place(waiting: list[Review], review: Review) -> Place:
    """The place of `review` among those that wait; number 0 where it does not wait."""
    ids = [one.pk for one in waiting]
    at = ids.index(review.pk) if review.pk in ids else -1
    return Place(
        number=at + 1,
        count=len(ids),
        before=waiting[at - 1] if at > 0 else None,
        after=waiting[at + 1] if at + 1 < len(ids) else None,
    )


@dataclass(frozen=True)
class Undoable:
    """A decision that can still be taken back, and for how long."""

    decision: Decision
    seconds: int


def undoable(user: Any) -> Undoable | None:
    """This person's latest decision whose undo window is open. It comes from the rows, so every page
    shows the same toast, and a reload does not lose it."""
    now = clock.now()
    rows = Decision.objects.filter(
        by=f"user:{user.username}", undone_at__isnull=True, released_at__isnull=True, release_at__gt=now
    )
    latest = rows.select_related("review__task", "review__artifact").order_by("-id").first()
    return Undoable(latest, max(1, round((latest.release_at - now).total_seconds()))) if latest else None


def decided(user: Any, since: datetime) -> list[Decision]:
    """What this person decided since then, newest first."""
    rows = Decision.objects.filter(by=f"user:{user.username}", decided_at__gte=since, undone_at__isnull=True)
    return list(rows.select_related("review__task__workflow", "review__artifact").order_by("-id")[:100])


def just_settled(user: Any, within: timedelta) -> list[Decision]:
    """What others decided a moment ago: rows that grey out where they stood."""
    rows = Decision.objects.filter(
        decided_at__gte=clock.now() - within, undone_at__isnull=True, review__open=None
    )
    rows = rows.exclude(by=f"user:{user.username}").select_related(
        "review__task__workflow", "review__artifact"
    )
    return [one for one in rows.order_by("-id")[:20] if decides(user, one.review)][:5]
