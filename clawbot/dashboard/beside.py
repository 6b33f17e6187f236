"""What a task has beside its line of stages: items, tasks it waits for, answers, and what is taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from tasks import access
from tasks.items import Items
from tasks.models import Event, Message, Review, Subtask, Task
from tasks.standing import of_tries
from tasks.workflow.graph import UNDO

from .cards import stage_title

S = Subtask.Status
MOST_CHILDREN = 20  # named one by one; a fan-out into tasks lists the others under its items


@dataclass(frozen=True)
class Answer:
    """A stage that waits for another system."""

    title: str
    why: str
    asked: str  # whom
    since: datetime | None
    until: datetime


@dataclass(frozen=True)
class Back:
    """One stage that is taken back."""

    title: str
    agent: str
    state: str  # done, current, later, waiting, left
    text: str
    review: Review | None = None


@dataclass(frozen=True)
class TakingBack:
    """The compensation of a task: newest first."""

    why: str
    is_over: bool
    rows: list[Back] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many are still to be taken back."""
        return sum(row.state in {"current", "later", "waiting"} for row in self.rows)

    @property
    def title(self) -> str:
        """What the section is called."""
        if any(row.state == "left" for row in self.rows):
            return "Not all was taken back"
        if self.is_over or not self.left:
            return "Taken back"
        return f"Taking back, {self.left} left"


def answers(task: Task, rows: Iterable[Subtask]) -> list[Answer]:
    """The stages that wait for an answer: what was asked, since when, until when."""
    waiting = [row for row in rows if row.awaits == Subtask.Awaits.MESSAGE]
    if not waiting:
        return []
    sent: dict[int | None, Message] = {
        one.subtask_id: one
        for one in Message.objects.filter(subtask__in=waiting, direction="out").order_by("id")
    }
    return [
        Answer(
            stage_title(row.stage), row.reason,
            str(sent[row.pk].envelope.get("to", "")) if row.pk in sent else "",
            sent[row.pk].at if row.pk in sent else row.started_at, row.not_before,
        )
        for row in waiting
    ]  # fmt: skip


def children(task: Task, user: Any) -> list[Task]:
    """The newest tasks that this one injected and this person sees; `asks` where one waits for a person."""
    asks = Exists(Review.objects.filter(task=OuterRef("pk"), open=1))
    found = access.seen(Task, user).filter(parent__task=task).select_related("parent", "workflow")
    return list(found.annotate(asks=asks).order_by("-id")[:MOST_CHILDREN])


def taking_back(task: Task, rows: Sequence[Subtask], items: Mapping[str, Items]) -> TakingBack | None:
    """What is, or was, taken back; None where nothing ever was. `rows` are the undo rows of whole stages,
    `items` tell of stages whose items are taken back one by one."""
    if not task.undoing_at:
        return None
    said = Event.objects.filter(task=task, kind="task.undoing").order_by("-id").first()
    reviews = {one.subtask_id: one for one in Review.objects.filter(task=task, open=1, subtask__in=rows)}
    found = [(row.pk, _back(row, task, reviews.get(row.pk))) for row in rows]
    order = list(said.data.get("stages", [])) if said else []
    listed = [back for _, back in sorted(found, key=lambda one: one[0])]
    for stage in dict.fromkeys(order):
        counted = items.get(f"{stage}{UNDO}")
        if counted:
            listed.append(_many(stage, counted))
    why = str(said.data.get("why", "")) if said else ""
    return TakingBack(why, is_over=task.status == Task.Status.DONE, rows=listed)


def _back(row: Subtask, task: Task, review: Review | None) -> Back:
    title, text = stage_title(row.stage.removesuffix(UNDO)), ""
    match row.status:
        case S.DONE:
            state = "done"
        case S.WAITING:
            state, text = "waiting", row.reason
        case S.DOING | S.READY:
            state = "current"
            text = f"attempt {row.attempts}{of_tries(row, task)}" if row.attempts > 1 else row.reason
        case S.SKIPPED | S.CANCELLED:
            state, text = "left", row.reason or "left as it is"
        case _:
            state = "later"
    return Back(title, row.agent, state, text, review)


def _many(stage: str, counted: Items) -> Back:
    state = "done" if counted.passed == counted.of else "waiting" if counted.waiting else "current"
    return Back(stage_title(stage), "", state, f"{counted.done:,} of {counted.of:,} items")
