"""The items of stages that fan out: counted by the database and read a page at a time, never all at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from .models import Subtask, Task

S = Subtask.Status

#: what a person looks for first comes first
_RANKS = {S.WAITING: 0, S.SKIPPED: 1, S.CANCELLED: 1, S.DOING: 2, S.READY: 3, S.BLOCKED: 4, S.DONE: 5}


@dataclass(frozen=True)
class Items:
    """How many items a stage has, and how they are."""

    of: int = 0
    done: int = 0
    skipped: int = 0
    waiting: int = 0  # for a person
    doing: int = 0

    @property
    def passed(self) -> int:
        """Those that nothing more happens to."""
        return self.done + self.skipped


def counts(tasks: Collection[int]) -> dict[tuple[int, str], Items]:
    """The items of every stage of these tasks that has any, by task and stage: one query."""
    rows: Any = (
        Subtask.objects.filter(task__in=tasks, live=1)
        .exclude(item="")
        .order_by()
        .values_list("task_id", "stage", "status")
        .annotate(Count("id"))
    )
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for task, stage, status, number in rows:
        found[task, stage][status] = number
    return {place: _items(by) for place, by in found.items()}


def of_rows(rows: Iterable[Subtask]) -> dict[str, Items]:
    """The same from the rows of one task's items, by stage."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row.stage][row.status] += 1
    return {stage: _items(by) for stage, by in found.items()}


def _items(by: Mapping[str, int]) -> Items:
    return Items(
        of=sum(by.values()), done=by.get(S.DONE, 0), skipped=by.get(S.SKIPPED, 0),
        waiting=by.get(S.WAITING, 0), doing=by.get(S.DOING, 0),
    )  # fmt: skip


def ranked(task: Task, stage: str, *, status: str = "") -> QuerySet[Subtask]:
    """The items of one stage: those that wait for a person or were given up first, done ones last."""
    rows = task.subtasks.filter(live=1, stage=stage).exclude(item="")
    if status:
        rows = rows.filter(status=status)
    ranks = [When(status=name, then=Value(rank)) for name, rank in _RANKS.items()]
    return rows.annotate(rank=Case(*ranks, default=Value(9), output_field=IntegerField())).order_by(
        "rank", "item"
    )


def number(item: str) -> str:
    """An item's place as people say it: "00003" is 3."""
    return item.lstrip("0") or item
