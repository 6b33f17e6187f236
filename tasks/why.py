"""Why a task is where it is and what happens next without you: one sentence, made in one place.

Card, page, API, Slack and command line show exactly this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from agents.models import Agent

from . import clock
from .models import Decision, Event, Hold, Review, Subtask, Task

S = Subtask.Status
STALLED_KINDS = {Review.Kind.STALLED}
FAILED_KINDS = {Review.Kind.ATTEMPTS, Review.Kind.POISON}


@dataclass(frozen=True)
class Why:
    """`condition` is one of queued, running, waiting, returned, stalled, failed, done; `paused` lies
    over any of them."""

    condition: str
    text: str
    next: str = ""
    due_at: datetime | None = None
    review: Review | None = None
    row: Subtask | None = None  # the stage it is at
    hold: Hold | None = None

    @property
    def paused(self) -> bool:
        """Whether a hold covers the task."""
        return self.hold is not None

    @property
    def sentence(self) -> str:
        """Where it is, then what comes next."""
        return f"{self.text} {self.next}".strip()


def why(task: Task) -> Why:
    """The sentence of one task."""
    return whys([task])[task.pk]


def whys(tasks: Sequence[Task]) -> dict[int, Why]:
    """The sentences of many tasks, in a fixed number of queries."""
    ids = [task.pk for task in tasks]
    rows: dict[int, list[Subtask]] = defaultdict(list)
    for row in Subtask.objects.filter(task__in=ids, live=1).order_by("position", "item"):
        rows[row.task_id].append(row)
    open_reviews = {
        r.task_id: r
        for r in Review.objects.filter(task__in=ids, open=1).select_related("artifact").order_by("-due_at")
    }
    decided = {
        d.review.task_id: d
        for d in Decision.objects.filter(
            review__task__in=ids, released_at=None, undone_at=None
        ).select_related("review")
    }
    returned = _returned(ids)
    holds = list(Hold.objects.filter(open=1))
    names = _names(open_reviews.values(), decided.values(), holds) | _titles()
    now = clock.now()
    return {
        task.pk: _one(
            task,
            rows[task.pk],
            open_reviews.get(task.pk),
            decided.get(task.pk),
            returned.get(task.pk),
            holds,
            names,
            now,
        )
        for task in tasks
    }


def _returned(ids: list[int]) -> dict[int, Event]:
    """The latest return of each task."""
    events = Event.objects.filter(task__in=ids, kind="subtask.returned").order_by("id")
    return {event.task_id: event for event in events if event.task_id}


def _names(*groups: Iterable[Any]) -> dict[str, str]:
    """What people are called, for every user:name that the sentences mention."""
    words: set[str] = set()
    for group in groups:
        for thing in group:
            words |= {getattr(thing, "owner", ""), getattr(thing, "by", ""), getattr(thing, "placed_by", "")}
    users = get_user_model().objects.filter(
        username__in=[word.removeprefix("user:") for word in words if word]
    )
    return {f"user:{user.username}": user.first_name or user.username for user in users}


def _titles() -> dict[str, str]:
    """What agents are called, by slug."""
    titles = Agent.objects.order_by().exclude(active=None).values_list("slug", "active__definition__title")
    return {slug: title for slug, title in titles if title}


def _one(
    task: Task,
    rows: list[Subtask],
    review: Review | None,
    decision: Decision | None,
    returned: Event | None,
    holds: list[Hold],
    names: dict[str, str],
    now: datetime,
) -> Why:
    hold = _hold_over(task, rows, holds)
    if task.status == Task.Status.DONE:
        return _ended(task, rows)
    if review is not None:
        row = next((row for row in rows if row.pk == review.subtask_id), None)
        return Why(_condition(review), review.why, _then(review, names), review.due_at, review, row, hold)
    doing = [row for row in rows if row.status == S.DOING]
    if decision is not None:
        name = names.get(decision.by, decision.by)
        return Why(
            "running",
            f"{name} approved it.",
            _release(decision, doing, now),
            None,
            None,
            next((row for row in rows if row.pk == decision.review.subtask_id), None),
            hold,
        )
    ready = [row for row in rows if row.status == S.READY]
    if doing:
        return _running(doing, returned, hold, names)
    if ready:
        return _ready(task, ready[0], returned, hold, names, now)
    return _backlog(task, rows, hold, names)


def _ended(task: Task, rows: list[Subtask]) -> Why:
    last = rows[-1] if rows else None
    if task.outcome == Task.Ending.CANCELLED:
        return Why("done", "Cancelled. Everything made so far is kept.", row=last)
    return Why("done", f"Done: {(task.stage_status or 'all stages passed').replace('_', ' ')}.", row=last)


def _condition(review: Review) -> str:
    if review.kind in STALLED_KINDS:
        return "stalled"
    return "failed" if review.kind in FAILED_KINDS else "waiting"


def _then(review: Review, names: dict[str, str]) -> str:
    who = names.get(review.owner, "") or f"Any {review.deciders.get('group', 'operators')[:-1]}"
    if not review.ladder or review.rung >= len(review.ladder):
        return f"{who} decides; nothing moves until then."
    rung = review.ladder[review.rung]
    after = f"goes to {rung['escalate']} as well" if rung.get("escalate") else "a reminder goes out"
    return f"{who} decides; when it is due, {after}."


def _release(decision: Decision, doing: list[Subtask], now: datetime) -> str:
    if doing:
        return "It is released when the new version has been rendered."
    left = max(0, round((decision.release_at - now).total_seconds()))
    return f"It is released in {left} s unless somebody takes it back." if left else "It is being released."


def _running(doing: list[Subtask], returned: Event | None, hold: Hold | None, names: dict[str, str]) -> Why:
    row = doing[0]
    agents = list(dict.fromkeys(_agent(one, names) for one in doing))
    tries = f", attempt {row.attempts} of {row.max_attempts}" if row.attempts > 1 else ""
    verb = "works" if len(agents) == 1 else "work"
    text = f"{_back(row, returned)}{' and '.join(agents[:3])} {verb} on it{tries}."
    return Why("running", text, "It finishes, then the task is held." if hold else "", row=row, hold=hold)


def _agent(row: Subtask, names: dict[str, str]) -> str:
    """What the agent of a stage is called, at the start of a sentence."""
    title = names.get(row.agent) or row.agent.replace("_", " ").replace("-", " ")
    return title[:1].upper() + title[1:]


def _back(row: Subtask, returned: Event | None) -> str:
    if returned is None or returned.data.get("round") != row.round or returned.data.get("to") != row.stage:
        return ""
    who = returned.by.partition(":")[2] or returned.by
    count = returned.data.get("requests", 0)
    wishes = "one change asked" if count == 1 else f"{count} changes asked"
    return f"Returned by {who.capitalize()}, {wishes}. "


def _ready(
    task: Task, row: Subtask, returned: Event | None, hold: Hold | None, names: dict[str, str], now: datetime
) -> Why:
    stage = row.stage.replace("_", " ")
    if hold is not None:
        return Why(
            "queued", f"{_back(row, returned)}Ready for {stage}.", _held(hold, names), row=row, hold=hold
        )
    if row.reason and row.attempts and row.not_before > now:
        wait = _span(row.not_before - now)
        return Why(
            "queued",
            f"{row.reason}",
            f"Try {row.attempts + 1} of {row.max_attempts} at {stage} in {wait}.",
            row=row,
        )
    if back := _back(row, returned):
        return Why("returned", back.strip(), f"{_agent(row, names)} is next.", row=row)
    if row.reason and row.attempts:
        return Why("queued", row.reason, f"{_agent(row, names)} tries again next.", row=row)
    start = f"{_agent(row, names)} starts as soon as a worker is free."
    return Why("queued", f"Ready for {stage}.", start, row=row)


def _backlog(task: Task, rows: list[Subtask], hold: Hold | None, names: dict[str, str]) -> Why:
    row = next((row for row in rows if row.status == S.BLOCKED), None)
    if task.status == Task.Status.BACKLOG:
        if task.starts_at:
            return Why(
                "queued", "In the backlog.", "It starts at its time.", task.starts_at, row=row, hold=hold
            )
        return Why(
            "queued", "In the backlog.", "The schedule starts it, or start it by hand.", row=row, hold=hold
        )
    return Why("queued", f"Waits for {row.needs_left if row else 0} earlier stages.", "", row=row, hold=hold)


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


def _held(hold: Hold, names: dict[str, str]) -> str:
    until = "until it is resumed" if hold.until is None else "until its time comes"
    return f"Paused by {names.get(hold.placed_by, hold.placed_by)}: {hold.why}. It stays {until}."


def _span(delta: timedelta) -> str:
    seconds = round(delta.total_seconds())
    if seconds < 90:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
