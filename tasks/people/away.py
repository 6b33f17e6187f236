"""Times away: who is out, who stands in, and whose reviews go where."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from tasks import access, clock, log
from tasks.machine import Refused
from tasks.models import Absence, Review


def current(by: str, now: datetime | None = None) -> Absence | None:
    """The time away that a person is in, or None."""
    now = now or clock.now()
    mine = Absence.objects.filter(user__username=by.removeprefix("user:"), ended_at=None)
    return mine.filter(starts_at__lte=now, ends_at__gt=now).select_related("delegate").first()


def is_away(by: str, now: datetime | None = None) -> bool:
    """Whether a person is out now."""
    return current(by, now) is not None


def stand_in(by: str, now: datetime | None = None) -> str:
    """Who answers for a person: they themselves, their delegate while they are out (and theirs, while
    that one is out too), empty where nobody is left."""
    seen: set[str] = set()
    while by and by not in seen:
        absence = current(by, now)
        if absence is None:
            return by
        seen.add(by)
        by = f"user:{absence.delegate.username}" if absence.delegate else ""
    return ""


def leave(by: str, *, starts_at: datetime, ends_at: datetime, delegate: str = "", why: str = "") -> Absence:
    """Be out from one time to another; `delegate` ("user:ben") stands in.

    Refused where the times are the wrong way round or overlap another time away, and where the delegate
    is nobody, or oneself. A delegate decides by their own rights: it gives nobody more power.
    """
    access.require(by, "leave")
    user = access.user(by)
    stands_in = access.user(delegate) if delegate else None
    if ends_at <= starts_at or ends_at <= clock.now():
        raise Refused("Cannot be out for that time: it must end after it starts, and not be over already.")
    if delegate and (stands_in is None or stands_in == user):
        raise Refused(
            f"Cannot leave your reviews to {delegate.removeprefix('user:')}: name another active person."
        )
    overlapping = Absence.objects.filter(
        user=user, ended_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    with transaction.atomic():
        if (same := overlapping.filter(starts_at=starts_at, ends_at=ends_at).first()) is not None:
            return same
        if overlapping.exists():
            raise Refused(
                "Cannot be out for that time: you are out for a part of it already. End that first."
            )
        absence = Absence.objects.create(
            user=user, starts_at=starts_at, ends_at=ends_at, delegate=stands_in, why=why.strip()[:200]
        )
        log.record(
            "absence.began", by=by, user=by, until=ends_at.isoformat(), delegate=delegate, why=absence.why
        )
    hand_over(clock.now())
    return absence


def come_back(by: str, absence: Absence) -> None:
    """End a time away now; what the delegate has taken over stays with them."""
    access.require(by, "leave")
    with transaction.atomic():
        mine = Absence.objects.filter(pk=absence.pk, ended_at=None, user=access.user(by))
        if mine.update(ended_at=clock.now()):
            log.record("absence.ended", by=by, user=by)


def hand_over(now: datetime) -> int:
    """Give the open reviews of people who are out to who stands in for them; returns how many.

    A review that somebody has taken, or whose owner's stand-in may not decide it, becomes anybody's.
    """
    moved = 0
    for review in _left_behind(now):
        to = stand_in(review.owner, now)
        if to and access.reason(to, "approve", review):
            to = ""
        with transaction.atomic():
            rows = Review.objects.filter(pk=review.pk, open=1, owner=review.owner)
            if rows.update(owner=to, taken_until=None):
                log.record(
                    "review.assigned", by="orchestrator:away", task=review.task, review=review.pk, to=to,
                    why=f"{review.owner.removeprefix('user:')} is out.",
                )  # fmt: skip
                moved += 1
    return moved


def _left_behind(now: datetime) -> QuerySet[Any]:
    out = Absence.objects.filter(ended_at=None, starts_at__lte=now, ends_at__gt=now)
    names = [f"user:{name}" for name in out.values_list("user__username", flat=True)]
    return Review.objects.filter(open=1, owner__in=names).select_related("task__workflow", "artifact")
