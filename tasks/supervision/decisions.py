"""The answer to a review: approve or return. When an approval takes effect, `releasing` says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from tasks import access, arrivals, artifacts, clock, log, outbox, proof, rounds
from tasks.machine import Refused
from tasks.models import Artifact, Comment, Decision, Finding, Review, Task
from tasks.people import grants, policy, quorum, reviews
from tasks.workflow import upstream

from .releasing import release, window
from .remarks import in_order
from .shared import Stale, changed, check_stage

NOW = timedelta(0)
#: findings that somebody has still to deal with
UNSETTLED = (Finding.State.OPEN, Finding.State.DISPUTED)


@proof.alarmed
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
    until_seen: bool = False,
) -> Decision:
    """Accept what the review asks about: waiting -> done once the undo window has passed; where an agent
    asks leave for a call, waiting -> ready, and the agent makes it.

    The window is `undo_seconds` long, else as the settings say. With `until_seen` it is counted from the
    moment that the person sees its Undo (`seen`), within bounds.

    Refused where the review does not allow it, or findings are open and no `note` says why it may go out
    all the same; `Stale` where the text or the review changed.
    """
    with transaction.atomic():
        if known := _known(review, request_id):
            return known
        review = decidable(review, "approve", by, artifact_sha256, review_version)
        grants.check(review, by=by, sha256=artifact_sha256)
        _says_why(review, note)
        wait = window(undo_seconds, until_seen=until_seen)
        decision = decide(
            review, "approve", by=by, request_id=request_id, note=note, channel=channel, wait=wait
        )
        changed(review.task)
    if not wait:
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


def _known(review: Review, request_id: str) -> Decision | None:
    """The decision that this click made already. The review is locked first, so that the second of two equal
    clicks finds what the first has made."""
    # Locked by itself: PostgreSQL locks no row beyond an outer join, and a review may lack a text.
    Review.objects.select_for_update().get(pk=review.pk)
    return Decision.objects.filter(request_id=request_id).first()


def decidable(review: Review, verb: str, by: str, sha: str | None, version: int | None) -> Review:
    """The review, which the caller has locked, still open and still about what the person read."""
    related = ("task__workflow_version", "task__workflow", "subtask", "artifact")
    fresh = Review.objects.select_related(*related).get(pk=review.pk)
    what = f"Cannot {_label(verb)} {fresh.task.key}"
    if fresh.open is None:
        access.require(by, verb, fresh.task)
        raise Stale(f"{what}: {_closed_sentence(fresh, by)}", fresh)
    if verb == "approve" and policy.several(fresh.deciders) and by in policy.approvers(fresh):
        raise Stale(f"{what}: you approved it already. {quorum.sentence(fresh)}", fresh)
    access.require(by, verb, fresh)
    if verb not in fresh.verbs:
        raise Refused(f"{what}: this review can be answered with {', '.join(map(_label, fresh.verbs))}.")
    if by.startswith("policy:") and not any(rung.get("end") == verb for rung in fresh.ladder):
        raise Refused(f"{what}: the workflow's file does not end this wait so. A person decides.")
    if sha is not None and sha != fresh.artifact_sha256:
        newer = f"draft {fresh.artifact.number}" if fresh.artifact else "something newer"
        raise Stale(f"{what}: {newer} arrived since you read it. Look at what changed, then decide.", fresh)
    if fresh.artifact:
        proof.proven(fresh.artifact, fresh.artifact_sha256, what=f"{_label(verb)} {fresh.task.key}")
    if version is not None and version != fresh.version:
        raise Stale(f"{what}: the review changed since you opened it. Look again, then decide.", fresh)
    return fresh


def _label(verb: str) -> str:
    return {"send_back": "return"}.get(verb, verb)


def _closed_sentence(review: Review, by: str) -> str:
    last = review.decisions.filter(undone_at__isnull=True).order_by("-id").first()
    if last is None:
        return "it was closed because the work went on in another way. Open the task to see how."
    word = {"approve": "approved", "send_back": "returned", "cancel": "cancelled"}.get(
        last.verb, f"answered ({last.verb})"
    )
    who = "you" if last.by == by else access.called([last.by]).get(last.by) or last.by.removeprefix("user:")
    return f"{who} {word} it already."


def decide(
    review: Review, verb: str, *, by: str, request_id: str, note: str, channel: str, wait: timedelta = NOW
) -> Decision:
    """Record the answer, close the review, write the event. A quorum not yet reached is counted and
    released at once."""
    now = clock.now()
    # The guard: what was read of this review's approvals is still all there is of them, for each of them
    # makes a new version.
    mine = Review.objects.filter(pk=review.pk, open=1, version=review.version)
    short = verb == "approve" and not _enough(review, by)
    taken = mine.update(version=F("version") + 1) if short else reviews.close(mine, now=now)
    if not taken:
        raise Stale(
            f"Cannot {_label(verb)} {review.task.key}: somebody was faster. Look again, then decide.", review
        )
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
        release_at=now + wait,
        released_at=now if short else None,
    )
    if short:
        # Whoever had taken it has answered: now the others are asked.
        Review.objects.filter(pk=review.pk, owner=by).update(owner="", taken_until=None)
        outbox.counted(review, decision)
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
        if known := _known(review, request_id):
            return known
        review = decidable(review, "send_back", by, artifact_sha256, review_version)
        task = review.task
        target = to or default_target(review)
        check_stage(task, target, "return", before=review.subtask.stage)
        numbered = _number(task, by, requests)
        if not numbered and _is_about_an_edit(review):
            # Whoever hands their own text to the writer asks for what the reviewer found.
            numbered = reviews.requests(task, by=f"agent:{review.subtask.agent}")
        if not numbered:
            raise Refused(f"Cannot return {task.key}: say what should change; one request is enough.")
        decision = decide(review, "send_back", by=by, request_id=request_id, note=reason, channel=channel)
        Decision.objects.filter(pk=decision.pk).update(released_at=decision.decided_at)
        ready = rounds.again(task, target, now=decision.decided_at, requests=numbered)
        outbox.decided(review, decision)
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
    return decision


def _is_about_an_edit(review: Review) -> bool:
    """Whether a reviewer's findings in a person's text came back to that person."""
    edited = review.artifact is not None and review.artifact.made_by.startswith("user:")
    return review.kind == Review.Kind.LOOP and edited


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
    """Comments in the order of the text, then free requests, numbered from 1. Free ones are kept as comments
    too, so that their answer has a place."""
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
    pending = Comment.objects.filter(task=task, by=by, number__isnull=True).select_related("artifact")
    numbered = []
    for number, one in enumerate(in_order(pending), start=1):
        Comment.objects.filter(pk=one.pk).update(number=number)
        numbered.append({"number": number, "text": one.text, "quote": one.quote, "by": by, "comment": one.pk})
    return numbered


def _draft(task: Task) -> Artifact | None:
    return artifacts.latest(task, "draft")
