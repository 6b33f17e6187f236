"""The answer to a review: approve, undo within the window, return; and what an answer sets in motion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from tasks import access, arrivals, artifacts, clock, log, machine, outbox, rounds
from tasks.machine import Refused
from tasks.models import Artifact, Comment, Decision, Finding, Review, Subtask, Task
from tasks.people import grants, policy, reviews
from tasks.workflow import upstream

from .shared import Stale, changed, check_stage, follow

#: findings that somebody has still to deal with
UNSETTLED = (Finding.State.OPEN, Finding.State.DISPUTED)


def approve(
    review: Review,
    *,
    by: str,
    request_id: str,
    artifact_sha256: str | None = None,
    review_version: int | None = None,
    note: str = "",
    channel: str = "page",
    undo_seconds: int | None = None,
) -> Decision:
    """Accept what the review asks about: waiting -> done once the undo window has passed; where an agent
    asks leave for a call, waiting -> ready, and the agent makes it.

    Refused where the review does not allow it, or findings are open and no `note` says why it may go out
    all the same; `Stale` where the text or the review changed.
    """
    with transaction.atomic():
        if known := Decision.objects.filter(request_id=request_id).first():
            return known
        review = _decidable(review, "approve", by, artifact_sha256, review_version)
        grants.check(review, by=by, sha256=artifact_sha256)
        _says_why(review, note)
        wait = settings.UNDO_SECONDS if undo_seconds is None else undo_seconds
        decision = _decide(
            review, "approve", by=by, request_id=request_id, note=note, channel=channel, wait=wait
        )
        changed(review.task)
    if wait == 0:
        release(decision, now=clock.now())
        decision.refresh_from_db()
    return decision


def _says_why(review: Review, note: str) -> None:
    """Through every door: whoever lets a doubt pass says why, in one line."""
    left = Finding.objects.filter(task=review.task_id, state__in=UNSETTLED).count()
    if left and not note.strip():
        raise Refused(
            f"Cannot approve {review.task.key} with {left} open finding{'s' if left != 1 else ''} without a "
            "reason: one line is enough, others will read it."
        )


def _decidable(review: Review, verb: str, by: str, sha: str | None, version: int | None) -> Review:
    """The review, locked and still open, still about what the person read."""
    access.require(by, verb, review)
    # Locked by itself: PostgreSQL locks no row beyond an outer join, and a review may lack a text.
    Review.objects.select_for_update().get(pk=review.pk)
    related = ("task__workflow_version", "task__workflow", "subtask", "artifact")
    fresh = Review.objects.select_related(*related).get(pk=review.pk)
    what = f"Cannot {_label(verb)} {fresh.task.key}"
    if fresh.open is None:
        raise Stale(f"{what}: {_closed_sentence(fresh)}", fresh)
    if verb not in fresh.verbs:
        raise Refused(f"{what}: this review can be answered with {', '.join(map(_label, fresh.verbs))}.")
    if by.startswith("policy:") and not any(rung.get("end") == verb for rung in fresh.ladder):
        raise Refused(f"{what}: the workflow's file does not end this wait so. A person decides.")
    if sha is not None and sha != fresh.artifact_sha256:
        newer = f"draft {fresh.artifact.number}" if fresh.artifact else "something newer"
        raise Stale(f"{what}: {newer} arrived since you read it. Look at what changed, then decide.", fresh)
    if version is not None and version != fresh.version:
        raise Stale(f"{what}: the review changed since you opened it. Look again, then decide.", fresh)
    return fresh


def _label(verb: str) -> str:
    return {"send_back": "return"}.get(verb, verb)


def _closed_sentence(review: Review) -> str:
    last = review.decisions.filter(undone_at__isnull=True).order_by("-id").first()
    if last is None:
        return "it was closed because the work went on in another way. Open the task to see how."
    word = {"approve": "approved", "send_back": "returned", "cancel": "cancelled"}.get(
        last.verb, f"answered ({last.verb})"
    )
    return f"{last.by.removeprefix('user:')} {word} it already."


def _decide(
    review: Review, verb: str, *, by: str, request_id: str, note: str, channel: str, wait: int = 0
) -> Decision:
    """Record the answer, close the review, write the event. A quorum not yet reached is counted and
    released at once."""
    now = clock.now()
    short = verb == "approve" and not _enough(review, by)
    decision = Decision.objects.create(
        review=review,
        verb=verb,
        by=by,
        channel=channel,
        note=note,
        artifact_sha256=review.artifact_sha256,
        review_version=review.version,
        request_id=request_id,
        decided_at=now,
        release_at=now + timedelta(seconds=wait),
        released_at=now if short else None,
    )
    if short:
        # Whoever had taken it has answered: now the others are asked.
        Review.objects.filter(pk=review.pk).update(version=F("version") + 1)
        Review.objects.filter(pk=review.pk, owner=by).update(owner="", taken_until=None)
    else:
        reviews.close(Review.objects.filter(pk=review.pk), now=now)
    log.record(
        "review.decided",
        by=by,
        task=review.task,
        stage=review.subtask.stage,
        review=review.pk,
        verb=verb,
        artifact_sha256=review.artifact_sha256,
        note=note,
        channel=channel,
    )
    return decision


def _enough(review: Review, by: str) -> bool:
    """Whether the answer of `by` completes what the policy asks for; the end of a ladder always does."""
    return by.startswith("policy:") or not policy.missing(review, policy.approvers(review) | {by})


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
        log.record(
            "review.released",
            by=decision.by,
            task=row.task,
            stage=row.stage,
            review=review.pk,
            verb=decision.verb,
        )
        outbox.decided(review, decision)
    return True


def release_due(now: datetime | None = None) -> int:
    """Release every approval whose undo window has passed; returns how many took effect."""
    now = now or clock.now()
    due = Decision.objects.filter(released_at__isnull=True, undone_at__isnull=True, release_at__lte=now)
    return sum(release(decision, now=now) for decision in due.order_by("release_at")[:100])


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
            Review.objects.filter(pk=review.pk, open__isnull=True).update(
                open=1, closed_at=None, version=F("version") + 1
            )
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


def send_back(
    review: Review,
    *,
    by: str,
    request_id: str,
    requests: Sequence[dict[str, Any]] = (),
    to: str = "",
    reason: str = "",
    artifact_sha256: str | None = None,
    review_version: int | None = None,
    channel: str = "page",
) -> Decision:
    """Return the work with numbered requests: a new round from stage `to`, the draft stays readable.

    The person's pending comments on this task become requests, then `requests` ({text, quote}).
    Refused without any request.
    """
    with transaction.atomic():
        if known := Decision.objects.filter(request_id=request_id).first():
            return known
        review = _decidable(review, "send_back", by, artifact_sha256, review_version)
        task = review.task
        target = to or default_target(review)
        check_stage(task, target, "return", before=review.subtask.stage)
        numbered = _number(task, by, requests)
        if not numbered:
            raise Refused(f"Cannot return {task.key}: say what should change; one request is enough.")
        decision = _decide(review, "send_back", by=by, request_id=request_id, note=reason, channel=channel)
        Decision.objects.filter(pk=decision.pk).update(released_at=decision.decided_at)
        ready = rounds.again(task, target, now=decision.decided_at, requests=numbered)
        log.record(
            "subtask.returned",
            by=by,
            task=task,
            stage=review.subtask.stage,
            to=target,
            round=task.round,
            requests=len(numbered),
            why=reason,
        )
        log.write(arrivals.arrive(ready, now=decision.decided_at))
        outbox.decided(review, decision)
    return decision


def default_target(review: Review) -> str:
    """Where a return goes where the person does not say: as the workflow's reviewer returns, else to
    the stage that made the text."""
    stages = review.task.workflow_version.stages
    before = upstream(review.subtask.stage, stages)
    own = [s for s in stages if s["name"] == review.subtask.stage or s["name"] in before]
    named = [s["send_back"]["to"] for s in own if s["send_back"]]
    if named:
        return str(named[-1])
    if review.kind == Review.Kind.TOOL:  # whoever asks makes the same call of the same brief
        before_it = [name for name in targets(review) if name != review.subtask.stage]
        return before_it[-1] if before_it else review.subtask.stage
    return review.artifact.stage if review.artifact else review.subtask.stage


def targets(review: Review) -> list[str]:
    """The stages that a return may go to: every agent's stage before this one, and this one if an agent's."""
    stages = review.task.workflow_version.stages
    before = upstream(review.subtask.stage, stages) | {review.subtask.stage}
    return [stage["name"] for stage in stages if stage["name"] in before and stage["agent"] != "human"]


def _number(task: Task, by: str, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Comments first, then free requests, numbered from 1. Free ones are kept as comments too, so that
    their answer has a place."""
    artifact = Artifact.objects.filter(task=task).order_by("-id").first()
    for request in requests:
        if str(request.get("text", "")).strip() and artifact:
            Comment.objects.create(
                task=task,
                artifact=_draft(task) or artifact,
                quote=str(request.get("quote", "")),
                text=str(request["text"]).strip(),
                by=by,
                made_at=clock.now(),
            )
    pending = list(Comment.objects.filter(task=task, by=by, number__isnull=True))
    numbered = []
    for number, one in enumerate(pending, start=1):
        Comment.objects.filter(pk=one.pk).update(number=number)
        numbered.append({"number": number, "text": one.text, "quote": one.quote, "by": by, "comment": one.pk})
    return numbered


def _draft(task: Task) -> Artifact | None:
    return artifacts.latest(task, "draft")
