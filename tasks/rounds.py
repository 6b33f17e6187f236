"""Lays the rows of a task's stages, and lays them again when work goes back: a new round.

Old rows are never changed into new ones: they end as superseded and stay readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import F

from . import machine
from .models import Need, Review, Run, Subtask, Task
from .workflow import HUMAN, downstream, upstream

S = Subtask.Status


def lay(
    task: Task, stages: Iterable[str], *, now: datetime, go: bool, requests: list[dict[str, Any]]
) -> list[Subtask]:
    """Create the current rows of `stages` (in the order of the file) for the task's round.

    A row that needs nothing open is `ready` where `go`, all others are `blocked`. Returns the ready rows.
    """
    version = task.workflow_version
    wanted = [stage for stage in version.stages if stage["name"] in set(stages)]
    rows = [_row(task, stage, position, now, requests) for position, stage in _placed(version.stages, wanted)]
    kept = {row.stage: row for row in task.subtasks.filter(live=1)}
    new = {row.stage: row for row in rows}
    edges: list[tuple[Subtask, Subtask]] = []
    for stage in wanted:
        for name in stage["needs"]:
            on = new.get(name) or kept.get(name)
            if on is not None and on.status not in Subtask.PASSED:
                edges.append((new[stage["name"]], on))
    for row, _ in edges:
        row.needs_left += 1
    for row in rows:
        row.status = S.READY if go and not row.needs_left else S.BLOCKED
    for row in rows:  # not bulk_create: MariaDB does not return the keys that the edges need
        row.save(force_insert=True)
    Need.objects.bulk_create([Need(subtask=row, on=on) for row, on in edges])
    return [row for row in rows if row.status == S.READY]


def _placed(stages: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    names = [stage["name"] for stage in stages]
    return [(names.index(stage["name"]), stage) for stage in wanted]


def _row(
    task: Task, stage: dict[str, Any], position: int, now: datetime, requests: list[dict[str, Any]]
) -> Subtask:
    return Subtask(
        task=task,
        workflow_id=task.workflow_id,
        stage=stage["name"],
        position=position,
        round=task.round,
        agent=stage["agent"],
        done_as=stage["done_as"],
        priority=task.priority,
        not_before=now,
        requests=requests,
        max_attempts=stage["retry"]["times"],
    )


def again(
    task: Task, start: str, *, now: datetime, requests: list[dict[str, Any]], only: set[str] | None = None
) -> list[Subtask]:
    """Begin a new round from stage `start`: its rows and those of all later stages are superseded and
    laid anew (only those in `only`, where given). Returns the rows that are ready now.

    What ran for a superseded row is fenced off by that: its result will find no row in `doing`.
    """
    stages = task.workflow_version.stages
    later = downstream(start, stages)
    names = later if only is None else [stage["name"] for stage in stages if stage["name"] in only]
    old = task.subtasks.filter(live=1, stage__in=names)
    ids = list(old.values_list("pk", flat=True))
    Run.objects.filter(subtask__in=ids, status=Run.Status.DOING).update(
        status=Run.Status.STOPPED, ended_at=now
    )
    Review.objects.filter(subtask__in=ids, open=1).update(open=None, closed_at=now, version=F("version") + 1)
    machine.move(old, "supersede", finished_at=now)
    task.round = _next_round(task)
    Task.objects.filter(pk=task.pk).update(round=task.round, version=F("version") + 1)
    ready = lay(task, names, now=now, go=True, requests=requests)
    _relink(task, names, only)
    return ready


def _next_round(task: Task) -> int:
    last = task.subtasks.order_by("-round").values_list("round", flat=True).first() or 0
    return last + 1


def _relink(task: Task, names: list[str], only: set[str] | None) -> None:
    """Where only some stages were laid anew, what waits for them must wait for the new rows."""
    if only is None:
        return
    new = {row.stage: row for row in task.subtasks.filter(live=1, stage__in=names)}
    for stage in task.workflow_version.stages:
        waiting = task.subtasks.filter(live=1, stage=stage["name"], status__in=[S.BLOCKED, S.WAITING]).first()
        if waiting is None or stage["name"] in new:
            continue
        edges = [
            Need(subtask=waiting, on=new[name]) for name in _all_needs(task, stage["name"]) if name in new
        ]
        Need.objects.bulk_create(edges)
        Subtask.objects.filter(pk=waiting.pk).update(needs_left=F("needs_left") + len(edges))


def _all_needs(task: Task, name: str) -> set[str]:
    return upstream(name, task.workflow_version.stages)


def is_human(row: Subtask) -> bool:
    """Whether a person, not an agent, does this stage."""
    return row.agent == HUMAN
