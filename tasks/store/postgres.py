"""Claim, settle and unblock on PostgreSQL, one statement each.

The same moves as `portable`, guard in the WHERE, with `FOR UPDATE SKIP LOCKED ... RETURNING`: a batch
costs a handful of round trips instead of a dozen.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from tasks.models import Event, Run, Subtask, Task, Worker

from .gate import Gate, enter
from .held import Held
from .portable import RUN_FIELDS, a_run

CLAIM = """
WITH picked AS (
  SELECT id, agent, priority, not_before FROM tasks_subtask
  WHERE status = 'ready' AND not_before <= %(now)s AND agent <> ALL(%(agents)s)
    AND workflow_id <> ALL(%(workflows)s) AND task_id <> ALL(%(tasks)s)
  ORDER BY priority DESC, not_before, id
  LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), ranked AS (
  SELECT picked.id, slot.free,
         row_number() OVER (PARTITION BY agent ORDER BY priority DESC, not_before, picked.id) AS n
  FROM picked
  LEFT JOIN unnest(%(slot_agents)s::text[], %(slot_free)s::int[]) AS slot(agent, free) USING (agent)
), taken AS (
  UPDATE tasks_subtask AS s
  SET status = 'doing', worker_id = %(worker)s, fence = fence + 1, attempts = attempts + 1,
      started_at = %(now)s, reason = '', version = version + 1
  FROM ranked
  WHERE s.id = ranked.id AND s.status = 'ready' AND (ranked.free IS NULL OR ranked.n <= ranked.free)
  RETURNING s.*
), begun AS (
  UPDATE tasks_task
  SET version = version + 1, status = CASE status WHEN 'backlog' THEN 'doing' ELSE status END,
      started_at = COALESCE(started_at, %(now)s)
  WHERE id IN (SELECT task_id FROM taken)
), noted AS (
  INSERT INTO tasks_run (task_id, subtask_id, fence, agent, agent_version, worker_name, status, started_at,
                         summary, error, tokens_in, tokens_out, cost_usd, notes)
  SELECT task_id, id, fence, agent, active.number, %(worker_name)s, 'doing', %(now)s, '', '', 0, 0, 0, '[]'
  FROM taken
  LEFT JOIN unnest(%(version_agents)s::text[], %(version_numbers)s::int[]) AS active(agent, number)
    USING (agent)
  RETURNING id, subtask_id, agent_version
), said AS (
  INSERT INTO tasks_event (kind, task_id, stage, by, at, channel, data)
  SELECT 'subtask.claimed', task_id, stage, 'agent:' || agent, %(now)s, '',
         jsonb_build_object('agent', agent, 'attempt', attempts, 'worker', %(worker_name)s::text,
                            'subtask', taken.id, 'item', item, 'fence', fence, 'run', noted.id,
                            'version', noted.agent_version)
  FROM taken JOIN noted ON noted.subtask_id = taken.id ORDER BY priority DESC, not_before, taken.id
)
SELECT taken.*, noted.id AS run_id, (SELECT count(*) FROM picked) AS picked
FROM taken JOIN noted ON noted.subtask_id = taken.id
ORDER BY taken.priority DESC, taken.not_before, taken.id
"""

SETTLE = """
UPDATE tasks_subtask AS s
SET status = 'done', worker_id = NULL, finished_at = %(now)s, reason = '', version = version + 1
FROM unnest(%(ids)s::bigint[], %(fences)s::int[]) AS held(id, fence)
WHERE s.id = held.id AND s.fence = held.fence AND s.status = 'doing'
RETURNING s.id
"""

UNBLOCK = """
WITH fewer AS (
  SELECT subtask_id AS id, count(*)::int AS n
  FROM tasks_need WHERE on_id = ANY(%(done)s::bigint[]) GROUP BY subtask_id
), locked AS (
  -- In the order of ids, so that two workers that finish branches of one task do not block each other.
  -- A gate that already waits for a person counts too: its release waits for a new rendering.
  SELECT s.id FROM tasks_subtask AS s JOIN fewer USING (id) WHERE s.status IN ('blocked', 'waiting')
  ORDER BY s.id FOR UPDATE OF s
), counted AS (
  UPDATE tasks_subtask AS s
  SET needs_left = s.needs_left - fewer.n,
      status = CASE WHEN s.status = 'blocked' AND s.needs_left = fewer.n THEN 'ready' ELSE s.status END,
      not_before = CASE WHEN s.needs_left = fewer.n THEN %(now)s ELSE s.not_before END,
      version = s.version + CASE WHEN s.needs_left = fewer.n THEN 1 ELSE 0 END
  FROM fewer JOIN locked USING (id) WHERE s.id = fewer.id AND s.status IN ('blocked', 'waiting')
  RETURNING s.id, s.task_id, s.stage, s.agent, s.status
)
SELECT * FROM counted WHERE status = 'ready' ORDER BY id
"""

WRITE_RUNS = """
UPDATE tasks_run AS r
SET status = n.status, ended_at = n.ended_at, brief = n.brief, summary = n.summary, error = n.error,
    tokens_in = n.tokens_in, tokens_out = n.tokens_out, cost_usd = n.cost_usd, notes = n.notes
FROM jsonb_to_recordset(%s::jsonb) AS n(
  id bigint, status text, ended_at timestamptz, brief jsonb, summary text, error text, tokens_in int,
  tokens_out int, cost_usd numeric, notes jsonb
)
WHERE r.id = n.id AND r.status IN ('doing', 'lost', 'stopped')
"""

EVENT_FIELDS = ("kind", "task_id", "stage", "by", "at", "channel", "data", "changed")

WRITE_EVENTS = """
INSERT INTO tasks_event (kind, task_id, stage, by, at, channel, data, changed)
SELECT * FROM jsonb_to_recordset(%s::jsonb)
  AS n(kind text, task_id bigint, stage text, by text, at timestamptz, channel text, data jsonb,
       changed jsonb)
"""


def claim(worker: Worker, limit: int, now: datetime) -> list[tuple[Subtask, Run]]:
    """See `tasks.store.claim`."""
    gate = enter(worker, now)
    taken: list[tuple[Subtask, Run]] = []
    while not gate.shut and len(taken) < limit:
        rows = list(Subtask.objects.raw(CLAIM, _values(gate, worker, limit - len(taken), now)))
        for row in rows:
            gate.take(row.agent, 1)
            taken.append((row, _stored_run(row, worker, gate, now)))
        if not rows or len(rows) == rows[0].picked:  # type: ignore[attr-defined]
            break  # else: some agent is full; look once more without it
    tasks = Task.objects.in_bulk({row.task_id for row, _ in taken})
    for row, _ in taken:
        row.task, row.worker = tasks[row.task_id], worker
    return taken


def _values(gate: Gate, worker: Worker, limit: int, now: datetime) -> dict[str, Any]:
    free = {slug: count for slug, count in gate.slots.items() if count > 0}
    return {
        "now": now, "limit": limit, "worker": worker.pk, "worker_name": worker.name,
        "agents": gate.closed_agents, "workflows": gate.workflows, "tasks": gate.tasks,
        "slot_agents": list(free), "slot_free": list(free.values()),
        "version_agents": list(gate.versions), "version_numbers": list(gate.versions.values()),
    }  # fmt: skip


def _stored_run(row: Subtask, worker: Worker, gate: Gate, now: datetime) -> Run:
    run = a_run(row, worker, gate, now)
    run.pk = row.run_id  # type: ignore[attr-defined]
    run._state.adding, run._state.db = False, connection.alias
    return run


def settle(held: Sequence[Held], now: datetime) -> set[int]:
    """See `tasks.store.settle`."""
    values: dict[str, Any] = {
        "now": now,
        "ids": [one.subtask_id for one in held],
        "fences": [one.fence for one in held],
    }
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, values)
        return {pk for (pk,) in cursor.fetchall()}


def unblock(done: Collection[int], now: datetime) -> list[Subtask]:
    """See `tasks.store.unblock`."""
    return list(Subtask.objects.raw(UNBLOCK, {"done": list(done), "now": now}))


def write_runs(runs: Sequence[Run]) -> None:
    """See `tasks.store.write_runs`. One JSON parameter: an array per column costs the driver far more."""
    rows = [{name: getattr(run, name) for name in ("id", *RUN_FIELDS)} for run in runs]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_RUNS, [json.dumps(rows, default=str)])


def write_events(events: Sequence[Event]) -> None:
    """See `tasks.store.write_events`."""
    rows = [{name: getattr(event, name) for name in EVENT_FIELDS} for event in events]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_EVENTS, [json.dumps(rows, default=str)])
