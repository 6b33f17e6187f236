"""Work moved by hand: override, run again, retry, skip, cancel. All that was stays readable."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from tasks import access, arrivals, clock, compensation, log, machine, queue, rounds
from tasks.machine import Refused
from tasks.models import Review, Subtask, Task
from tasks.people import policy, reviews
from tasks.workflow import downstream, upstream

from .shared import changed, check_open, check_stage, live_rows, locked, needs_reason

S = Subtask.Status


def override(task: Task, *, by: str, stage: str, reason: str, seen_round: int | None = None) -> Task:
    """Move a task to any stage, whatever it waits for: open stages before it are skipped, it and all
    later ones begin a new round. Needs a reason; destroys nothing.

    `seen_round` is the round that the person saw: where the stage has begun anew since, a second click of
    the same form changes nothing.
    """
    access.require(by, "override", task)
    reason = needs_reason(reason, f"override {task.key}")
    now = clock.now()
    with transaction.atomic():
        task = locked(task)
        check_stage(task, stage, "move")
        if _has_begun(task, stage, since=seen_round):
            return task
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


def rerun_from(task: Task, *, by: str, stage: str, reason: str, seen_round: int | None = None) -> Task:
    """Run a stage and all later ones again, as a new round; what was made stays. What was cancelled before
    it was done runs first: without it the stage would wait for ever. `seen_round`: see `override`."""
    access.require(by, "rerun_from", task)
    reason = needs_reason(reason, f"run {task.key} again")
    now = clock.now()
    with transaction.atomic():
        task = locked(task)
        check_stage(task, stage, "run again")
        if _has_begun(task, stage, since=seen_round):
            return task
        machine.move_task(Task.objects.filter(pk=task.pk), "reopen", started_at=task.started_at or now)
        never = _cancelled_before(task, stage)
        ready = rounds.again(task, stage, now=now, requests=[], only=_from(task, stage, never))
        log.record("task.rerun", by=by, task=task, stage=stage, round=task.round, reason=reason)
        log.write(arrivals.arrive(ready, now=now, named=[stage]))
    return task


def _has_begun(task: Task, stage: str, *, since: int | None) -> bool:
    """Whether the stage was laid anew after this round, by whomever; False where nobody says a round."""
    return since is not None and task.subtasks.filter(live=1, stage=stage, round__gt=since).exists()


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
        task = locked(task)
        stuck = Q(status=S.READY, not_before__gt=now) | Q(status=S.WAITING, reviews__open=1)
        rows = live_rows(task, stage, item).filter(stuck).exclude(agent="human")
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
            changed(task)
            log.record("subtask.retry", by=by, task=task, stage=stage, item=item, reason=reason)
            # What no worker simply claims, a fan-out or a child task, takes its course again.
            again = list(Subtask.objects.filter(pk__in=ids, status=S.READY))
            log.write(arrivals.arrive(again, now=now, named={row.stage for row in again}))
            queue.ring()
        elif stage:
            check_open(task, stage, "retry")
    return moved


def skip(task: Task, *, by: str, stage: str, reason: str, item: str = "") -> int:
    """Go on without a stage: waiting, ready or blocked -> skipped; what waited for it may start."""
    access.require(by, "skip", task)
    reason = needs_reason(reason, f"skip {stage} of {task.key}")
    now = clock.now()
    with transaction.atomic():
        task = locked(task)
        if not task.subtasks.filter(live=1).exclude(status=S.BLOCKED).exists():
            # Still in the backlog: its later stages would begin, and its first ones never.
            raise Refused(f"Cannot skip {stage} of {task.key}: it has not begun. Start it first, then skip.")
        rows = list(live_rows(task, stage, item).filter(status__in=Subtask.OPEN).order_by("item"))
        if not rows:
            check_stage(task, stage, "skip")
            return 0
        # Of a stage that fans out, the items that wait for a person are meant; without any, all of it.
        rows = [row for row in rows if row.status == S.WAITING] or rows
        skipped = {row.pk for row in rows if _skip(row, reason, now)}
        if not skipped:
            check_open(task, stage, "skip")
            return 0
        changed(task)
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
        task = locked(task)
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
