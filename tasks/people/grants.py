"""What people allowed agents to do in the outside: one call each, for one piece of work, for a day.

A grant is an approval of a review of the kind *tool* that took effect. It counts for the row that asked: a
new round is a new row and asks anew, and what has ended is claimed no more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from agents.contract import Call, digest
from tasks import clock, log, machine, proof, queue
from tasks.machine import Refused
from tasks.models import Decision, Review, Subtask, Task

from . import policy

#: An approval is about the world as it was: what could not be done for so long is asked about again.
LASTS = timedelta(days=1)
#: Why a row that was allowed its call is ready again.
ALLOWED = "The call was allowed."


def check(review: Review, *, by: str, sha256: str | None) -> None:
    """Raise Refused where this would allow a call without a person who says which one they read."""
    if review.kind != Review.Kind.TOOL:
        return
    what = f"Cannot approve {review.task.key}: an agent asks leave for a call"
    if not by.startswith("user:"):
        raise Refused(f"{what}, and only a person may give it. It waits until somebody decides.")
    if not sha256:
        raise Refused(f"{what}. Say which one you have read: give the review's artifact_sha256.")


def give(review: Review, decision: Decision, rows: QuerySet[Subtask], *, now: datetime) -> bool:
    """Let the agent of this row go on and make the call that it asked about: waiting -> ready, in the
    caller's transaction. False where it does not wait any more."""
    # The claim that only asked is no attempt at the work.
    more = {"not_before": now, "reason": ALLOWED, "max_attempts": F("max_attempts") + 1}
    if not machine.move(rows, "grant", **more):
        return False
    until = now + LASTS
    Review.objects.filter(pk=review.pk).update(granted_until=until)
    machine.touch(Task.objects.filter(pk=review.task_id))
    call = asked(review)
    assert call is not None  # without one there is nothing to approve
    log.record(
        "tool.granted", by=decision.by, task=review.task, stage=review.subtask.stage, review=review.pk,
        tool=call.tool, target=call.target, sha256=call.sha256,
        approved_by=sorted(policy.approvers(review)), until=until.isoformat(),
    )  # fmt: skip
    queue.ring()
    return True


def of(row: Subtask) -> tuple[str, ...]:
    """The hashes of the calls that the agent may make in this piece of work now."""
    given = Review.objects.filter(subtask=row, kind=Review.Kind.TOOL, granted_until__gt=clock.now())
    calls = [(one.artifact, one.artifact_sha256) for one in given.order_by("pk").select_related("artifact")]
    proven = [proof.proven(call, sha256, what="make the call") for call, sha256 in calls if call]
    return tuple(digest(call.text) for call in proven if call.text)


def asked(review: Review) -> Call | None:
    """The call that a review asks about; None where it asks about something else."""
    if review.kind != Review.Kind.TOOL or review.artifact is None:
        return None
    what = "read the call that was asked about"
    return Call.model_validate_json(proof.proven(review.artifact, review.artifact_sha256, what=what).text)
