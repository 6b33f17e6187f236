"""What usually happens: how long a stage takes here, what it costs, what a verdict writes, who comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from tasks import clock, output
from tasks.models import Review, Run, Subtask, Task
from tasks.workflow import downstream

# Enough to be usual, few enough to notice that a stage became slower.
RECENT = 40
FINISHED = (Run.Status.DONE, Run.Status.RETURNED)


@dataclass(frozen=True)
class Usual:
    """The median of recent runs of one stage of one workflow."""

    seconds: float
    cost: Decimal


def usual_run(task: Task, stage: str) -> Usual | None:
    """How long this stage usually works and what it costs; None before its first finished run."""
    return usual_stages(task.workflow_id).get(stage)


def usual_stages(workflow: int) -> dict[str, Usual]:
    """What every stage of a workflow usually takes and costs, from its recent runs, in one query."""
    runs = Run.objects.filter(subtask__workflow=workflow, ended_at__isnull=False, status__in=FINISHED)
    rows: dict[str, list[tuple[float, Decimal]]] = {}
    wanted = runs.order_by("-id").values_list("subtask__stage", "started_at", "ended_at", "cost_usd")
    for stage, start, end, cost in wanted[: RECENT * 8]:
        seconds = (end - start).total_seconds() if end else 0.0
        rows.setdefault(stage, []).append((seconds, cost))
    return {
        stage: Usual(median(seconds for seconds, _ in found), median(cost for _, cost in found))
        for stage, found in rows.items()
    }


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
    """When running tasks should reach their next human stage, soonest first."""
    usual: dict[int, dict[str, Usual]] = {}
    found = []
    for task in tasks:
        live = [row for row in task.subtasks.all() if row.live]
        now_at = next(
            (row for row in live if row.status in {Subtask.Status.DOING, Subtask.Status.READY}), None
        )
        if now_at is None:
            continue
        if task.workflow_id not in usual:
            usual[task.workflow_id] = usual_stages(task.workflow_id)
        found.append(Coming(task, now_at.agent, _arrival(task, now_at, usual[task.workflow_id])))
    far = clock.now() + timedelta(days=3650)
    return sorted(found, key=lambda one: one.at or far)


def _arrival(task: Task, row: Subtask, usual: dict[str, Usual]) -> datetime | None:
    stages = task.workflow_version.stages
    names = downstream(row.stage, stages)
    humans = [stage["name"] for stage in stages if stage["agent"] == "human" and stage["name"] in names]
    if not humans:
        return None
    ahead = names[: names.index(humans[0])]
    if any(name not in usual for name in ahead):
        return None
    spent = (clock.now() - row.started_at).total_seconds() if row.started_at else 0
    left = max(usual[row.stage].seconds - spent, 0) + sum(
        usual[name].seconds for name in ahead if name != row.stage
    )
    return clock.now() + timedelta(seconds=left)
