"""When an approval takes effect: after its undo window, which begins when the person has seen its Undo."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from tasks import access, clock, log, machine, outbox, proof
from tasks.machine import Refused
from tasks.models import Decision, Review, Subtask
from tasks.people import grants, policy, reviews

from .shared import changed, follow

BY = "orchestrator:release"
#: An approval given on a page takes effect this long after it at the latest, seen or not.
SEEN_WITHIN = timedelta(seconds=60)


def window(seconds: int | None, *, until_seen: bool = False) -> timedelta:
    """How long after the decision it takes effect. With `until_seen` the page reports when its Undo is
    there (see `seen`), and the window is counted from then; this is how long it waits for that report."""
    ordinary = timedelta(seconds=settings.UNDO_SECONDS if seconds is None else seconds)
    return max(ordinary, SEEN_WITHIN) if until_seen and ordinary else ordinary


def seen(decision: Decision, *, by: str) -> int:
    """Note that the person sees the Undo of their approval: its ordinary window begins now. It never grows
    by that, so that it may be said twice. Returns how many seconds are left."""
    if decision.by != by:
        raise Refused(f"Cannot begin the undo window of {decision.review.task.key}: it is another person's.")
    now = clock.now()
    ends = now + window(None)
    with transaction.atomic():
        rows = Decision.objects.filter(pk=decision.pk, undone_at=None, release_at__gt=ends)
        if rows.update(release_at=ends):
            log.record(
                "review.undo_seen", by=by, task=decision.review.task, stage=decision.review.subtask.stage,
                review=decision.review_id, release_at=ends.isoformat(),
            )  # fmt: skip
            changed(decision.review.task)
    decision.refresh_from_db()
    return max(0, round((decision.release_at - now).total_seconds()))


@proof.alarmed
def release(decision: Decision, *, now: datetime) -> bool:
    """Let an approval take effect: waiting -> done, or ready where a call was allowed. False where it was
    undone, was released by another process, or a stage that it waits for is still running."""
    with transaction.atomic():
        review = Review.objects.select_related(
            "subtask__task__workflow_version", "subtask__task__workflow", "artifact"
        ).get(pk=decision.review_id)
        row = review.subtask
        due = Decision.objects.filter(
            pk=decision.pk, released_at__isnull=True, undone_at__isnull=True, release_at__lte=now
        )
        if not due.exists():
            return False
        if review.artifact:
            what = f"release {row.task.key}"
            proof.proven(review.artifact, decision.artifact_sha256, what=what)
        # The guard: nothing that this approval covers may still be under way (an edit's new rendering).
        ready = Subtask.objects.filter(pk=row.pk, needs_left=0, live=1)
        is_call = review.kind == Review.Kind.TOOL
        if is_call:
            moved = grants.give(review, decision, ready, now=now)
        else:
            moved = bool(machine.move(ready, "approve", finished_at=now, reason=""))
        if not moved:
            return False
        if not due.update(released_at=now):
            raise Refused(f"Cannot release {row.task.key}: the decision was undone at the same moment.")
        if not is_call:
            follow(row, by=decision.by, now=now, word=row.done_as)
        outbox.decided(review, decision)
        log.record(
            "review.released",
            by=decision.by,
            task=row.task,
            stage=row.stage,
            review=review.pk,
            verb=decision.verb,
        )
    return True


def release_due(now: datetime | None = None) -> int:
    """Release every approval whose undo window has passed; returns how many took effect."""
    now = now or clock.now()
    _complete(now)
    due = Decision.objects.filter(released_at__isnull=True, undone_at__isnull=True, release_at__lte=now)
    return sum(_released(decision, now) for decision in due.order_by("release_at")[:100])


def _released(decision: Decision, now: datetime) -> bool:
    """One that may not be released holds up none of the others: its alarm was raised."""
    try:
        return release(decision, now=now)
    except proof.Tampered:
        return False


def _complete(now: datetime) -> None:
    """Close the reviews that need nobody any more because whoever was still needed has left or is away: the
    last approval takes effect with this sweep."""
    approved = Decision.objects.filter(verb="approve", undone_at=None)
    rows = Review.objects.filter(open=1, pk__in=approved.values("review")).order_by("pk")
    for review in rows.select_related("task", "subtask", "artifact"):
        people = policy.staff(review)
        given = policy.counted(review.deciders, policy.approvers(review), people)
        if not given or policy.missing(review, given):
            continue
        with transaction.atomic():
            mine = Review.objects.filter(pk=review.pk, open=1, version=review.version)
            if not reviews.close(mine, now=now):
                continue
            last = approved.filter(review=review, by__in=given, artifact_sha256=review.artifact_sha256)
            newest = list(last.order_by("-id").values_list("pk", flat=True)[:1])
            Decision.objects.filter(pk__in=newest).update(released_at=None, release_at=now)
            log.record(
                "review.completed", by=BY, task=review.task, stage=review.subtask.stage, review=review.pk,
                why="Nobody else is needed any more.",
            )  # fmt: skip
            changed(review.task)


def undo(decision: Decision, *, by: str) -> Decision:
    """Take back an approval inside its undo window: the review is open again."""
    access.require(by, "undo", decision)
    now = clock.now()
    with transaction.atomic():
        review = decision.review
        # One of several approvals has taken no effect while its review still waits for the others.
        counted = Q(released_at__isnull=True) | Q(verb="approve", review__open=1)
        rows = Decision.objects.filter(counted, pk=decision.pk, undone_at__isnull=True)
        if rows.update(undone_at=now, released_at=None):
            Review.objects.filter(pk=review.pk).update(open=1, closed_at=None, version=F("version") + 1)
            if decision.released_at:  # it was one of several, and counted
                outbox.uncounted(review, what="Taken back", by=by)
            log.record(
                "review.undone",
                by=by,
                task=review.task,
                stage=review.subtask.stage,
                review=review.pk,
                verb=decision.verb,
            )
            changed(review.task)
        elif not Decision.objects.filter(pk=decision.pk, undone_at__isnull=False).exists():
            raise Refused(
                f"Cannot undo: {review.task.key} was released already. Return or override it instead."
            )
    decision.refresh_from_db()
    return decision
