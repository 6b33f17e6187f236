"""The table of legal moves of a subtask and of a task, and the one compare-and-set.

Only this module and `tasks/store/` write a status. A move that the table does not list does not
exist; a row that is no longer where the caller saw it is not moved, and the caller is told so by
the number of rows.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet

from agents import contract

from .models import Subtask, Task

S = Subtask.Status

#: verb -> (statuses it may start from, the status it leads to)
MOVES: dict[str, tuple[frozenset[str], str]] = {
    "start": (frozenset({S.BLOCKED}), S.READY),
    "unblock": (frozenset({S.BLOCKED}), S.READY),
    "claim": (frozenset({S.READY}), S.DOING),
    "finish": (frozenset({S.DOING}), S.DONE),
    "retry_later": (frozenset({S.DOING}), S.READY),
    "rescue": (frozenset({S.DOING}), S.READY),
    "stop": (frozenset({S.DOING}), S.READY),
    "escalate": (frozenset({S.DOING, S.READY, S.BLOCKED}), S.WAITING),
    # Without any worker: a stage is spread into items, waits for an answer or a task, and is joined.
    "spread": (frozenset({S.READY}), S.BLOCKED),
    "await": (frozenset({S.READY, S.DOING}), S.BLOCKED),
    "answer": (frozenset({S.BLOCKED}), S.READY),
    "join": (frozenset({S.READY, S.BLOCKED}), S.DONE),
    "give_up": (frozenset({S.DOING, S.READY, S.BLOCKED}), S.SKIPPED),
    "approve": (frozenset({S.WAITING}), S.DONE),
    # A person allowed a call: the agent goes on, and makes it.
    "grant": (frozenset({S.WAITING}), S.READY),
    "retry": (frozenset({S.WAITING, S.READY}), S.READY),
    "skip": (frozenset({S.WAITING, S.READY, S.BLOCKED}), S.SKIPPED),
    "cancel": (frozenset(Subtask.OPEN), S.CANCELLED),
    # An override passes over whatever was open before the stage it moves to.
    "skip_open": (frozenset(Subtask.OPEN), S.SKIPPED),
    # A new round replaces whatever a stage's current row was: nothing is destroyed, the old row stays.
    "supersede": (frozenset(S.values) - {S.SUPERSEDED}, S.SUPERSEDED),
}

T = Task.Status

#: verb -> (statuses of the task it may start from, the status it leads to)
TASK_MOVES: dict[str, tuple[frozenset[str], str]] = {
    "begin": (frozenset({T.BACKLOG}), T.DOING),
    "complete": (frozenset({T.BACKLOG, T.DOING}), T.DONE),
    "cancel": (frozenset({T.BACKLOG, T.DOING}), T.DONE),
    "reopen": (frozenset({T.DONE, T.DOING, T.BACKLOG}), T.DOING),
}


class Refused(contract.Refused):
    """The rules of the work said no."""


def move(subtasks: QuerySet[Subtask], verb: str, **values: Any) -> int:
    """Move these subtasks by `verb` and set `values` with it; return how many rows moved.

    The guard is in the WHERE: rows that are not in a status the verb may start from stay as they
    are and are not counted. Zero rows is an answer, not an error.
    """
    sources, target = MOVES[verb]
    if target == S.SUPERSEDED:
        values["live"] = None
    if target != S.DOING:
        values.setdefault("worker", None)
    return subtasks.filter(status__in=sources).update(status=target, version=F("version") + 1, **values)


def move_task(tasks: QuerySet[Task], verb: str, **values: Any) -> int:
    """Move these tasks by `verb`, like `move`."""
    sources, target = TASK_MOVES[verb]
    if target != T.DONE:
        values.update(outcome="", done_at=None)
    return tasks.filter(status__in=sources).update(status=target, version=F("version") + 1, **values)


def touch(tasks: QuerySet[Task], **values: Any) -> int:
    """Change something else about tasks; the version tells pages to look again."""
    return tasks.update(version=F("version") + 1, **values)
