"""Finds work that stands still and that nobody would miss: ready and never begun, or waiting for nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tasks import log, notices, outbox
from tasks.models import Event, Notice, Run, Subtask, Task, Worker
from tasks.results import locked
from tasks.store.gate import holds

BY = "orchestrator:silent"
#: A stage that is ready is begun within seconds; a queue that moves begins something in this time.
PATIENCE = timedelta(minutes=10)
AT_ONCE = 200

S = Subtask.Status


def alert(now: datetime) -> int:
    """Return how many stages were found that stand still. What is under a hold is not: its banner tells.

    1. Ready for long, while its agent began nothing else: no worker takes it.
    2. Blocked in a task in which nothing is ready, under way, before a person or expected from outside: what
       it waits for will not come.
    3. Each is told once, with one event and one notice to the operators; a ready one says so until it is
       claimed.
    """
    found = [*_unclaimed(now), *_blocked_for_nothing(now)]
    return sum(_tell(row, why, now) for row, why in found)


def _unclaimed(now: datetime) -> list[tuple[Subtask, str]]:
    began = Run.objects.filter(agent=OuterRef("agent"), started_at__gte=now - PATIENCE)
    rows = _free(now).filter(status=S.READY, not_before__lte=now - PATIENCE).exclude(Exists(began))
    workers = Worker.objects.filter(ended_at=None).count()
    run = (
        "No worker runs."
        if not workers
        else f"{workers} worker{'s' * (workers > 1)} took nothing for its agent."
    )
    return [(row, run) for row in rows[:AT_ONCE]]


def _blocked_for_nothing(now: datetime) -> list[tuple[Subtask, str]]:
    moves = Subtask.objects.filter(Q(status__in=[S.READY, S.DOING, S.WAITING]) | ~Q(awaits=""), live=1)
    lately = Event.objects.filter(task=OuterRef("task"), at__gte=now - PATIENCE)
    rows = _free(now).filter(
        status=S.BLOCKED, spread=None, task__undoing_at=None, task__status=Task.Status.DOING
    )
    rows = rows.exclude(Exists(moves.filter(task=OuterRef("task")))).exclude(Exists(lately))
    first: dict[int, Subtask] = {}
    for row in rows.order_by("task", "position", "pk")[:AT_ONCE]:
        first.setdefault(row.task_id, row)
    return [(row, "Nothing that it waits for is under way.") for row in first.values()]


def _free(now: datetime) -> QuerySet[Subtask]:
    """The rows that say nothing yet of why they wait, and that no hold covers."""
    closed = holds(now)
    if closed.shut:
        return Subtask.objects.none()
    rows = Subtask.objects.filter(live=1, reason="").exclude(task__status=Task.Status.DONE)
    rows = rows.exclude(agent__in=closed.agents).exclude(workflow__in=closed.workflows)
    return rows.exclude(task__in=closed.tasks).select_related("task__workflow")


def _tell(row: Subtask, why: str, now: datetime) -> int:
    stage = row.stage.replace("_", " ")
    text = f"{stage.capitalize()} stands still. {why}"
    if row.status == S.READY:
        lasted = notices.words((now - row.not_before).total_seconds())
        text = f"Nobody has begun {stage} for {lasted}. {why}"
    key = f"silent:{row.pk}:{row.version}:"
    with transaction.atomic():
        # Locked, so that of two orchestrators one tells and the other finds it told.
        same = locked(Subtask.objects.filter(pk=row.pk, version=row.version, status=row.status, live=1))
        if not same.exists() or Notice.objects.filter(key__startswith=key).exists():
            return 0
        if row.status == S.READY:  # until it is claimed
            Subtask.objects.filter(pk=row.pk).update(reason=text[:300])
        outbox.owe(
            "silent", task=row.task, to=["operators"], content={"stage": stage, "why": text}, key=key[:-1]
        )
        log.record("stage.silent", by=BY, task=row.task, stage=row.stage, item=row.item, reason=text)
    return 1
