"""What only people may do. Every door (pages, commands, Slack, API) calls these same functions.

Each verb is one transaction, asks `access` first, guards in the WHERE, writes its event, and may be
called twice: the second call finds the work done and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from . import access, artifacts, clock, lifecycle, log, machine, outbox, queue, reviews, rounds, store
from .machine import Refused
from .models import (
    Artifact,
    Comment,
    Decision,
    Event,
    Finding,
    Hold,
    Notice,
    Review,
    Run,
    Subtask,
    Task,
    Workflow,
)
from .workflow import downstream, upstream

S = Subtask.Status


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
    """Accept what the review asks about: waiting -> done once the undo window has passed.

    Refused where the review does not allow it, or `Stale` where the text or the review changed.
    """
    with transaction.atomic():
        if known := Decision.objects.filter(request_id=request_id).first():
            return known
        review = _decidable(review, "approve", by, artifact_sha256, review_version)
        wait = settings.UNDO_SECONDS if undo_seconds is None else undo_seconds
        decision = _decide(
            review, "approve", by=by, request_id=request_id, note=note, channel=channel, wait=wait
        )
        if decision.released_at is None:
            reviews.close(Review.objects.filter(pk=review.pk), now=decision.decided_at)
        _changed(review.task)
    if wait == 0:
        release(decision, now=clock.now())
        decision.refresh_from_db()
    return decision


def _decidable(review: Review, verb: str, by: str, sha: str | None, version: int | None) -> Review:
    """The review, locked and still open, still about what the person read."""
    access.require(by, verb, review)
    fresh = (
        Review.objects.select_for_update()
        .select_related("task__workflow_version", "task__workflow", "subtask", "artifact")
        .get(pk=review.pk)
    )
    what = f"Cannot {_label(verb)} {fresh.task.key}"
    if fresh.open is None:
        raise Stale(f"{what}: {_closed_sentence(fresh)}", fresh)
    if verb not in fresh.verbs:
        raise Refused(f"{what}: this review can be answered with {', '.join(map(_label, fresh.verbs))}.")
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
    """Record the answer and its event. A quorum not yet reached is counted and released at once."""
    now = clock.now()
    short = verb == "approve" and _approvals(review, by) < review.deciders.get("count", 1)
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
        Review.objects.filter(pk=review.pk).update(version=F("version") + 1)
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


def _approvals(review: Review, by: str) -> int:
    """How many different people have approved exactly this text, `by` included."""
    same = review.decisions.filter(
        verb="approve", artifact_sha256=review.artifact_sha256, undone_at__isnull=True
    )
    return len({*same.values_list("by", flat=True), by})


def release(decision: Decision, *, now: datetime) -> bool:
    """Let an approval take effect: waiting -> done. False where it was undone, was released by another
    process, or a stage that it waits for is still running."""
    with transaction.atomic():
        review = Review.objects.select_related(
            "subtask__task__workflow_version", "subtask__task__workflow"
        ).get(pk=decision.review_id)
        row = review.subtask
        due = Decision.objects.filter(
            pk=decision.pk, released_at__isnull=True, undone_at__isnull=True, release_at__lte=now
        )
        if not due.exists():
            return False
        # The guard: nothing that this approval covers may still be under way (an edit's new rendering).
        ready = Subtask.objects.filter(pk=row.pk, needs_left=0, live=1)
        if not machine.move(ready, "approve", finished_at=now, reason=""):
            return False
        if not due.update(released_at=now):
            raise Refused(f"Cannot release {row.task.key}: the decision was undone at the same moment.")
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
    access.require(by, "undo")
    now = clock.now()
    with transaction.atomic():
        review = decision.review
        rows = Decision.objects.filter(pk=decision.pk, released_at__isnull=True, undone_at__isnull=True)
        if decision.undone_at is None and not rows.update(undone_at=now):
            raise Refused(
                f"Cannot undo: {review.task.key} was released already. Return or override it instead."
            )
        if Review.objects.filter(pk=review.pk, open__isnull=True).update(
            open=1, closed_at=None, version=F("version") + 1
        ):
            log.record(
                "review.undone",
                by=by,
                task=review.task,
                stage=review.subtask.stage,
                review=review.pk,
                verb=decision.verb,
            )
        _changed(review.task)
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
        reviews.close(Review.objects.filter(pk=review.pk), now=decision.decided_at)
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
        log.write(lifecycle.let_go(ready, now=decision.decided_at))
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
    access.require(by, "comment")
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
    access.require(by, "comment")
    with transaction.atomic():
        gone, _ = Comment.objects.filter(pk=made.pk, by=by, number__isnull=True).delete()
        if gone:
            log.record("comment.removed", by=by, task=made.task, comment=made.pk)
        elif Comment.objects.filter(pk=made.pk).exists():
            raise Refused("Cannot remove this comment: it was sent with a return, or it is somebody else's.")


def judge(finding: Finding, *, by: str, state: str) -> None:
    """Agree with a reviewer's finding, or dispute it."""
    access.require(by, "judge")
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
        seen = Coalesce("first_seen_at", now)
        if not rows.update(owner=by, taken_until=now + timedelta(minutes=30), first_seen_at=seen):
            return False
        log.record("review.taken", by=by, task=review.task, review=review.pk)
    return True


def assign(review: Review, *, by: str, to: str) -> None:
    """Reassign a review: `to` owns it now."""
    access.require(by, "assign", review)
    if why_not := access.reason(to, "approve", review):
        raise Refused(f"Cannot reassign to {to.removeprefix('user:')}: {why_not}")
    with transaction.atomic():
        Review.objects.filter(pk=review.pk, open=1).update(owner=to, taken_until=None)
        log.record("review.assigned", by=by, task=review.task, review=review.pk, to=to)


def edit(
    task: Task,
    *,
    by: str,
    text: str,
    kind: str = "draft",
    base_sha256: str | None = None,
    review: Review | None = None,
) -> Artifact:
    """Change a text by hand: a new version, never a changed one. What was built on the old one is
    stale; before an open gate the deterministic stages render the new one at once."""
    access.require(by, "edit", review)
    now = clock.now()
    with transaction.atomic():
        task = Task.objects.select_for_update().select_related("workflow_version").get(pk=task.pk)
        old = artifacts.latest(task, kind)
        if old is None:
            raise Refused(f"Cannot edit {kind} of {task.key}: there is none yet.")
        text = text.replace("\r\n", "\n")
        if old.text == text:
            return old
        if base_sha256 is not None and base_sha256 != old.sha256:
            raise Stale(
                f"Cannot save your edit of {task.key}: {kind} {old.number} arrived while you wrote. "
                "Your text is kept below; compare and save again.",
                review or Review(task=task),
            )
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
        _mark_stale(task, old, keep=new, now=now)
        log.record(
            "artifact.edited",
            by=by,
            task=task,
            stage=old.stage,
            kind=kind,
            number=new.number,
            sha256=new.sha256,
            base=old.sha256,
        )
        open_reviews = Review.objects.filter(task=task, open=1, artifact__kind=kind)
        gates = list(open_reviews.filter(kind=Review.Kind.GATE).select_related("subtask"))
        open_reviews.update(artifact=new, artifact_sha256=new.sha256, version=F("version") + 1)
        for gate in gates:
            _render_again(task, old, gate.subtask, by=by, now=now)
        _changed(task)
    return new


def _mark_stale(task: Task, old: Artifact, *, keep: Artifact, now: datetime) -> None:
    """Everything that was made from the old version, directly or not, is stale from now."""
    # Followed in Python: SQLite has no JSON containment, and a task has a few dozen artifacts at most.
    rows = list(Artifact.objects.filter(task=task).exclude(pk=keep.pk).order_by("id"))
    old_ones = {old.sha256}
    stale = []
    for row in rows:
        if old_ones & set(row.built_on):
            old_ones.add(row.sha256)
            stale.append(row.pk)
    Artifact.objects.filter(pk__in=stale, stale_since__isnull=True).update(stale_since=now)


def _render_again(task: Task, old: Artifact, gate: Subtask, *, by: str, now: datetime) -> None:
    """Run again what stands between the edited text and its gate and needs no judgement: deterministic
    stages, and whatever writes files, so that no page of an older text can be released. The release
    waits for them; no second notice is owed."""
    stages = task.workflow_version.stages
    between = set(downstream(old.stage, stages)) & upstream(gate.stage, stages)
    again = [
        stage["name"]
        for stage in stages
        if stage["name"] in between and (stage["output"] or deterministic(stage["agent"]))
    ]
    if again:
        ready = rounds.again(task, again[0], now=now, requests=[], only=set(again))
        log.write(lifecycle.let_go(ready, now=now))


def deterministic(agent: str) -> bool:
    """Whether an agent's role gives the same work for the same brief, without a model."""
    from agents import registry
    from agents.models import Agent

    found = Agent.objects.select_related("active").filter(slug=agent).first()
    return bool(found and found.active and registry.role(found.active.definition["role"]).deterministic)


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
        skipped = upstream(stage, task.workflow_version.stages)
        _end_open(task.subtasks.filter(live=1, stage__in=skipped), "skip_open", now=now, reason=reason)
        machine.move_task(Task.objects.filter(pk=task.pk), "reopen", started_at=task.started_at or now)
        ready = rounds.again(task, stage, now=now, requests=[])
        log.record("task.overridden", by=by, task=task, stage=stage, round=task.round, reason=reason, was=was)
        log.write(lifecycle.let_go(ready, now=now))
    return task


def rerun_from(task: Task, *, by: str, stage: str, reason: str) -> Task:
    """Run a stage and all later ones again, as a new round; what was made stays."""
    access.require(by, "rerun_from", task)
    reason = _needs_reason(reason, f"run {task.key} again")
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        _check_stage(task, stage, "run again")
        machine.move_task(Task.objects.filter(pk=task.pk), "reopen", started_at=task.started_at or now)
        ready = rounds.again(task, stage, now=now, requests=[])
        log.record("task.rerun", by=by, task=task, stage=stage, round=task.round, reason=reason)
        log.write(lifecycle.let_go(ready, now=now))
    return task


def retry(task: Task, *, by: str, stage: str = "", reason: str = "") -> int:
    """Let what waits after a failure, or for its next attempt, try again now. Returns how many stages."""
    access.require(by, "retry", task)
    now = clock.now()
    with transaction.atomic():
        again = Q(status=S.READY, not_before__gt=now) | Q(status=S.WAITING, reviews__open=1)
        rows = _some(task, stage).filter(again).exclude(agent="human")
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
            log.record("subtask.retry", by=by, task=task, stage=stage, reason=reason)
            queue.ring()
    return moved


def skip(task: Task, *, by: str, stage: str, reason: str) -> int:
    """Go on without a stage: waiting, ready or blocked -> skipped; what waited for it may start."""
    access.require(by, "skip", task)
    reason = _needs_reason(reason, f"skip {stage} of {task.key}")
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        row = task.subtasks.filter(live=1, stage=stage).first()
        if row is None:
            _check_stage(task, stage, "skip")
            return 0
        reviews.close(Review.objects.filter(subtask=row), now=now)
        if not machine.move(Subtask.objects.filter(pk=row.pk), "skip", finished_at=now, reason=reason[:300]):
            return 0
        log.record("subtask.skipped", by=by, task=task, stage=stage, reason=reason)
        _after(row, by=by, now=now)
    return 1


def cancel(task: Task, *, by: str, reason: str = "") -> Task:
    """Stop a task for good: everything open is cancelled, what runs is fenced off, nothing is deleted."""
    access.require(by, "cancel", task)
    now = clock.now()
    with transaction.atomic():
        task = _locked(task)
        _end_open(task.subtasks.filter(live=1), "cancel", now=now, reason=reason)
        if machine.move_task(
            Task.objects.filter(pk=task.pk), "cancel", done_at=now, outcome=Task.Ending.CANCELLED
        ):
            Notice.objects.filter(task=task, state=Notice.State.PENDING).update(
                state=Notice.State.DEAD, error=f"{task.key} was cancelled before it was sent."
            )
            log.record("task.cancelled", by=by, task=task, reason=reason)
        task.refresh_from_db()
    return task


def _end_open(rows: Any, verb: str, *, now: datetime, reason: str) -> None:
    ids = list(rows.filter(status__in=Subtask.OPEN).values_list("pk", flat=True))
    Run.objects.filter(subtask__in=ids, status=Run.Status.DOING).update(
        status=Run.Status.STOPPED, ended_at=now, error=reason
    )
    reviews.close(Review.objects.filter(subtask__in=ids), now=now)
    Decision.objects.filter(review__subtask__in=ids, released_at=None, undone_at=None).update(undone_at=now)
    machine.move(Subtask.objects.filter(pk__in=ids), verb, finished_at=now, reason=reason[:300])


# -- Hold ----------------------------------------------------------------------------------------------


def pause(
    scope: str, target: str = "", *, by: str, why: str, until: datetime | None = None, stop_now: bool = False
) -> Hold:
    """Place a hold: nothing under it is claimed and nothing leaves after this commits. What runs is
    allowed to finish, or with `stop_now` is fenced off and becomes ready again."""
    access.require(by, "pause")
    if scope not in Hold.Scope.values:
        raise Refused(f"Cannot pause {scope!r}: use one of {', '.join(Hold.Scope.values)}.")
    _check_target(scope, target)
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
    access.require(by, "pause")
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
    access.require(by, "resume")
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


def _check_target(scope: str, target: str) -> None:
    match scope:
        case Hold.Scope.WORKFLOW:
            found = Workflow.objects.filter(slug=target).exists()
        case Hold.Scope.AGENT:
            found = _agent_exists(target)
        case Hold.Scope.TASK:
            found = Task.objects.filter(key=target).exists()
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
    if word:
        machine.touch(Task.objects.filter(pk=task.pk), stage_status=word)
    else:
        _changed(task)
    events: list[Event] = lifecycle.let_go(store.unblock({row.pk}, now), now=now)
    log.write(events + lifecycle.complete([task.pk], by=by, now=now))


def _locked(task: Task) -> Task:
    return Task.objects.select_for_update().select_related("workflow_version", "workflow").get(pk=task.pk)


def _changed(task: Task) -> None:
    machine.touch(Task.objects.filter(pk=task.pk))


def _some(task: Task, stage: str) -> Any:
    rows = Subtask.objects.filter(task=task, live=1)
    return rows.filter(stage=stage) if stage else rows


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
    "assign": assign,
}
