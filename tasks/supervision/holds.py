"""Pause with meaning: place a hold, stop what runs under it, lift it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from tasks import access, clock, log, machine, queue, store
from tasks.machine import Refused
from tasks.models import Hold, Run, Subtask, Task, Workflow

from .shared import needs_reason

S = Subtask.Status


def pause(
    scope: str, target: str = "", *, by: str, why: str, until: datetime | None = None, stop_now: bool = False
) -> Hold:
    """Place a hold: nothing under it is claimed and nothing leaves after this commits. What runs is
    allowed to finish, or with `stop_now` is fenced off and becomes ready again."""
    if scope not in Hold.Scope.values:
        raise Refused(f"Cannot pause {scope!r}: use one of {', '.join(Hold.Scope.values)}.")
    _check_target(scope, target, by)
    access.require(by, "pause", Hold(scope=scope, target=target))
    why = needs_reason(why, "pause")
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
