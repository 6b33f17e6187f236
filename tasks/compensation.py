"""Compensation: takes back, newest first, what a task has done in the world, before it ends.

Every stage with an `undo` that was ever started counts, also one that failed: its effect may have
happened although its answer was lost. Only one whose agent never got further than to ask leave for its call
has surely done nothing. Each is undone by a row of its own, one after the other, tried
again like any stage; who undoes must bear being asked twice, and being asked before the deed arrives.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from agents.contract import CALL

from . import arrivals, log, machine, rounds
from .models import Artifact, Event, Notice, Run, Subtask, Task
from .workflow import graph

S = Subtask.Status


def effects(task: Task) -> list[Subtask]:
    """The rows whose effect would have to be taken back, newest first. A stage is newer than what it needed,
    even where the clock was set back in between."""
    stages = [stage["name"] for stage in task.workflow_version.stages if stage.get("undo")]
    if not stages or task.undoing_at:
        return []
    only_asked = Artifact.objects.filter(run=OuterRef("pk"), kind=CALL)
    may_have = Run.objects.filter(~Exists(only_asked), subtask=OuterRef("pk"))
    mine = task.subtasks.filter(Q(status=S.DONE) | Exists(may_have), live=1, stage__in=stages, spread=None)
    rows = list(mine.order_by(Coalesce("finished_at", "started_at"), "position", "item", "pk"))
    needed = {row.stage: graph.upstream(row.stage, task.workflow_version.stages) for row in rows}
    left, oldest_first = Counter(row.stage for row in rows), list[Subtask]()
    while rows:
        place = next(n for n, row in enumerate(rows) if not needed[row.stage] & left.keys())
        oldest_first.append(rows.pop(place))
        left -= Counter([oldest_first[-1].stage])
    return oldest_first[::-1]


def begin(task: Task, *, why: str, by: str, now: datetime, failed: Subtask | None = None) -> list[Event]:
    """End a task by taking back what it did: everything open is cancelled, then each effect is undone.

    Returns the events. The task ends as cancelled when the last is undone; with none, it ends now.
    """
    rows = effects(task)
    rounds.end_open(task.subtasks.filter(live=1), "cancel", now=now, reason=why)
    withdrawn = withdraw_notices(task, by=by)
    machine.touch(Task.objects.filter(pk=task.pk), undoing_at=now)
    task.undoing_at = now
    events = [
        log.line(
            "task.undoing", by=by, task=task, why=why, stage=failed.stage if failed else "",
            stages=[row.stage for row in rows],
        )
    ]  # fmt: skip
    first = rounds.lay_undo(task, rows, why=why, now=now)
    followed = [*arrivals.arrive(first, now=now), *arrivals.complete([task.pk], by=by, now=now)]
    return [*withdrawn, *events, *followed]


def withdraw_notices(task: Task, *, by: str) -> list[Event]:
    """What was not sent yet of a task that is over is not sent any more. Returns the events."""
    pending = list(Notice.objects.filter(task=task, state=Notice.State.PENDING).order_by("pk"))
    why = f"{task.key} was cancelled before it was sent."
    events = []
    for notice in pending:
        mine = Notice.objects.filter(pk=notice.pk, state=Notice.State.PENDING)
        if mine.update(state=Notice.State.DEAD, error=why):
            about = {"kind": notice.kind, "carrier": notice.carrier, "recipient": notice.recipient}
            events.append(log.line("notice.dead", by=by, task=task, notice=notice.pk, error=why, **about))
    return events
