"""What one task looks like on the board and in its list: its why, its stage, its time and its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max

from clawbot import words
from clawbot.people import names
from clawbot.people.models import User
from tasks import clock, costs, why
from tasks.costs import Cost
from tasks.models import Review, Run, Subtask, Task
from tasks.people import policy
from tasks.why import Why
from tasks.workflow.graph import UNDO

from . import queue
from .pace import Pace, pace

ABBREVIATIONS = {"seo": "SEO", "qa": "QA", "api": "API", "crm": "CRM", "sku": "SKU"}


def stage_title(name: str) -> str:
    """A stage's name as people read it: fact_check is "Fact check", seo "SEO", pay.undo "Take back pay"."""
    bare, undo = name.removesuffix(UNDO), name.endswith(UNDO)
    said = " ".join(ABBREVIATIONS.get(word, word) for word in bare.replace("-", "_").split("_"))
    return f"Take back {said}" if undo else said[:1].upper() + said[1:]


def for_you(user: User | AnonymousUser, review: Review) -> bool:
    """Whether this review waits for this person: they may decide it, their answer would still count, and
    nobody else has it."""
    me = f"user:{user.username}"
    return review.owner in {"", me} and queue.decides(user, review) and queue.wants(review, user)


@dataclass(frozen=True)
class Card:
    """One task as one person sees it."""

    task: Task
    why: Why
    cost: Cost
    pace: Pace | None
    moved_at: datetime
    yours: bool

    @property
    def row(self) -> Subtask | None:
        """The stage it is at."""
        return self.why.row

    @property
    def lane(self) -> str:
        """The board's column it stands in: of several stages at once, the furthest back."""
        if self.task.status != Task.Status.DOING:
            return self.task.status
        if self.why.at:
            return self.why.at[0]
        return self.row.stage.removesuffix(UNDO) if self.row else ""

    @property
    def stage(self) -> str:
        """The stage's name as people read it."""
        return stage_title(self.lane) if self.row else ""

    @property
    def others(self) -> list[str]:
        """The other stages that it is at: parallel branches."""
        return [stage_title(name) for name in self.why.at[1:]]

    @property
    def kind(self) -> str:
        """Where it stands among tasks of all workflows."""
        if self.why.undoing and self.why.review is None:
            return "undoing"
        return {"held": "queued", "returned": "queued", "failed": "stalled"}.get(self.status, self.status)

    @property
    def portion(self) -> float:
        """Percent of its items that have passed."""
        items = self.why.items
        return round(100 * items.passed / items.of, 1) if items and items.of else 0.0

    @property
    def status(self) -> str:
        """Its condition for icon and colour. What is held shows that it is; what waits for a person
        can still be decided, so it shows that."""
        held = self.why.paused and self.why.condition in {"queued", "running", "returned"}
        if held and not (self.row and self.row.status == Subtask.Status.DOING):
            return "held"
        if self.task.outcome == Task.Ending.CANCELLED:
            return "cancelled"  # done, but nothing to be glad of
        return self.why.condition

    @property
    def word(self) -> str:
        """The condition in words."""
        if self.why.review is None and self.status in {"running", "queued"}:
            if self.why.undoing:
                return "Taking back"
            if self.why.waits_for:
                return f"Waits for {'an answer' if self.why.waits_for == 'answer' else self.why.waits_for}"
        match self.status:
            case "waiting":
                return f"Waiting for {self.waits_for}"
            case "returned":
                return self.why.text.partition(",")[0].rstrip(".")
            case "failed":
                return "Out of attempts"
        return self.status.capitalize()

    @property
    def waits_for(self) -> str:
        """You, Ben, or the group that decides."""
        review = self.why.review
        if self.yours or review is None:
            return "you"
        return names.who(review.owner).name if review.owner else policy.whom(review.deciders)

    @property
    def is_tinted(self) -> bool:
        """Colour is spent on what needs you, or an operator."""
        return self.yours or self.status in {"stalled", "failed"}

    @property
    def since(self) -> datetime | None:
        """When it came to where it is."""
        if self.task.status == Task.Status.BACKLOG:
            return None
        if self.why.review:
            return self.why.review.opened_at
        if self.status == "running" and self.row:
            return self.row.started_at
        return self.moved_at

    @property
    def seconds(self) -> float:
        """How long it has been there."""
        return (clock.now() - self.since).total_seconds() if self.since else 0.0

    @property
    def about(self) -> str:
        """The usual time after "12 min of about": the unit is said once where both have the same."""
        if self.pace is None:
            return ""
        amount, _, unit = words.duration(self.pace.usual).partition(" ")
        same = words.duration(self.seconds).partition(" ")[2] == unit
        return amount if same else f"{amount} {unit}"

    @property
    def is_late(self) -> bool:
        """Over what nineteen of twenty took."""
        return self.pace is not None and self.seconds > self.pace.p95

    @property
    def fill(self) -> float:
        """Percent of the history bar that is filled; the bar ends where nineteen of twenty ended."""
        return min(100.0, self._percent(self.seconds))

    @property
    def tick(self) -> float:
        """Percent of the history bar where the usual time is."""
        return min(98.0, self._percent(self.pace.usual)) if self.pace else 0.0

    def _percent(self, seconds: float) -> float:
        if self.pace is None:
            return 0.0
        end = max(self.pace.p95, self.pace.usual * 1.35, 0.001)
        return round(100 * seconds / end, 1)

    @property
    def took(self) -> float:
        """Seconds from start to end of a finished task."""
        ended = self.task.done_at or clock.now()
        return (ended - (self.task.started_at or self.task.created_at)).total_seconds()


def cards(tasks: Sequence[Task], user: User | AnonymousUser) -> list[Card]:
    """The cards of these tasks, in a fixed number of queries. Tasks come with workflow selected."""
    ids = [task.pk for task in tasks]
    sentences = why.whys(tasks)
    spent = costs.spent_by(Run.objects.filter(task__in=ids), "task")
    moved = dict(
        Subtask.objects.filter(task__in=ids).order_by().values_list("task").annotate(Max("finished_at"))
    )
    times = {workflow: pace(workflow) for workflow in {task.workflow_id for task in tasks}}
    return [
        Card(
            task=task,
            why=(reason := sentences[task.pk]),
            cost=spent.get(task.pk, costs.NOTHING),
            pace=times[task.workflow_id].get(reason.row.stage) if reason.row else None,
            moved_at=moved.get(task.pk) or task.started_at or task.created_at,
            yours=bool(reason.review and for_you(user, reason.review)),
        )
        for task in tasks
    ]
