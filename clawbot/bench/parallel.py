"""Measures what parallel branches are worth: the same five stages side by side, and one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Max, Min

from tasks import lifecycle
from tasks.models import Run, Task, Worker, Workflow

from . import engine, load

BRANCHES = 5


@dataclass(frozen=True)
class Figures:
    """What one database gave, of one task each at a time."""

    seconds: float  # that each stage takes
    longest: float  # seconds of the longest branch, from its claim to its finish
    branches: float  # seconds from the first claim of a branch to the last finish: five at once
    row: float  # the same for five in a row

    @property
    def over_the_longest(self) -> float:
        """How much longer five branches take than the longest of them, as a ratio."""
        return self.branches / self.longest

    @property
    def faster(self) -> float:
        """How much sooner five branches are done than five in a row, as a ratio."""
        return self.row / self.branches


def measure(seconds: float) -> Figures:
    """Measure on the configured database, which must be empty and migrated."""
    branches = load.prepare("branches", seconds, _branches(BRANCHES))
    row = load.prepare("row", seconds, load.in_a_row(BRANCHES))
    with engine.at_work() as _:
        engine.wait_for(lambda: Worker.objects.filter(ended_at=None).count() >= settings.WORKERS)
        side_by_side = _one(branches)
        in_a_row = _one(row)
    longest = max(
        (run.ended_at - run.started_at).total_seconds() for run in _runs(side_by_side) if run.ended_at
    )
    return Figures(seconds, longest, _span(side_by_side), _span(in_a_row))


def _branches(count: int) -> list[dict[str, Any]]:
    """A few branches, joined by a stage that is not measured."""
    side = [{"name": f"branch{n}", "done_as": f"branch{n}_done"} for n in range(count)]
    join = {"name": "join", "needs": [one["name"] for one in side], "done_as": "joined"}
    return [*side, join]


def _one(flow: Workflow) -> Task:
    task = lifecycle.inject(flow.slug, title=flow.title, input={}, by="clawbot")
    engine.wait_for(lambda: Task.objects.filter(pk=task.pk, status=Task.Status.DONE).exists(), pause=0.05)
    return task


def _runs(task: Task) -> Any:
    return Run.objects.filter(task=task).exclude(subtask__stage="join")


def _span(task: Task) -> float:
    found = _runs(task).aggregate(first=Min("started_at"), last=Max("ended_at"))
    return float((found["last"] - found["first"]).total_seconds())
