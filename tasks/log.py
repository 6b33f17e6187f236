"""Writes events. They are for reading; no rule reads them back, and no secret stands in them.

`line()` builds one, `write()` stores a batch in the caller's transaction, `record()` does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from agents.masking import mask_deep

from . import clock
from .event_kinds import KINDS
from .history import changes
from .models import Event, Task

#: The door that the present request or command came through: page, api, cli, slack; empty: by itself.
_channel: ContextVar[str] = ContextVar("channel", default="")


@contextmanager
def through(channel: str) -> Iterator[None]:
    """Events written inside came through this door."""
    before = _channel.set(channel)
    try:
        yield
    finally:
        _channel.reset(before)


def line(kind: str, /, *, by: str, task: Task | None = None, stage: str = "", **data: Any) -> Event:
    """An unsaved event. Raises ValueError for a kind or a fact that `event_kinds.KINDS` does not list."""
    if kind not in KINDS:
        raise ValueError(f"Unknown event kind {kind!r}: add it to tasks/event_kinds.py with what it carries.")
    if misfit := KINDS[kind].misfit(set(data)):
        raise ValueError(f"The event kind {kind!r} {misfit}: see tasks/event_kinds.py.")
    data = mask_deep(data)
    channel = str(data.get("channel") or _channel.get())[:40]
    return Event(kind=kind, by=by, task=task, stage=stage, at=clock.now(), channel=channel, data=data)


def write(events: Iterable[Event]) -> None:
    """Store events in the caller's transaction, with what it has changed since the last ones; their keys are
    not read back."""
    from . import store  # which writes events itself

    lines = list(events)
    if lines and (untold := changes.untold()):
        lines += _tell(lines, untold)
    store.write_events(lines)


def _tell(lines: Sequence[Event], untold: Iterable[changes.Change]) -> list[Event]:
    """Give each change to the event of its task that fits it best; a task without any gets one of its own."""
    carried: dict[int, list[changes.Change]] = {}
    of_task: dict[int | None, list[Event]] = {None: list(lines)}
    for event in lines:
        if event.task_id:
            of_task.setdefault(event.task_id, []).append(event)
    more: list[Event] = []
    for change in untold:
        if change.task not in of_task:
            event = line("task.changed", by=lines[-1].by, because=lines[-1].kind)
            event.task_id = change.task
            of_task[change.task] = [event]
            more.append(event)
        carried.setdefault(id(_fitting(of_task[change.task], change.of)), []).append(change)
    for event in [*lines, *more]:
        if mine := carried.get(id(event)):
            event.changed = changes.packed(mine)
    return more


def _fitting(events: Sequence[Event], noun: str) -> Event:
    """The injection for all of a new task; else the last event of the noun's own family, else the last."""
    injected = next((event for event in events if event.kind == "task.injected"), None)
    family = (event for event in reversed(events) if event.kind.startswith(f"{noun}."))
    return injected or next(family, events[-1])


def record(kind: str, /, *, by: str, task: Task | None = None, stage: str = "", **data: Any) -> None:
    """Store one event in the caller's transaction."""
    write([line(kind, by=by, task=task, stage=stage, **data)])
