"""Writes events. They are for reading; no rule reads them back.

`line()` builds one, `write()` stores a batch in the caller's transaction, `record()` does both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import clock
from .models import Event, Task

#: Every kind of event, with what its `data` holds. `docs/events.md` is made from this.
KINDS: dict[str, str] = {
    "task.injected": "workflow, version: the workflow version it runs under",
    "task.started": "stages: which may run now",
    "task.done": "outcome: completed",
    "task.cancelled": "reason",
    "task.rerun": "stage, round, reason: a new round from that stage",
    "task.overridden": "stage, round, reason, was: the stages that were open",
    "subtask.claimed": "agent, attempt, worker",
    "subtask.finished": "done_as, summary, attempt, seconds",
    "subtask.retried": "why, not_before, attempt",
    "subtask.waiting": "why",
    "subtask.returned": "to, round, requests: how many",
    "subtask.skipped": "reason",
    "subtask.retry": "reason: a person let it try again",
    "subtask.rescued": "worker, attempt, crashes",
    "subtask.released": "worker: given back unfinished when its worker stopped",
    "subtask.stopped": "reason: a person fenced off what ran",
    "run.discarded": "attempt: its result came too late and was not used",
    "artifact.made": "kind, number, sha256, path",
    "artifact.edited": "kind, number, sha256, base",
    "review.opened": "review, kind, due_at",
    "review.decided": "review, verb, artifact_sha256, note, channel",
    "review.undone": "review, verb",
    "review.released": "review, verb",
    "review.taken": "review, until",
    "review.assigned": "review, to",
    "review.reminded": "review, rung",
    "finding.judged": "finding, state",
    "comment.made": "comment, artifact",
    "comment.removed": "comment",
    "hold.placed": "hold, scope, target, why, until",
    "hold.lifted": "hold, scope, target",
    "notice.sent": "notice, kind, carrier, recipient",
    "notice.uncertain": "notice, kind, carrier, recipient, error",
    "notice.dead": "notice, kind, carrier, recipient, error",
    "notice.resent": "notice, kind, carrier, recipient: a person asked for it",
    "schedule.fired": "schedule, due_at, tasks",
    "stage.stalled": "stage, seconds, usual",
    "worker.started": "worker",
    "worker.lost": "worker, held",
    "worker.ended": "worker, why",
    "cluster.restarted": "why",
    "agent.version": "agent, number, note",
    "workflow.version": "workflow, number",
}


def line(kind: str, /, *, by: str, task: Task | None = None, stage: str = "", **data: Any) -> Event:
    """An unsaved event. Raises ValueError for a kind that `KINDS` does not list."""
    if kind not in KINDS:
        raise ValueError(f"Unknown event kind {kind!r}: add it to tasks.log.KINDS with what its data holds.")
    return Event(kind=kind, by=by, task=task, stage=stage, at=clock.now(), data=data)


def write(events: Iterable[Event]) -> None:
    """Store events in the caller's transaction; their keys are not read back."""
    from . import store  # which writes events itself

    store.write_events(list(events))


def record(kind: str, /, *, by: str, task: Task | None = None, stage: str = "", **data: Any) -> None:
    """Store one event in the caller's transaction."""
    write([line(kind, by=by, task=task, stage=stage, **data)])
