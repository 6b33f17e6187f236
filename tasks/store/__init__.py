"""The batch moves of the engine: claim, settle, unblock. The database row is the queue.

`portable` speaks the ORM and runs everywhere; `postgres` does the same in single statements. Both run
under the same conformance tests (tests/tasks/store/). Every function works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from types import ModuleType

from django.db import InterfaceError, OperationalError, connection

from tasks.database import ailment
from tasks.history import changes
from tasks.models import Event, Run, Subtask, Worker

from . import portable, postgres
from .gate import close_gate
from .held import Held
from .portable import RUN_FIELDS, Disturbed

__all__ = ["RUN_FIELDS", "Held", "claim", "close_gate", "settle", "unblock", "write_events", "write_runs"]


def _here() -> ModuleType:
    return postgres if connection.vendor == "postgresql" else portable


def claim(worker: Worker, limit: int, now: datetime) -> list[tuple[Subtask, Run]]:
    """Give up to `limit` ready subtasks to `worker`: ready -> doing, each with its run.

    Nothing under an open hold, nothing before its time, no more per agent than its definition allows,
    nothing to a worker that has ended or was asked to stop. Each subtask carries its fresh `task`.
    """
    return _here().claim(worker, limit, now)


def settle(held: Sequence[Held], now: datetime) -> set[int]:
    """Doing -> done where the fence is still the one taken at the claim; returns the ids it holds for."""
    return _here().settle(held, now) if held else set()


def unblock(done: Collection[int], now: datetime) -> list[Subtask]:
    """Count down what waited for these subtasks; blocked -> ready where nothing is left.

    Returns those, with little of them loaded: of most a caller needs to know only that they exist.
    """
    ready = _here().unblock(done, now) if done else []
    blocked, free = {"status": Subtask.Status.BLOCKED.value}, {"status": Subtask.Status.READY.value}
    changes.note([changes.Change("subtask", row.pk, row.task_id, blocked, free) for row in ready])
    return ready


def write_runs(runs: Sequence[Run]) -> None:
    """Store how these runs ended, or how far they are (`portable.RUN_FIELDS`).

    A run whose result was accepted does not change any more, also not where a transaction whose commit
    nobody heard of is tried again.
    """
    if runs:
        changes.mask_words(runs)
        _here().write_runs(runs)


def write_events(events: Sequence[Event]) -> None:
    """Append these lines to the log, in this order."""
    if events:
        _here().write_events(events)


def is_away(error: Exception) -> bool:
    """Whether the database raised this because it is away, read-only, full or busy: trying again helps."""
    return isinstance(error, OperationalError | InterfaceError | Disturbed) or ailment(error) is not None
