"""The stepper: every stage of a task's workflow, what is behind it, where it is, what comes.

Stages that may run at the same time stand in one column. A stage that fans out is one step, however many
items it has; ways that were not taken are told apart, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clawbot import words
from tasks import clock
from tasks.items import Items
from tasks.models import Event, Subtask, Task
from tasks.workflow.shape import HUMAN

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
    items: Items | None = None
    child: Task | None = None

    @property
    def portion(self) -> float:
        """Percent of the items that have passed."""
        return round(100 * self.items.passed / self.items.of, 1) if self.items and self.items.of else 0.0


@dataclass(frozen=True)
class Column:
    """What may run at the same time; mostly one step."""

    steps: list[Step]

    @property
    def state(self) -> str:
        """For the line that leads on: done when all of its steps are."""
        states = {step.state for step in self.steps}
        if "current" in states:
            return "current"
        return "done" if states <= {"done", "skipped"} else "later"


@dataclass(frozen=True)
class Passed:
    """A stage that the task did not go through, and why."""

    title: str
    why: str


@dataclass
class Stepper:
    """The whole line."""

    columns: list[Column] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        """Whether it needs more than one line on a wide page."""
        return len(self.columns) > 9


def stepper(
    card: Card,
    rows: Iterable[Subtask],
    returns: Iterable[Event],
    pace: Mapping[str, Pace],
    items: Mapping[str, Items],
    children: Mapping[int, Task],
) -> Stepper:
    """The steps of a task from the current rows of its stages (no items), in columns."""
    live = {row.stage: row for row in rows}
    returned = Counter(event.stage for event in returns)
    found = Stepper()
    columns: dict[int, list[Step]] = {}
    layers = _layers(card.task.workflow_version.stages)
    for stage in card.task.workflow_version.stages:
        name = stage["name"]
        row = live.get(name)
        if row is not None and row.passed_over:
            found.passed.append(Passed(_title(stage), row.reason))
            continue
        step = _step(card, stage, row, returned[name], pace.get(name), items.get(name), children)
        columns.setdefault(layers[name], []).append(step)
    found.columns = [Column(columns[layer]) for layer in sorted(columns)]
    return found


def _layers(stages: list[dict[str, Any]]) -> dict[str, int]:
    """How many stages at most come before each one."""
    needs = {stage["name"]: stage["needs"] for stage in stages}
    found: dict[str, int] = {}

    def layer(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((layer(other) for other in needs[name] if other in needs), default=-1)
        return found[name]

    for name in needs:
        layer(name)
    return found


def _title(stage: Mapping[str, Any]) -> str:
    return str(stage.get("title") or stage_title(stage["name"]))


def _step(
    card: Card,
    stage: dict[str, Any],
    row: Subtask | None,
    returns: int,
    pace: Pace | None,
    items: Items | None,
    children: Mapping[int, Task],
) -> Step:
    title = _title(stage)
    state = _state(row)
    if state == "current" and stage["agent"] == HUMAN and card.yours:
        title = "You decide"
    child = children.get(row.pk) if row else None
    text = _text(state, stage, row, pace, items, child)
    if returns:
        back = "1 return" if returns == 1 else f"{returns} returns"
        text = f"{text}, {back}" if text else back
    here = card.row is not None and card.row.stage == stage["name"]
    condition = card.status if here else _condition(row, items)
    return Step(stage["name"], title, state, condition, text, items, child)


def _state(row: Subtask | None) -> str:
    if row is None:
        return "later"
    if row.status in {S.DOING, S.WAITING, S.READY} or _is_held_together(row):
        return "current"
    if row.status in {S.SKIPPED, S.CANCELLED}:
        return "skipped"
    return "done" if row.status in Subtask.ENDED else "later"


def _is_held_together(row: Subtask) -> bool:
    """Whether the stage is under way though its own row only waits: for items, a task or an answer."""
    return row.status == S.BLOCKED and (row.spread is not None or bool(row.awaits))


def _condition(row: Subtask | None, items: Items | None) -> str:
    if row is None:
        return "queued"
    if row.status == S.WAITING or (items and items.waiting):
        return "waiting"
    if row.status == S.DOING or (items and items.doing) or row.awaits == Subtask.Awaits.CHILD:
        return "running"
    return "queued"


def _text(
    state: str,
    stage: Mapping[str, Any],
    row: Subtask | None,
    pace: Pace | None,
    items: Items | None,
    child: Task | None,
) -> str:
    usual = words.duration(pace.usual) if pace else ""
    if row is None or state == "later":
        if stage.get("when"):
            return "if needed"
        return f"about {usual}" if usual else ""
    if state == "skipped":
        skipped = "skipped, not approved" if stage["agent"] == HUMAN else "skipped"
        return "cancelled" if row.status == S.CANCELLED else skipped
    if state == "current" and items:
        waiting = f", {items.waiting:,} wait" + ("s" if items.waiting == 1 else "") if items.waiting else ""
        return f"{items.passed:,} of {items.of:,}{waiting}"
    if state == "current" and row.awaits:
        return "for an answer" if child is None else f"for {child.key}"
    return _times(state, row, usual, items)


def _times(state: str, row: Subtask, usual: str, items: Items | None) -> str:
    if state == "done":
        took = words.duration(row.finished_at - row.started_at) if row.started_at and row.finished_at else ""
        if items:
            return f"{items.of:,} items" + (f", {took}" if took else "")
        return took or "done"
    if row.started_at is None:
        return f"next, usually {usual}" if usual else "next"
    so_far = f"{words.duration(clock.now() - row.started_at)} so far"
    return f"{so_far}, usually {usual}" if usual else so_far
