"""Whose turn a review is: taken for half an hour, put back, given to somebody else."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from tasks import access, clock, log
from tasks.machine import Refused
from tasks.models import Review
from tasks.people import reviews


def take(review: Review, *, by: str) -> bool:
    """Take a review for 30 minutes so that two people do not read it at once. False where another has it."""
    access.require(by, "take", review)
    now = clock.now()
    with transaction.atomic():
        free = Q(owner="") | Q(owner=by) | Q(taken_until__lt=now)
        rows = Review.objects.filter(free, pk=review.pk, open=1)
        if not rows.update(owner=by, taken_until=now + timedelta(minutes=30)):
            return False
        reviews.see(review, by=by)
        log.record("review.taken", by=by, task=review.task, review=review.pk)
    return True


def put_back(review: Review, *, by: str) -> bool:
    """Give back a review that one has taken: others may take it at once. False where one had not."""
    access.require(by, "put_back", review)
    with transaction.atomic():
        mine = Review.objects.filter(pk=review.pk, open=1, owner=by, taken_until__isnull=False)
        if not mine.update(owner="", taken_until=None):
            return False
        log.record("review.put_back", by=by, task=review.task, review=review.pk)
    return True


def assign(review: Review, *, by: str, to: str) -> None:
    """Reassign a review: `to` owns it now."""
    access.require(by, "assign", review)
    if why_not := access.reason(to, "approve", review):
        raise Refused(f"Cannot reassign to {to.removeprefix('user:')}: {why_not}")
    with transaction.atomic():
        if not Review.objects.filter(pk=review.pk, open=1).update(owner=to, taken_until=None):
            raise Refused(f"Cannot reassign the review of {review.task.key}: it is closed.")
        log.record("review.assigned", by=by, task=review.task, review=review.pk, to=to)
