"""Where tasks stand: all that `why` needs to know of them, gathered in a fixed number of queries.

A stage that fans out counts as its own row; of its items only the numbers are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Subquery

from agents.models import Agent

from . import access, clock, injection, items
from .items import Items
from .models import Decision, Event, Hold, Review, Subtask, Task
from .people import asked, quorum
from .workflow.graph import UNDO
from .workflow.shape import HUMAN

S = Subtask.Status


@dataclass
class Standing:
    """One task with what is known of it."""

    task: Task
    now: datetime
    names: dict[str, str]  # of people and agents, as sentences call them
    rows: list[Subtask] = field(default_factory=list)  # the current row of each stage, in the file's order
    review: Review | None = None  # the open one that is due first
    needs: str = ""  # who approved it and who is still needed, where one answer is not enough
    asked: str = ""  # what that review asks, as it is now
    reviews: int = 0  # how many are open
    decision: Decision | None = None  # not released yet
    returned: Event | None = None
    hold: Hold | None = None
    items: dict[str, Items] = field(default_factory=dict)
    children: dict[int, Task] = field(default_factory=dict)  # by the row that waits for it
    undone_why: str = ""
    limit: str = ""  # which limit of its workflow keeps it in the backlog

    @property
    def stages(self) -> list[Subtask]:
        """Without what takes them back."""
        return [row for row in self.rows if not is_undo(row)]

    @property
    def undo(self) -> list[Subtask]:
        """The rows that take back, in the order in which they run."""
        return sorted((row for row in self.rows if is_undo(row)), key=lambda row: row.pk)

    @property
    def active(self) -> list[Subtask]:
        """Where the task is: stages in somebody's hands, next in line, or waiting for something outside
        of it. The furthest back comes first."""
        return [row for row in self.rows if is_active(row)]

    def who(self, row: Subtask) -> str:
        """What the agent of a stage is called, at the start of a sentence."""
        return capital(self.names.get(row.agent) or row.agent.replace("_", " ").replace("-", " "))


def is_undo(row: Subtask) -> bool:
    """Whether this row takes back another stage."""
    return row.stage.endswith(UNDO)


def is_skipped_gate(row: Subtask) -> bool:
    """Whether people were to approve here and somebody went on without them."""
    return row.agent == HUMAN and row.status == S.SKIPPED and not row.passed_over


def of_tries(row: Subtask, task: Task) -> str:
    """ " of 3", how many tries a stage has; nothing where its file lets it try for ever."""
    stage = task.workflow_version.stage(row.stage)
    return "" if stage.get("on_failure") == "retry" else f" of {row.max_attempts}"


def is_active(row: Subtask) -> bool:
    """Whether this row is under way, not only laid out for later."""
    if row.status == S.BLOCKED:
        return row.spread is not None or bool(row.awaits)
    return row.status in Subtask.OPEN


def stage_name(row: Subtask) -> str:
    """The stage a row belongs to; for one that takes back, the stage that it takes back."""
    return row.stage.removesuffix(UNDO)


def capital(text: str) -> str:
    """With a capital letter in front; the rest stays."""
    return text[:1].upper() + text[1:]


def gather(tasks: Sequence[Task]) -> list[Standing]:
    """What is known of these tasks."""
    ids = [task.pk for task in tasks]
    rows: dict[int, list[Subtask]] = defaultdict(list)
    # The undo of an item is counted like an item.
    live = Subtask.objects.filter(task__in=ids, live=1, item="").defer("given", "requests")
    for row in live.order_by("position", "pk"):
        rows[row.task_id].append(row)
    reviews, open_ones = _reviews(ids)
    told = asked.tell(reviews.values())
    asks = {one.task_id: told[one.pk] for one in reviews.values()}
    said_of = quorum.sentences(reviews.values())
    decided = {one.review.task_id: one for one in _decided(ids)}
    returned = _latest(ids, "subtask.returned")
    undone = _latest([task.pk for task in tasks if task.undoing_at], "task.undoing")
    holds = list(Hold.objects.filter(open=1))
    names = _names(reviews.values(), decided.values(), holds) | _titles()
    counted = items.counts(_with_items(tasks, rows))
    children = _children([row.pk for mine in rows.values() for row in mine if row.awaits == row.Awaits.CHILD])
    limit = cache(injection.full)
    now = clock.now()
    needs = {one.task_id: said for one in reviews.values() if (said := said_of.get(one.pk))}
    return [
        Standing(
            task, now, names, rows[task.pk], reviews.get(task.pk), needs.get(task.pk, ""),
            asks.get(task.pk, ""), open_ones.get(task.pk, 0), decided.get(task.pk), returned.get(task.pk),
            _hold_over(task, rows[task.pk], holds),
            {stage: found for (owner, stage), found in counted.items() if owner == task.pk}
            if counted else {},
            children, str(undone[task.pk].data.get("why", "")) if task.pk in undone else "",
            limit(task.workflow) if _is_due(task, now) else "",
        )
        for task in tasks
    ]  # fmt: skip


def standing_then(
    task: Task,
    rows: Sequence[Subtask],
    *,
    review: Review | None,
    needs: str,
    decision: Decision | None,
    returned: Event | None,
    holds: list[Hold],
    now: datetime,
) -> Standing:
    """How a task stood at an earlier moment, from the rows it had then, items among them."""
    stages = [row for row in rows if not row.item]
    names = _names([review, decision], holds) | _titles()
    counted = items.of_rows([row for row in rows if row.item])
    undone = next((row.given for row in stages if is_undo(row) and row.given), None)
    return Standing(
        task, now, names, stages, review, needs, "", 1 if review else 0, decision, returned,
        _hold_over(task, stages, holds), counted, {}, str(undone.get("why", "")) if undone else "",
    )  # fmt: skip


def _reviews(ids: list[int]) -> tuple[dict[int, Review], dict[int, int]]:
    """The open review of each task that is due first, and how many it has: a fan-out may have hundreds."""
    mine = Review.objects.filter(task=OuterRef("pk"), open=1)
    first = mine.order_by(F("due_at").asc(nulls_last=True), "pk").values("pk")[:1]
    waiting = Task.objects.filter(pk__in=ids, reviews__open=1).order_by()
    found = list(waiting.annotate(first=Subquery(first), count=Count("reviews")).values_list(
        "pk", "first", "count"
    ))  # fmt: skip
    rows = Review.objects.filter(pk__in=[one[1] for one in found]).select_related(
        "artifact", "subtask", "task"
    )
    return {row.task_id: row for row in rows}, {task: number for task, _, number in found}


def _decided(ids: list[int]) -> Any:
    rows = Decision.objects.filter(review__task__in=ids, released_at=None, undone_at=None)
    return rows.select_related("review")


def _latest(ids: list[int], kind: str) -> dict[int, Event]:
    """The latest event of a kind of each task."""
    events = Event.objects.filter(task__in=ids, kind=kind).order_by("id")
    return {event.task_id: event for event in events if event.task_id}


def _with_items(tasks: Sequence[Task], rows: dict[int, list[Subtask]]) -> list[int]:
    """The tasks whose items are worth counting: done ones are told by their stage's own row."""
    return [
        task.pk
        for task in tasks
        if (task.undoing_at and task.status != Task.Status.DONE)
        or any(row.spread is not None and row.status in Subtask.OPEN for row in rows[task.pk])
    ]


def _children(waiting: list[int]) -> dict[int, Task]:
    """The newest task that each of these rows injected; `asks` where it waits for a person."""
    asks = Exists(Review.objects.filter(task=OuterRef("pk"), open=1))
    found = Task.objects.filter(parent__in=waiting).annotate(asks=asks).order_by("pk")
    return {child.parent_id: child for child in found if child.parent_id}


def _is_due(task: Task, now: datetime) -> bool:
    return bool(task.status == Task.Status.BACKLOG and task.starts_at and task.starts_at <= now)


def _names(*groups: Iterable[Any]) -> dict[str, str]:
    """What people are called, for every user:name that the sentences mention."""
    words: set[str] = set()
    for group in groups:
        for thing in group:
            words |= {getattr(thing, "owner", ""), getattr(thing, "by", ""), getattr(thing, "placed_by", "")}
    return access.called(words)


def _titles() -> dict[str, str]:
    """What agents are called, by slug."""
    titles = Agent.objects.order_by().exclude(active=None).values_list("slug", "active__definition__title")
    return {slug: title for slug, title in titles if title}


def _hold_over(task: Task, rows: list[Subtask], holds: list[Hold]) -> Hold | None:
    agents = {row.agent for row in rows if row.status in {S.READY, S.BLOCKED, S.DOING}}
    for hold in holds:
        match hold.scope:
            case Hold.Scope.ALL:
                return hold
            case Hold.Scope.TASK if hold.target == task.key:
                return hold
            case Hold.Scope.WORKFLOW if hold.target == task.workflow.slug:
                return hold
            case Hold.Scope.AGENT if hold.target in agents:
                return hold
    return None
