"""What only people may do. Every door (pages, commands, Slack, API) calls these same functions.

Each verb is one transaction, asks `access` first, guards in the WHERE, writes its event, and may be
called twice: the second call finds the work done and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from agents.contract import CALL

from . import access, arrivals, artifacts, clock, compensation, log, machine, outbox, queue, rounds, store
from .machine import Refused
from .models import (
    Artifact,
    Comment,
    Decision,
    Finding,
    Hold,
    Review,
    Run,
    Subtask,
    Task,
    Workflow,
)
from .people import edits, grants, policy, reviews
from .workflow import downstream, upstream

S = Subtask.Status
#: findings that somebody has still to deal with
UNSETTLED = (Finding.State.OPEN, Finding.State.DISPUTED)


class Stale(Refused):
    """The person looked at something that has changed since. `review` is how it stands now."""

    def __init__(self, text: str, review: Review) -> None:
        super().__init__(text)
        self.review = review


# -- Decide a review ----------------------------------------------------------------------------------


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
        _changed(review.task)
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
            _after(row, by=decision.by, now=now, word=row.done_as)
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
            _changed(review.task)
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
        _check_stage(task, target, "return", before=review.subtask.stage)
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


# -- Words on a draft ----------------------------------------------------------------------------------


def comment(artifact: Artifact, *, by: str, text: str, quote: str = "") -> Comment:
    """Remark on a draft. It stays pending until its author decides the review."""
    access.require(by, "comment", artifact)
    text = text.strip()
    if not text:
        raise Refused("Cannot add an empty comment: write what should change.")
    with transaction.atomic():
        made = Comment.objects.create(
            task=artifact.task,
            artifact=artifact,
            by=by,
            text=text[:3000],
            quote=quote.strip()[:2000],
            made_at=clock.now(),
        )
        log.record("comment.made", by=by, task=artifact.task, comment=made.pk, artifact=artifact.pk)
    return made


def uncomment(made: Comment, *, by: str) -> None:
    """Take back one's own pending comment; one that was sent stays."""
    access.require(by, "comment", made)
    with transaction.atomic():
        gone, _ = Comment.objects.filter(pk=made.pk, by=by, number__isnull=True).delete()
        if gone:
            log.record("comment.removed", by=by, task=made.task, comment=made.pk)
        elif Comment.objects.filter(pk=made.pk).exists():
            raise Refused("Cannot remove this comment: it was sent with a return, or it is somebody else's.")


def judge(finding: Finding, *, by: str, state: str) -> None:
    """Agree with a reviewer's finding, or dispute it."""
    access.require(by, "judge", finding)
    if state not in {Finding.State.AGREED, Finding.State.DISPUTED}:
        raise Refused(f"Cannot mark finding {finding.number} as {state!r}: agree with it or dispute it.")
    with transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(state=state, decided_by=by)
        log.record("finding.judged", by=by, task=finding.task, finding=finding.pk, state=state)
        _changed(finding.task)


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


def edit(
    task: Task,
    *,
    by: str,
    text: str,
    kind: str = "draft",
    base_sha256: str | None = None,
    review: Review | None = None,
    then: Mapping[str, str] | None = None,
) -> Artifact:
    """Change a text by hand: a new version, never a changed one. What was built on the old one is stale.

    `then` says for each stage that was built on it whether to keep, rerun or review it (see `after_edit`;
    what it leaves out is done as a careful person would). Without `then` the deterministic stages before
    an open gate render the new text at once, and all else is kept.
    """
    access.require(by, "edit", review or task)
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        old = _editable(task, kind)
        if edits.would_strand(task, old, by):
            raise Refused(
                f"Cannot edit {old.kind} of {task.key}: you are the last who could still approve it, and "
                "this workflow asks for somebody who wrote nothing of it. Return it with a request instead, "
                "or ask an admin to add somebody."
            )
        text = text.replace("\r\n", "\n")
        if old.text == text:
            return old
        if base_sha256 is not None and base_sha256 != old.sha256:
            raise Stale(
                f"Cannot save your edit of {task.key}: {kind} {old.number} arrived while you wrote. "
                "Your text is kept below; compare and save again.",
                review or Review(task=task),
            )
        found = edits.choices(task, old, text)
        new = artifacts.build(
            artifacts.Numbers([task.pk]),
            task=task,
            subtask=old.subtask,
            run=None,
            kind=kind,
            text=text,
            data=old.data,
            made_by=by,
            at=now,
            built_on=[old.sha256],
            stage=old.stage,
        )
        new.save()
        edits.mark_stale(task, old, but=new, now=now)
        _ask_again(task, kind, by=by, now=now)
        open_reviews = Review.objects.filter(task=task, open=1, artifact__kind=kind)
        gates = list(open_reviews.filter(kind=Review.Kind.GATE).select_related("subtask"))
        open_reviews.update(artifact=new, artifact_sha256=new.sha256, version=F("version") + 1)
        if then is None:
            for gate in gates:
                edits.render_again(task, old, gate.subtask, now=now)
        else:
            then = edits.go_on(task, old, found, then, now=now)
        log.record(
            "artifact.edited",
            by=by,
            task=task,
            stage=old.stage,
            kind=kind,
            number=new.number,
            sha256=new.sha256,
            base=old.sha256,
            **({"then": then} if then else {}),
        )
        _changed(task)
    return new


def _ask_again(task: Task, kind: str, *, by: str, now: datetime) -> None:
    """An approval that has not taken effect yet was of the text before this edit: it is void, and its review
    open again."""
    waiting = Decision.objects.filter(
        review__task=task, review__artifact__kind=kind, review__open=None, released_at=None, undone_at=None
    )
    for decision in waiting.select_related("review__subtask"):
        Decision.objects.filter(pk=decision.pk).update(undone_at=now)
        review = decision.review
        Review.objects.filter(pk=review.pk).update(open=1, closed_at=None, version=F("version") + 1)
        log.record(
            "review.undone", by=by, task=task, stage=review.subtask.stage, review=review.pk,
            verb=decision.verb, why="the text was edited",
        )  # fmt: skip


def after_edit(task: Task, *, kind: str = "draft", text: str) -> list[edits.Choice]:
    """What was built on the newest text, were it changed to `text`: each stage with its choices, the one that
    a careful person would make, and why. Changes nothing."""
    return edits.choices(task, _editable(task, kind), text.replace("\r\n", "\n"))


def _editable(task: Task, kind: str) -> Artifact:
    if kind == CALL:
        raise Refused(
            f"Cannot edit the call of {task.key}: an edited one would not be the one that its agent makes. "
            "Return the work, or change what the call is made from and let the agent ask again."
        )
    old = artifacts.latest(task, kind)
    if old is None:
        raise Refused(f"Cannot edit {kind} of {task.key}: there is none yet.")
    return old


# -- Move work by hand ---------------------------------------------------------------------------------


def override(task: Task, *, by: str, stage: str, reason: str) -> Task:
    """Move a task to any stage, whatever it waits for: open stages before it are skipped, it and all
    later ones begin a new round. Needs a reason; destroys nothing."""
    access.require(by, "override", task)
    reason = _needs_reason(reason, f"override {task.key}")
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        _check_stage(task, stage, "move")
        was = list(task.subtasks.filter(live=1, status__in=Subtask.OPEN).values_list("stage", flat=True))
        before = upstream(stage, task.workflow_version.stages)
        skipped = task.subtasks.filter(live=1, stage__in=before, status__in=Subtask.OPEN)
        over = set(skipped.values_list("pk", flat=True))
        rounds.end_open(skipped, "skip_open", now=now, reason=reason)
        machine.move_task(Task.objects.filter(pk=task.pk), "reopen", started_at=task.started_at or now)
        never = _cancelled_before(task, stage)
        ready = rounds.again(task, stage, now=now, requests=[], only=_from(task, stage, never))
        passed = task.subtasks.filter(live=1, stage__in=never, status__in=Subtask.OPEN)
        over |= set(passed.values_list("pk", flat=True))
        rounds.end_open(passed, "skip_open", now=now, reason=reason)
        # First, so that the line below tells of all that it changed.
        followed = arrivals.arrive([row for row in ready if row.pk not in over], now=now, named=[stage])
        followed += arrivals.passed(over, now=now)  # other branches waited for them too
        more = _unapproved({row.stage for row in policy.skipped_gates(task) if row.pk in over})
        log.record(
            "task.overridden", by=by, task=task, stage=stage, round=task.round, reason=reason, was=was, **more
        )
        log.write(followed)
    return task


def rerun_from(task: Task, *, by: str, stage: str, reason: str) -> Task:
    """Run a stage and all later ones again, as a new round; what was made stays. What was cancelled before
    it was done runs first: without it the stage would wait for ever."""
    access.require(by, "rerun_from", task)
    reason = _needs_reason(reason, f"run {task.key} again")
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        _check_stage(task, stage, "run again")
        machine.move_task(Task.objects.filter(pk=task.pk), "reopen", started_at=task.started_at or now)
        never = _cancelled_before(task, stage)
        ready = rounds.again(task, stage, now=now, requests=[], only=_from(task, stage, never))
        log.record("task.rerun", by=by, task=task, stage=stage, round=task.round, reason=reason)
        log.write(arrivals.arrive(ready, now=now, named=[stage]))
    return task


def _cancelled_before(task: Task, stage: str) -> set[str]:
    """The stages before this one that a cancel ended: they never will be done."""
    before = task.subtasks.filter(live=1, item="", stage__in=upstream(stage, task.workflow_version.stages))
    return set(before.filter(status=S.CANCELLED).values_list("stage", flat=True))


def _from(task: Task, stage: str, more: set[str]) -> set[str] | None:
    """A stage and all later ones, with `more`; None where that is what a new round takes anyway."""
    return more | set(downstream(stage, task.workflow_version.stages)) if more else None


def retry(task: Task, *, by: str, stage: str = "", item: str = "", reason: str = "") -> int:
    """Let what waits after a failure, or for its next attempt, try again now: of a stage that fans out all
    items, or one. Returns how many rows."""
    access.require(by, "retry", task)
    now = clock.now()
    with transaction.atomic():
        stuck = Q(status=S.READY, not_before__gt=now) | Q(status=S.WAITING, reviews__open=1)
        rows = _some(task, stage, item).filter(stuck).exclude(agent="human")
        ids = list(rows.values_list("pk", flat=True).distinct())
        reviews.close(Review.objects.filter(subtask__in=ids), now=now)
        moved = machine.move(
            Subtask.objects.filter(pk__in=ids),
            "retry",
            not_before=now,
            reason="",
            max_attempts=F("attempts") + 1,
            crashes=0,
        )
        if moved:
            _changed(task)
            log.record("subtask.retry", by=by, task=task, stage=stage, item=item, reason=reason)
            # What no worker simply claims, a fan-out or a child task, takes its course again.
            again = list(Subtask.objects.filter(pk__in=ids, status=S.READY))
            log.write(arrivals.arrive(again, now=now, named={row.stage for row in again}))
            queue.ring()
        elif stage:
            _check_open(task, stage, "retry")
    return moved


def skip(task: Task, *, by: str, stage: str, reason: str, item: str = "") -> int:
    """Go on without a stage: waiting, ready or blocked -> skipped; what waited for it may start."""
    access.require(by, "skip", task)
    reason = _needs_reason(reason, f"skip {stage} of {task.key}")
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        if not task.subtasks.filter(live=1).exclude(status=S.BLOCKED).exists():
            # Still in the backlog: its later stages would begin, and its first ones never.
            raise Refused(f"Cannot skip {stage} of {task.key}: it has not begun. Start it first, then skip.")
        rows = list(_some(task, stage, item).filter(status__in=Subtask.OPEN).order_by("item"))
        if not rows:
            _check_stage(task, stage, "skip")
            return 0
        # Of a stage that fans out, the items that wait for a person are meant; without any, all of it.
        rows = [row for row in rows if row.status == S.WAITING] or rows
        skipped = {row.pk for row in rows if _skip(row, reason, now)}
        if not skipped:
            _check_open(task, stage, "skip")
            return 0
        _changed(task)
        more = _unapproved({row.stage for row in rows if row.agent == "human" and row.pk in skipped})
        told = log.line("subtask.skipped", by=by, task=task, stage=stage, item=item, reason=reason, **more)
        followed = arrivals.passed(skipped, now=now) + arrivals.complete([task.pk], by=by, now=now)
        log.write([told, *followed])
    return len(skipped)


def _unapproved(gates: Iterable[str]) -> dict[str, list[str]]:
    """What an event says where gates were skipped: nobody approved there."""
    found = sorted(gates)
    return {"unapproved": found} if found else {}


def _skip(row: Subtask, reason: str, now: datetime) -> bool:
    rounds.close_reviews([row.pk], now=now)
    values = {"finished_at": now, "reason": reason[:300], "awaits": "", "needs_left": 0}
    return bool(machine.move(Subtask.objects.filter(pk=row.pk), "skip", **values))


def cancel(task: Task, *, by: str, reason: str = "") -> Task:
    """Stop a task for good: everything open is cancelled, what runs is fenced off, nothing is deleted.

    What its stages did in the world is taken back first, where the workflow says how; called again
    meanwhile, it gives that up too. Tasks that it injected and waits for are cancelled with it.
    """
    access.require(by, "cancel", task)
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        _cancel(task, by=by, reason=reason, now=now)
        task.refresh_from_db()
    return task


def _cancel(task: Task, *, by: str, reason: str, now: datetime) -> None:
    waiting_for = Task.objects.filter(parent__task=task, parent__live=1).exclude(status=Task.Status.DONE)
    children = list(waiting_for.select_related("workflow_version", "workflow"))
    if task.status != Task.Status.DONE and compensation.effects(task):
        log.write(compensation.begin(task, why=reason or "It was cancelled.", by=by, now=now))
    else:
        rounds.end_open(task.subtasks.filter(live=1), "cancel", now=now, reason=reason)
        mine = Task.objects.filter(pk=task.pk)
        if machine.move_task(mine, "cancel", done_at=now, outcome=Task.Ending.CANCELLED):
            withdrawn = compensation.withdraw_notices(task, by=by)
            log.write([*withdrawn, log.line("task.cancelled", by=by, task=task, reason=reason)])
            task.refresh_from_db()
            log.write(arrivals.child_ended(task, now=now))
    for child in children:
        _cancel(child, by=by, reason=f"{task.key} was cancelled.", now=now)


# -- Hold ----------------------------------------------------------------------------------------------


def pause(
    scope: str, target: str = "", *, by: str, why: str, until: datetime | None = None, stop_now: bool = False
) -> Hold:
    """Place a hold: nothing under it is claimed and nothing leaves after this commits. What runs is
    allowed to finish, or with `stop_now` is fenced off and becomes ready again."""
    if scope not in Hold.Scope.values:
        raise Refused(f"Cannot pause {scope!r}: use one of {', '.join(Hold.Scope.values)}.")
    _check_target(scope, target, by)
    access.require(by, "pause", Hold(scope=scope, target=target))
    why = _needs_reason(why, "pause")
    now = clock.now()
    try:
        with transaction.atomic():
            store.close_gate()  # no claim may be under way across this commit
            hold = Hold.objects.create(
                scope=scope, target=target, why=why[:300], placed_by=by, placed_at=now, until=until
            )
            log.record(
                "hold.placed",
                by=by,
                task=_held_task(hold),
                hold=hold.pk,
                scope=scope,
                target=target,
                why=why,
                until=until.isoformat() if until else None,
            )
    except IntegrityError:
        hold = Hold.objects.get(scope=scope, target=target, open=1)
    if stop_now:
        stop(hold, by=by, reason=why)
    return hold


def stop(hold: Hold, *, by: str, reason: str) -> int:
    """Fence off everything that runs under a hold: doing -> ready. Returns how many runs were stopped."""
    access.require(by, "pause", hold)
    now = clock.now()
    with transaction.atomic():
        rows = list(under(hold).filter(status=S.DOING).select_related("task"))
        ids = [row.pk for row in rows]
        machine.move(
            Subtask.objects.filter(pk__in=ids),
            "stop",
            fence=F("fence") + 1,
            not_before=now,
            reason=reason[:300],
            max_attempts=F("max_attempts") + 1,
        )
        Run.objects.filter(subtask__in=ids, status=Run.Status.DOING).update(
            status=Run.Status.STOPPED, ended_at=now, error=reason
        )
        machine.touch(Task.objects.filter(pk__in={row.task_id for row in rows}))
        log.write(
            [
                log.line("subtask.stopped", by=by, task=row.task, stage=row.stage, reason=reason)
                for row in rows
            ]
        )
    return len(rows)


def under(hold: Hold) -> Any:
    """The live subtasks that a hold covers."""
    rows = Subtask.objects.filter(live=1)
    match hold.scope:
        case Hold.Scope.WORKFLOW:
            return rows.filter(workflow__slug=hold.target)
        case Hold.Scope.AGENT:
            return rows.filter(agent=hold.target)
        case Hold.Scope.TASK:
            return rows.filter(task__key=hold.target)
    return rows


def resume(hold: Hold, *, by: str) -> Hold:
    """Lift a hold. What was held goes on where it was."""
    access.require(by, "resume", hold)
    now = clock.now()
    with transaction.atomic():
        if Hold.objects.filter(pk=hold.pk, open=1).update(open=None, lifted_at=now, lifted_by=by):
            log.record(
                "hold.lifted",
                by=by,
                task=_held_task(hold),
                hold=hold.pk,
                scope=hold.scope,
                target=hold.target,
            )
            queue.ring()
    hold.refresh_from_db()
    return hold


def lift_due(now: datetime | None = None) -> int:
    """Lift the holds whose `until` has come; returns how many."""
    now = now or clock.now()
    lifted = 0
    for hold in Hold.objects.filter(open=1, until__lte=now):
        with transaction.atomic():
            if Hold.objects.filter(pk=hold.pk, open=1).update(
                open=None, lifted_at=now, lifted_by=hold.placed_by
            ):
                log.record(
                    "hold.lifted",
                    by=hold.placed_by,
                    task=_held_task(hold),
                    hold=hold.pk,
                    scope=hold.scope,
                    target=hold.target,
                )
                queue.ring()
                lifted += 1
    return lifted


def _held_task(hold: Hold) -> Task | None:
    return Task.objects.filter(key=hold.target).first() if hold.scope == Hold.Scope.TASK else None


def _check_target(scope: str, target: str, by: str) -> None:
    """Refuse a name that nobody has, and one of what this person may not see, in the same words."""
    match scope:
        case Hold.Scope.WORKFLOW:
            found = access.seen(Workflow, by).filter(slug=target).exists()
        case Hold.Scope.AGENT:
            found = _agent_exists(target)
        case Hold.Scope.TASK:
            found = access.seen(Task, by).filter(key=target).exists()
        case _:
            found = target == ""
    if not found:
        raise Refused(f"Cannot pause {scope} {target!r}: there is none of that name.")


def _agent_exists(slug: str) -> bool:
    from agents.models import Agent

    return Agent.objects.filter(slug=slug).exists()


# -- Shared -------------------------------------------------------------------------------------------


def _after(row: Subtask, *, by: str, now: datetime, word: str = "") -> None:
    """What follows when a person has ended a stage: successors start, the task may be done."""
    task = row.task
    if word and not row.item:
        machine.touch(Task.objects.filter(pk=task.pk), stage_status=word)
    else:
        _changed(task)
    log.write(arrivals.passed({row.pk}, now=now) + arrivals.complete([task.pk], by=by, now=now))


def _locked(task: Task) -> Task:
    return Task.objects.select_for_update().select_related("workflow_version", "workflow").get(pk=task.pk)


def _changed(task: Task) -> None:
    machine.touch(Task.objects.filter(pk=task.pk))


def _some(task: Task, stage: str, item: str = "") -> Any:
    rows = Subtask.objects.filter(task=task, live=1)
    rows = rows.filter(stage=stage) if stage else rows
    return rows.filter(item=item) if item else rows


def _check_stage(task: Task, stage: str, verb: str, before: str = "") -> None:
    stages = task.workflow_version.stages
    names = [one["name"] for one in stages]
    if stage not in names:
        raise Refused(
            f"Cannot {verb} {task.key} to {stage!r}: its workflow has the stages {', '.join(names)}."
        )
    if before and stage not in upstream(before, stages) | {before}:
        raise Refused(
            f"Cannot {verb} {task.key} to {stage!r}: it does not come before {before}. "
            f"Choose one of {', '.join(sorted(upstream(before, stages)))}."
        )


def _check_open(task: Task, stage: str, verb: str) -> None:
    """Say why nothing moved; silent where the stage is where the verb would have brought it, or has ended."""
    row = _some(task, stage).exclude(status__in=[*Subtask.ENDED, S.READY]).first()
    if row is None:
        return _check_stage(task, stage, verb)
    why = {
        S.DOING: "it runs now. Wait for it, or pause the task and stop what runs",
        S.BLOCKED: "it has not begun. Wait for what it needs",
        S.WAITING: "a person is asked there. Decide the review",
    }[S(row.status)]
    raise Refused(f"Cannot {verb} {stage} of {task.key}: {why}.")


def _needs_reason(reason: str, what: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(f"Cannot {what}: say why in a few words; others will read it.")
    return reason


#: name -> function: what the command line, the API and MCP offer
VERBS: dict[str, Callable[..., Any]] = {
    "approve": approve,
    "send_back": send_back,
    "edit": edit,
    "override": override,
    "rerun_from": rerun_from,
    "retry": retry,
    "skip": skip,
    "cancel": cancel,
    "pause": pause,
    "resume": resume,
    "undo": undo,
    "take": take,
    "put_back": put_back,
    "assign": assign,
}
