"""Lays the rows of a task's stages, and lays them again when work goes back: a new round.

Old rows are never changed into new ones: they end as superseded and stay readable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from . import machine
from .models import Decision, Need, Review, Run, Subtask, Task
from .workflow.graph import UNDO, downstream, upstream
from .workflow.shape import ENGINE, HUMAN

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
    kept = {row.stage: row for row in task.subtasks.filter(live=1, item="")}
    new = {row.stage: row for row in rows}
    edges: list[tuple[Subtask, Subtask]] = []
    for stage in wanted:
        for name in _awaited(stage, new, version.stages):
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


def _awaited(stage: dict[str, Any], new: Mapping[str, Any], stages: list[dict[str, Any]]) -> list[str]:
    """What a row waits for: the stage's needs, and past those that were kept whatever is laid anew before
    them."""
    needs = list(stage["needs"])
    behind = {name for need in needs if need not in new for name in upstream(need, stages) if name in new}
    return needs + sorted(behind)


def lay_items(row: Subtask, values: list[Any], *, limit: int | None, now: datetime) -> list[Subtask]:
    """One row per item of a stage that fans out; the stage's own row needs all of them.

    With a `limit` item i needs item i - limit, which keeps as many lanes as may be open at once without
    any counter that could drift; a lane whose item waits for a person does not stop the others.
    """
    lanes = limit or len(values)
    rows = [
        Subtask(
            task_id=row.task_id, workflow_id=row.workflow_id, stage=row.stage, position=row.position,
            item=f"{number:05}", round=row.round, agent=row.agent, done_as=row.done_as,
            priority=row.priority, not_before=now, requests=row.requests, max_attempts=row.max_attempts,
            given=value, status=S.READY if number <= lanes else S.BLOCKED,
            needs_left=0 if number <= lanes else 1,
        )
        for number, value in enumerate(values, start=1)
    ]  # fmt: skip
    Subtask.objects.bulk_create(rows, batch_size=500)
    mine = Subtask.objects.filter(task=row.task_id, stage=row.stage, live=1).exclude(item="")
    laid = list(mine.order_by("item").defer("given"))  # read back: MariaDB returned no keys
    edges = [Need(subtask=row, on=item) for item in laid]
    edges += [Need(subtask=item, on=laid[place]) for place, item in enumerate(laid[lanes:])]
    Need.objects.bulk_create(edges, batch_size=1000)
    return laid


def lay_undo(task: Task, effects: Iterable[Subtask], *, why: str, now: datetime) -> list[Subtask]:
    """One row per effect that is taken back, each waiting for the one before it. Returns the first."""
    laid: list[Subtask] = []
    for done in effects:
        stage = task.workflow_version.stage(done.stage + UNDO)
        row = Subtask(
            task=task, workflow_id=task.workflow_id, stage=stage["name"], position=done.position,
            item=done.item, round=task.round, agent=stage["agent"], done_as=stage["done_as"],
            priority=10, not_before=now, max_attempts=stage["retry"]["times"],
            given={"item": done.given, "why": why},
            status=S.BLOCKED if laid else S.READY, needs_left=1 if laid else 0,
        )  # fmt: skip
        row.save(force_insert=True)
        if laid:
            Need.objects.create(subtask=row, on=laid[-1])
        laid.append(row)
    return laid[:1]


def end_open(rows: Any, verb: str, *, now: datetime, reason: str) -> None:
    """End the open ones of these rows by `verb` (cancel or skip_open): what runs is fenced off, what
    waits for a person is closed, a decision not yet released is void."""
    ids = list(rows.filter(status__in=Subtask.OPEN).values_list("pk", flat=True))
    Run.objects.filter(subtask__in=ids, status=Run.Status.DOING).update(
        status=Run.Status.STOPPED, ended_at=now, error=reason
    )
    close_reviews(ids, now=now)
    machine.move(
        Subtask.objects.filter(pk__in=ids),
        verb,
        finished_at=now,
        reason=reason[:300],
        awaits="",
        needs_left=0,
    )


def close_reviews(ids: Iterable[int], *, now: datetime) -> None:
    """Nobody is asked about these rows any more, and a decision not yet released is void: undoing it later
    must not ask again."""
    rows = list(ids)
    Review.objects.filter(subtask__in=rows, open=1).update(open=None, closed_at=now, version=F("version") + 1)
    Decision.objects.filter(review__subtask__in=rows, released_at=None, undone_at=None).update(undone_at=now)


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
        agent=stage["agent"] or ENGINE,
        done_as=stage["done_as"],
        priority=max(-10, min(10, task.priority + stage.get("priority", 0))),
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
    old = task.subtasks.filter(Q(stage__in=names) | Q(stage__endswith=UNDO), live=1)
    ids = list(old.values_list("pk", flat=True))
    Run.objects.filter(subtask__in=ids, status=Run.Status.DOING).update(
        status=Run.Status.STOPPED, ended_at=now
    )
    close_reviews(ids, now=now)
    machine.move(old, "supersede", finished_at=now, awaits="")
    task.round = _next_round(task)
    task.undoing_at = None  # whoever begins a new round has decided that the task goes on
    Task.objects.filter(pk=task.pk).update(round=task.round, undoing_at=None, version=F("version") + 1)
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
    new = {row.stage: row for row in task.subtasks.filter(live=1, stage__in=names, item="")}
    for stage in task.workflow_version.stages:
        waiting = task.subtasks.filter(
            live=1, stage=stage["name"], item="", status__in=[S.BLOCKED, S.WAITING]
        ).first()
        if waiting is None or stage["name"] in new:
            continue
        edges = [
            Need(subtask=waiting, on=new[name]) for name in _all_needs(task, stage["name"]) if name in new
        ]
        Need.objects.bulk_create(edges)
        # Counted anew: what was superseded just now may itself have been waited for.
        left = Need.objects.filter(subtask=waiting, on__status__in=Subtask.OPEN).count()
        Subtask.objects.filter(pk=waiting.pk).update(needs_left=left)


def _all_needs(task: Task, name: str) -> set[str]:
    return upstream(name, task.workflow_version.stages)


def is_human(row: Subtask) -> bool:
    """Whether a person, not an agent, does this stage."""
    return row.agent == HUMAN
