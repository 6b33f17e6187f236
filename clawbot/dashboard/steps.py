"""The stepper: every stage of a task's workflow, what is behind it, where it is, what comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from clawbot import words
from tasks import clock
from tasks.models import Event, Subtask

from .cards import Card, stage_title
from .pace import Pace

S = Subtask.Status


@dataclass(frozen=True)
class Step:
    """One dot of the line."""

    name: str
    title: str
    state: str  # done, current, later, skipped
    condition: str  # of the current one
    text: str


def steps(card: Card, rows: Iterable[Subtask], returns: Iterable[Event], pace: dict[str, Pace]) -> list[Step]:
    """The steps of a task. A stage that fans out is one step: it is done when all its items are."""
    live: dict[str, list[Subtask]] = {}
    for row in rows:
        live.setdefault(row.stage, []).append(row)
    returned = Counter(event.stage for event in returns)
    stages = card.task.workflow_version.stages
    return [
        _step(card, stage, live.get(stage["name"], []), returned[stage["name"]], pace.get(stage["name"]))
        for stage in stages
    ]


def _step(card: Card, stage: dict[str, str], rows: list[Subtask], returns: int, pace: Pace | None) -> Step:
    title = stage_title(stage["name"])
    state = _state(rows)
    if state == "current" and stage["agent"] == "human" and card.yours:
        title = "You decide"
    text = _text(state, rows, pace)
    if returns:
        back = "1 return" if returns == 1 else f"{returns} returns"
        text = f"{text}, {back}" if text else back
    here = card.row is not None and card.row.stage == stage["name"]
    return Step(stage["name"], title, state, card.status if here else _condition(rows), text)


def _state(rows: list[Subtask]) -> str:
    statuses = {row.status for row in rows}
    if statuses & {S.DOING, S.WAITING, S.READY}:
        return "current"
    if statuses and statuses <= {S.SKIPPED, S.CANCELLED}:
        return "skipped"
    return "done" if statuses and statuses <= set(Subtask.ENDED) else "later"


def _condition(rows: list[Subtask]) -> str:
    statuses = {row.status for row in rows}
    return "running" if S.DOING in statuses else "waiting" if S.WAITING in statuses else "queued"


def _text(state: str, rows: list[Subtask], pace: Pace | None) -> str:
    started = min((row.started_at for row in rows if row.started_at), default=None)
    usual = words.duration(pace.usual) if pace else ""
    if state == "skipped":
        return "skipped"
    if state == "done":
        ended = max((row.finished_at for row in rows if row.finished_at), default=None)
        return words.duration(ended - started) if started and ended else "done"
    if state == "current":
        if started is None:
            return f"next, usually {usual}" if usual else "next"
        so_far = f"{words.duration(clock.now() - started)} so far"
        return f"{so_far}, usually {usual}" if usual else so_far
    return f"about {usual}" if usual else ""
