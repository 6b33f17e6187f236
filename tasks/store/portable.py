"""Claim, settle and unblock on the ORM: SQLite, PostgreSQL, MariaDB and MySQL.

Rows are locked before they are changed (SQLite: the IMMEDIATE transaction is the lock), the guard stands
in the WHERE of the change all the same, and the number of changed rows is compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from tasks import log, machine
from tasks.history import changes
from tasks.models import Event, Need, Run, Subtask, Task, Worker

from .gate import Gate, enter
from .held import Held
from .rows import insert, update

S = Subtask.Status

#: what a run gets to know after its claim
RUN_FIELDS = (
    "status", "ended_at", "brief", "summary", "error", "tokens_in", "tokens_out", "cost_usd", "notes",
)  # fmt: skip


class Disturbed(Exception):
    """Somebody else changed a row between look and change; the transaction must be tried again."""


def claim(worker: Worker, limit: int, now: datetime) -> list[tuple[Subtask, Run]]:
    """See `tasks.store.claim`."""
    gate = enter(worker, now)
    taken: list[Subtask] = []
    while not gate.shut and len(taken) < limit:
        picked = list(_pick(gate, limit - len(taken), now))
        admitted = gate.admit(picked)
        _take(admitted, worker, now)
        taken += admitted
        if len(admitted) == len(picked):
            break  # else: some agent is full; look once more without it
    return _begin(taken, worker, gate, now) if taken else []


def _pick(gate: Gate, limit: int, now: datetime) -> QuerySet[Subtask]:
    rows = Subtask.objects.filter(status=S.READY, not_before__lte=now).exclude(agent__in=gate.closed_agents)
    if gate.workflows:
        rows = rows.exclude(workflow__in=gate.workflows)
    if gate.tasks:
        rows = rows.exclude(task__in=gate.tasks)
    return _locked(rows.order_by("-priority", "not_before", "id"), skip=True)[:limit]


def _locked(rows: QuerySet[Subtask], *, skip: bool = False) -> QuerySet[Subtask]:
    features = connection.features
    if not features.has_select_for_update:
        return rows
    return rows.select_for_update(skip_locked=skip and features.has_select_for_update_skip_locked)


def _take(rows: Sequence[Subtask], worker: Worker, now: datetime) -> None:
    if not rows:
        return
    values = {"worker": worker, "started_at": now, "reason": ""}
    moved = machine.move(
        changes.told(Subtask).filter(pk__in=[row.pk for row in rows]),
        "claim", fence=F("fence") + 1, attempts=F("attempts") + 1, **values,
    )  # fmt: skip
    if moved != len(rows):
        raise Disturbed(f"Claimed {moved} of {len(rows)} subtasks; another worker took the others meanwhile.")
    for row in rows:
        row.fence, row.attempts, row.version = row.fence + 1, row.attempts + 1, row.version + 1
        row.status, row.worker, row.started_at, row.reason = S.DOING, worker, now, ""


def _begin(rows: list[Subtask], worker: Worker, gate: Gate, now: datetime) -> list[tuple[Subtask, Run]]:
    """Begin the tasks, note the runs and say so in the log."""
    ids = {row.task_id for row in rows}
    begun = changes.told(Task).filter(pk__in=ids)
    backlog = begun.filter(status=Task.Status.BACKLOG)
    machine.move_task(backlog, "begin", started_at=Coalesce("started_at", now))
    machine.touch(begun)
    tasks = Task.objects.in_bulk(ids)
    for row in rows:
        row.task = tasks[row.task_id]
    runs = [a_run(row, worker, gate, now) for row in rows]
    insert(runs)
    _read_keys(runs)
    log.write(
        log.line("subtask.claimed", by=f"agent:{row.agent}", task=row.task, stage=row.stage, agent=row.agent,
                 attempt=row.attempts, worker=worker.name, subtask=row.pk, item=row.item, fence=row.fence,
                 run=run.pk, version=run.agent_version)
        for row, run in zip(rows, runs, strict=True)
    )  # fmt: skip
    return list(zip(rows, runs, strict=True))


def a_run(row: Subtask, worker: Worker, gate: Gate, now: datetime) -> Run:
    """The unsaved run of a subtask that has just been claimed."""
    return Run(
        task_id=row.task_id, subtask=row, fence=row.fence, agent=row.agent, worker_name=worker.name,
        started_at=now, agent_version=gate.versions.get(row.agent),
    )  # fmt: skip


def _read_keys(runs: list[Run]) -> None:
    fences = {run.subtask_id: run for run in runs}
    stored = Run.objects.filter(subtask__in=list(fences), status=Run.Status.DOING)
    for pk, subtask, fence in stored.values_list("pk", "subtask", "fence"):
        if fences[subtask].fence == fence:
            fences[subtask].pk = pk


def settle(held: Sequence[Held], now: datetime) -> set[int]:
    """See `tasks.store.settle`."""
    rows = changes.told(Subtask).filter(_holds(held), status=S.DOING)
    accepted = set(_locked(rows.order_by("pk")).values_list("pk", flat=True))
    moved = machine.move(rows.filter(pk__in=accepted), "finish", finished_at=now, reason="")
    if moved != len(accepted):
        raise Disturbed(f"Settled {moved} of {len(accepted)} subtasks; somebody moved the others meanwhile.")
    return accepted


def _holds(held: Sequence[Held]) -> Q:
    """Matches the rows whose fence is the given one. Fences are few (mostly 1), so this stays short."""
    by_fence: dict[int, list[int]] = defaultdict(list)
    for subtask_id, fence in held:
        by_fence[fence].append(subtask_id)
    guard = Q()
    for fence, ids in by_fence.items():
        guard |= Q(fence=fence, pk__in=ids)
    return guard


def unblock(done: Collection[int], now: datetime) -> list[Subtask]:
    """See `tasks.store.unblock`."""
    fewer = Counter(Need.objects.filter(on__in=list(done)).values_list("subtask", flat=True))
    if not fewer:
        return []
    # A gate that already waits for a person counts too: its release waits for a new rendering.
    waiting = Subtask.objects.filter(pk__in=list(fewer), status__in=[S.BLOCKED, S.WAITING])
    rows = list(_locked(waiting.order_by("pk")))
    by_count: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        by_count[fewer[row.pk]].append(row.pk)
    for count, ids in by_count.items():
        Subtask.objects.filter(pk__in=ids).update(needs_left=F("needs_left") - count)
    free = [row.pk for row in rows if row.needs_left == fewer[row.pk] and row.status == S.BLOCKED]
    machine.move(changes.told(Subtask).filter(pk__in=free), "unblock", not_before=now)
    fields = ("id", "task_id", "stage", "agent", "status")
    return list(Subtask.objects.filter(pk__in=free).only(*fields).order_by("pk")) if free else []


def write_runs(runs: Sequence[Run]) -> None:
    """See `tasks.store.write_runs`."""
    update(runs, RUN_FIELDS, where="status IN ('doing', 'lost', 'stopped')")


def write_events(events: Sequence[Event]) -> None:
    """See `tasks.store.write_events`."""
    insert(events)
