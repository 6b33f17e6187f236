"""What a workflow's stages usually take and cost, people included, from their own recent history.

The one place that says "usual": cards measure against it, forms promise by it, the workflow page shows it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from django.core.cache import cache
from django.db.models import Sum

from tasks.models import Event, Review, Run, Subtask
from tasks.workflow.graph import UNDO
from tasks.workflow.shape import ENGINE

CACHE_SECONDS = 30
NEWEST = 400  # of a workflow: enough for eight stages, cheap enough for every page
LEAST = 3  # fewer say nothing about what is usual
QUICK = 2.0  # seconds: a stage that is over before one has read its bar needs none


@dataclass(frozen=True)
class Pace:
    """Seconds that a stage took, at the median of its recent times, and what they were made of."""

    times: int  # how many are behind the figures
    usual: float  # from the claim that finished it to its end
    p95: float  # at most this, but for one time in twenty
    working: float  # agents' runs, every attempt
    people: float  # open reviews
    cost: Decimal
    returns: int  # how often it sent work back, among those times

    @property
    def total(self) -> float:
        """What the stage adds to a task: work and people's waits."""
        return self.working + self.people

    @property
    def is_telling(self) -> bool:
        """Whether a running stage is worth measuring against it."""
        return self.times >= LEAST and self.usual >= QUICK


def stages(workflow_id: int) -> dict[str, Pace]:
    """The pace of every stage of a workflow that was ever finished."""
    key = f"pace-{workflow_id}"
    known: dict[str, Pace] | None = cache.get(key)
    if known is None:
        known = {stage: _pace(lasted) for stage, lasted in _lasted(workflow_id).items()}
        cache.set(key, known, CACHE_SECONDS)
    return known


def pace(workflow_id: int) -> dict[str, Pace]:
    """The same, without stages that have too little history or are too quick to be measured against."""
    return {stage: one for stage, one in stages(workflow_id).items() if one.is_telling}


@dataclass
class _Lasted:
    """The recent times of one stage, one list per figure."""

    usual: list[float] = field(default_factory=list)
    working: list[float] = field(default_factory=list)
    people: list[float] = field(default_factory=list)
    cost: list[Decimal] = field(default_factory=list)
    returns: int = 0


def _lasted(workflow_id: int) -> dict[str, _Lasted]:
    # An item of a fan-out is no stage: its stage's own row spans all of them. Nor is the undo of one.
    done = Subtask.objects.filter(
        workflow=workflow_id, status=Subtask.Status.DONE, item="", started_at__isnull=False,
        finished_at__isnull=False,
    ).exclude(stage__endswith=UNDO)  # fmt: skip
    rows = list(done.defer("given", "requests", "fields").order_by("-finished_at")[:NEWEST])
    ids = [row.pk for row in rows]
    working, cost = _runs(ids)
    cost |= _items_cost([row for row in rows if row.spread])
    people = _reviews(ids)
    found: dict[str, _Lasted] = defaultdict(_Lasted)
    for row in rows:
        one, lasted = found[row.stage], _seconds(row.started_at, row.finished_at)
        one.usual.append(lasted)
        # Items and tasks that it injects work at the same time: what they add is the time until the last.
        one.working.append(lasted if row.spread or row.agent == ENGINE else working[row.pk])
        one.people.append(people[row.pk])
        one.cost.append(cost[row.pk])
    for stage, number in _returns({row.task_id for row in rows}).items():
        if stage in found:
            found[stage].returns = number
    return found


def _runs(ids: list[int]) -> tuple[dict[int, float], dict[int, Decimal]]:
    seconds: dict[int, float] = defaultdict(float)
    cost: dict[int, Decimal] = defaultdict(Decimal)
    runs = Run.objects.filter(subtask__in=ids, ended_at__isnull=False)
    for id, started, ended, spent in runs.values_list("subtask_id", "started_at", "ended_at", "cost_usd"):
        seconds[id] += _seconds(started, ended)
        cost[id] += spent
    return seconds, cost


def _items_cost(spread: list[Subtask]) -> dict[int, Decimal]:
    """What all items of each of these stages cost."""
    by = {(row.task_id, row.stage, row.round): row.pk for row in spread}
    runs = Run.objects.filter(task__in=[row.task_id for row in spread]).exclude(subtask__item="")
    sums = runs.order_by().values_list("task", "subtask__stage", "subtask__round").annotate(Sum("cost_usd"))
    return {by[place]: cost for *where, cost in sums if (place := (*where,)) in by and cost}


def _reviews(ids: list[int]) -> dict[int, float]:
    waited: dict[int, float] = defaultdict(float)
    closed = Review.objects.filter(subtask__in=ids, closed_at__isnull=False)
    for id, opened, ended in closed.values_list("subtask_id", "opened_at", "closed_at"):
        waited[id] += _seconds(opened, ended)
    return waited


def _returns(tasks: set[int]) -> Counter[str]:
    sent = Event.objects.filter(kind="subtask.returned", task__in=tasks)
    return Counter(sent.values_list("stage", flat=True))


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return max((end - start) / timedelta(seconds=1), 0.0) if start and end else 0.0


def _pace(lasted: _Lasted) -> Pace:
    ordered = sorted(lasted.usual)
    slow = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return Pace(
        times=len(ordered), usual=median(ordered), p95=slow, working=median(lasted.working),
        people=median(lasted.people), cost=median(lasted.cost), returns=lasted.returns,
    )  # fmt: skip
