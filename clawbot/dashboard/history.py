"""What comes next, by the workflow and its history: after a verdict, and to a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tasks import clock, output
from tasks.models import Review, Subtask, Task
from tasks.standing import is_active
from tasks.workflow.shape import HUMAN

from .pace import Pace
from .pace import stages as stages_of


def after(review: Review) -> dict[str, Any] | None:
    """The stage that starts when this review's stage is done; None where it was the last one."""
    stages = review.task.workflow_version.stages
    return next((stage for stage in stages if review.subtask.stage in stage["needs"]), None)


def planned_paths(task: Task, stage: dict[str, Any] | None) -> list[str]:
    """The files a stage will write, relative to CLAWBOT_DATA."""
    return list(output.paths(task, stage["output"]).values()) if stage and stage["output"] else []


@dataclass(frozen=True)
class Coming:
    """A task on its way to a person."""

    task: Task
    agent: str  # who has it now
    at: datetime | None  # when it should arrive, where history can say

    @property
    def word(self) -> str:
        """Where it is now: "With research"."""
        return f"With {self.agent.replace('_', ' ')}"


def coming(tasks: Iterable[Task]) -> list[Coming]:
    """When running tasks should reach their next human stage, soonest first. Tasks come with the current
    rows of their stages prefetched."""
    usual: dict[int, dict[str, Pace]] = {}
    found = []
    for task in tasks:
        rows = {row.stage: row for row in task.subtasks.all() if row.live and not row.item}
        now_at = next((row for row in rows.values() if is_active(row)), None)
        if now_at is None or task.undoing_at:
            continue
        if task.workflow_id not in usual:
            usual[task.workflow_id] = stages_of(task.workflow_id)
        found.append(Coming(task, now_at.agent, _arrival(task, rows, usual[task.workflow_id])))
    far = clock.now() + timedelta(days=3650)
    return sorted(found, key=lambda one: one.at or far)


def _arrival(task: Task, rows: dict[str, Subtask], usual: dict[str, Pace]) -> datetime | None:
    """When the first person should be asked: the longest way there, for branches run at the same time.
    None where a stage on the way has no history, or nobody will be asked."""
    stages = {stage["name"]: stage for stage in task.workflow_version.stages}
    known: dict[str, float | None] = {}

    def over(name: str) -> float | None:
        """Seconds until this stage is over."""
        if name not in known:
            known[name] = _sum(before(name), _left(rows.get(name), usual.get(name)))
        return known[name]

    def before(name: str) -> float | None:
        ends = [over(other) for other in stages[name]["needs"]]
        return None if None in ends else max((end for end in ends if end is not None), default=0.0)

    people = [name for name, stage in stages.items() if stage["agent"] == HUMAN and _is_ahead(rows.get(name))]
    times = [before(name) for name in people]
    soonest = min((time for time in times if time is not None), default=None)
    return clock.now() + timedelta(seconds=soonest) if soonest is not None else None


def _is_ahead(row: Subtask | None) -> bool:
    return row is not None and row.status in Subtask.OPEN


def _left(row: Subtask | None, pace: Pace | None) -> float | None:
    """Seconds that a stage still takes; None where nobody knows."""
    if row is None or row.status in Subtask.ENDED:
        return 0.0
    if pace is None:
        return None
    spent = (clock.now() - row.started_at).total_seconds() if row.started_at else 0.0
    return max(pace.working - spent, 0.0)


def _sum(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right
