"""The limit: pgbench with the engine's own statements, claim and finish of a batch in one transaction.

It runs the SQL of `tasks/store/postgres.py` with nothing around it: no briefs, no agents, no Python.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from glob import glob
from pathlib import Path
from typing import Any

from django.db import connection

from tasks.engine import workers
from tasks.models import Workflow
from tasks.store import postgres

from . import load

BATCH = 50
CLIENTS = 2  # as many as the engine has workers
SECONDS = 5
ENOUGH = 6000  # tasks: more than the limit can finish in that time

KEYS = """SELECT COALESCE(array_agg(taken.id), '{}') AS ids, COALESCE(array_agg(fence), '{}') AS fences,
       COALESCE(array_agg(noted.id), '{}') AS runs
FROM taken JOIN noted ON noted.subtask_id = taken.id"""


def find() -> str:
    """The path of pgbench; empty where there is none."""
    return shutil.which("pgbench") or next(iter(sorted(glob("/usr/lib/postgresql/*/bin/pgbench"))), "")


def measure(pgbench: str, url: str, folder: Path, clients: int = CLIENTS) -> float:
    """Stages per second on the configured PostgreSQL."""
    flow = load.prepare("limit", 0)
    load.fill(flow, ENOUGH)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        script = folder / "limit.sql"
        script.write_text(_script(flow))
        before = _done(cursor)
        size = ["-c", str(clients), "-j", str(clients), "-T", str(SECONDS)]
        subprocess.run([pgbench, "-n", "-f", str(script), *size, url], check=True, stdout=subprocess.DEVNULL)
        return (_done(cursor) - before) / SECONDS


def _done(cursor: Any) -> int:
    cursor.execute("SELECT count(*) FROM tasks_subtask WHERE status = 'done'")
    return int(cursor.fetchone()[0])


def _script(flow: Workflow) -> str:
    """One tick: take a batch, end it, let its successors go, and write both events."""
    worker = workers.start("limit")
    agent = flow.active.stages[0]["agent"]  # type: ignore[union-attr]
    values = {
        "now": "now()", "limit": str(BATCH), "worker": str(worker.pk), "worker_name": f"'{worker.name}'",
        "agents": "'{human}'::text[]", "workflows": "'{}'::bigint[]", "tasks": "'{}'::bigint[]",
        "slot_agents": "'{}'", "slot_free": "'{}'",
        "version_agents": f"'{{{agent}}}'", "version_numbers": "'{1}'",
        "ids": "':ids'", "fences": "':fences'", "done": "':ids'",
    }  # fmt: skip
    # The rows stay in the server: pgbench keeps only their keys.
    claim = _filled(re.sub(r"SELECT taken\.\*.*", KEYS, postgres.CLAIM, flags=re.DOTALL), values)
    return f"""
BEGIN;
SELECT pg_advisory_xact_lock_shared(1);
{claim} \\gset
{_filled(postgres.SETTLE, values)};
UPDATE tasks_run SET status = 'done', ended_at = now(), summary = 'Rehearsed.'
  WHERE id = ANY(':runs'::bigint[]);
{_filled(postgres.UNBLOCK, values)};
UPDATE tasks_task SET version = version + 1 WHERE id IN
  (SELECT task_id FROM tasks_subtask WHERE id = ANY(':ids'::bigint[]));
INSERT INTO tasks_event (kind, task_id, stage, by, at, channel, data)
  SELECT 'subtask.finished', task_id, stage, 'agent:' || agent, now(), '', '{{}}' FROM tasks_subtask
  WHERE id = ANY(':ids'::bigint[]);
COMMIT;
"""


def _filled(statement: str, values: dict[str, str]) -> str:
    statement = re.sub(r"--.*", "", statement)
    return re.sub(r"%\((\w+)\)s", lambda match: values[match[1]], statement).strip()
