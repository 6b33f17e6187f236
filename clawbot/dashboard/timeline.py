"""The waterfall of a task: who worked when, what waited in a queue, what waited for a person.

Idle stretches are folded, so that the work keeps its width. The items of a stage that fans out are one
row, summed by the database. Everything is in percent of the chart's width;
templates/parts/_waterfall.html draws it as SVG.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, DurationField, F, Max, Min, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from clawbot import words
from clawbot.people import names
from tasks import clock, costs, items
from tasks.costs import Cost
from tasks.models import Review, Run, Task
from tasks.people import policy
from tasks.workflow.graph import UNDO

from .cards import stage_title

FOLD_SECONDS = 20 * 60  # idle for longer than this is folded, and
FOLD_SHARE = 2  # so is what is longer than twice all the work: a short demo stays readable as well
LEAST_FOLD_SECONDS = 10.0
FOLD_WIDTH = 0.22  # of the chart
LEAST_WIDTH = 0.6  # percent: a bar of a moment is still seen
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
MOST_STEPS = 200  # looked at for labels
MOST_REVIEWS = 40  # a fan-out may ask hundreds of times

RESULTS = {
    Run.Status.RETURNED: "returned",
    Run.Status.ESCALATED: "waiting",
    Run.Status.RETRIED: "warn",
    Run.Status.FAILED: "failed",
    Run.Status.ASKED: "queued",
    Run.Status.LOST: "failed",
    Run.Status.STOPPED: "paused",
    Run.Status.DISCARDED: "paused",
    Run.Status.DOING: "running",
}


@dataclass(frozen=True)
class Bar:
    """A stretch of one row: working, queued, person or call."""

    kind: str
    x: float
    width: float


@dataclass
class Row:
    """One line of the chart."""

    kind: str  # run, calls, person
    by: str
    name: str
    more: str = ""
    bars: list[Bar] = field(default_factory=list)
    condition: str = ""
    result: str = ""
    cost: Cost = costs.NOTHING
    fold: tuple[float, str] | None = None


@dataclass(frozen=True)
class Tick:
    """One time on the axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Waterfall:
    """The whole chart."""

    rows: list[Row]
    ticks: list[Tick]
    end: str
    runs: int
    seconds: float  # of work

    @property
    def costs(self) -> bool:
        """Whether anything was spent."""
        return any(row.cost for row in self.rows)


class Axis:
    """Maps moments to percent; stretches in which nobody worked are folded to a fixed width."""

    def __init__(self, start: datetime, end: datetime, busy: Iterable[tuple[datetime, datetime]]) -> None:
        self.start = start
        self.end = max(end, start + timedelta(seconds=1))
        self.folds = list(self._folds(sorted(busy)))
        folded = sum(((b - a).total_seconds() for a, b in self.folds), 0.0)
        open_seconds = max((self.end - self.start).total_seconds() - folded, 0.001)
        self.fold_width = min(FOLD_WIDTH, 0.5 / len(self.folds)) * 100 if self.folds else 0.0
        self.scale = (100 - self.fold_width * len(self.folds)) / open_seconds

    def _folds(self, busy: list[tuple[datetime, datetime]]) -> Iterable[tuple[datetime, datetime]]:
        work = sum(((end - start).total_seconds() for start, end in busy), 0.0)
        least = min(FOLD_SECONDS, max(FOLD_SHARE * work, LEAST_FOLD_SECONDS))
        edge = self.start
        for start, end in [*busy, (self.end, self.end)]:
            idle = (start - edge).total_seconds()
            if idle > least:
                # Both ends of the wait stay to be seen.
                rim = timedelta(seconds=min(max(work * 0.08, 1.0), idle / 4))
                yield edge + rim, start - rim
            edge = max(edge, end)

    def x(self, moment: datetime) -> float:
        """Percent from the left."""
        moment = min(max(moment, self.start), self.end)
        x = (moment - self.start).total_seconds() * self.scale
        for start, end in self.folds:
            if moment > start:
                inside = (min(moment, end) - start) / (end - start)
                x += inside * self.fold_width - (min(moment, end) - start).total_seconds() * self.scale
        return round(x, 2)

    def bar(self, kind: str, start: datetime, end: datetime) -> Bar:
        """A bar between two moments, wide enough to be seen."""
        x = self.x(start)
        width = max(self.x(end) - x, LEAST_WIDTH)
        return Bar(kind, round(min(x, 100 - width), 2), round(width, 2))

    @property
    def step(self) -> int:
        """Seconds between two times on the axis: at most four before the first fold."""
        first_fold = self.folds[0][0] if self.folds else self.end
        span = (first_fold - self.start).total_seconds()
        return next((step for step in STEPS if span / step <= 4), STEPS[-1])

    def label(self, moment: datetime) -> str:
        """A time of day, with seconds where the steps are smaller than a minute."""
        local = timezone.localtime(moment)
        return f"{local:%H:%M:%S}" if self.step < 60 else f"{local:%H:%M}"

    def ticks(self) -> list[Tick]:
        """A few round times, none inside a fold and none on top of another."""
        room = 16 if self.step < 60 else 12  # percent that a label needs
        local = timezone.localtime(self.start)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        first = int((local - midnight).total_seconds() // self.step) + 1
        found = [Tick(0, self.label(self.start))]
        for count in range(first, first + MOST_STEPS):
            moment = midnight + timedelta(seconds=self.step * count)
            x = self.x(moment)
            hidden = any(start <= moment <= end for start, end in self.folds)
            if moment < self.end and not hidden and x - found[-1].x > room and x < 98 - room:
                found.append(Tick(x, self.label(moment)))
        return found


@dataclass(frozen=True)
class Spread:
    """All runs of one stage's items in one round."""

    stage: str
    agent: str
    runs: int
    items: int
    started_at: datetime
    ended_at: datetime | None  # None while one of them goes on
    seconds: float
    cost: Cost


def waterfall(task: Task) -> Waterfall | None:
    """The chart of a task; None before its first run."""
    mine = task.runs.filter(subtask__item="").defer("brief").select_related("subtask")
    runs = list(mine.order_by("started_at", "id"))
    spreads = _spreads(task)
    reviews = list(task.reviews.select_related("subtask").order_by("opened_at", "id")[:MOST_REVIEWS])
    if not runs and not reviews and not spreads:
        return None
    now = task.done_at or clock.now()
    busy = [(run.started_at, run.ended_at or now) for run in runs]
    busy += [(one.started_at, one.ended_at or now) for one in spreads]
    moments = [start for start, _ in busy] + [review.opened_at for review in reviews]
    first = task.starts_at or task.created_at
    # What lay in the backlog is not part of the story; a short queue before the first run is.
    start = first if min(moments) - first < timedelta(seconds=FOLD_SECONDS / 2) else min(moments)
    axis = Axis(min([start, *moments]), now, busy)
    ended = [one.ended_at for one in runs if one.ended_at] + [
        one.closed_at for one in reviews if one.closed_at
    ]
    entries = sorted(
        [*((run.started_at, _run_rows(axis, run, now, _queued_at(run, ended, axis.start))) for run in runs),
         *((one.started_at, [_spread_row(axis, one, now)]) for one in spreads),
         *((review.opened_at, [_person_row(axis, review, now)]) for review in reviews)],
        key=lambda entry: entry[0],
    )  # fmt: skip
    return Waterfall(
        rows=[row for _, rows in entries for row in rows],
        ticks=axis.ticks(),
        end=axis.label(axis.end),
        runs=len(runs) + sum(one.runs for one in spreads),
        seconds=sum(((run.ended_at or now) - run.started_at).total_seconds() for run in runs)
        + sum(one.seconds for one in spreads),
    )


def _spreads(task: Task) -> list[Spread]:
    """The runs of items, stage by stage and round by round."""
    now = clock.now()
    rows: Any = task.runs.exclude(subtask__item="").order_by().values(
        "subtask__stage", "subtask__round", "agent"
    ).annotate(
        runs=Count("id"), count=Count("subtask", distinct=True), start=Min("started_at"),
        end=Max("ended_at"), going=Count("id", filter=Q(ended_at=None)), usd=Sum("cost_usd"),
        unpriced=Count("id", filter=costs.UNPRICED),
        lasted=Sum(
            Coalesce(F("ended_at"), Value(now, output_field=DateTimeField())) - F("started_at"),
            output_field=DurationField(),
        ),
    )  # fmt: skip
    return [
        Spread(
            stage=row["subtask__stage"], agent=row["agent"], runs=row["runs"], items=row["count"],
            started_at=row["start"], ended_at=None if row["going"] else row["end"],
            seconds=row["lasted"].total_seconds() if row["lasted"] else 0.0,
            cost=Cost(row["usd"], row["unpriced"]),
        )
        for row in rows
    ]  # fmt: skip


def _spread_row(axis: Axis, one: Spread, now: datetime) -> Row:
    count = f"{one.items:,} item" + ("" if one.items == 1 else "s")
    more = f", {one.runs:,} runs" if one.runs > one.items else ""
    return Row(
        kind="run", by=f"agent:{one.agent}", name=one.agent, more=f"×{one.items:,}",
        bars=[axis.bar("working", one.started_at, one.ended_at or now)],
        condition="" if one.ended_at else "running",
        result=f"{stage_title(one.stage)}: {count}{more}, {words.duration(one.seconds)} of work",
        cost=one.cost,
    )  # fmt: skip


def _queued_at(run: Run, ended: list[datetime], start: datetime) -> datetime:
    """When this run's stage could have started: when what came before it, a run or a wait, ended."""
    return max((moment for moment in ended if moment <= run.started_at), default=start)


def _run_rows(axis: Axis, run: Run, now: datetime, queued_at: datetime) -> list[Row]:
    row = Row(
        kind="run", by=f"agent:{run.agent}", name=run.agent,
        more=f"v{run.agent_version}" if run.agent_version else "",
        condition=RESULTS.get(Run.Status(run.status), ""), result=_result(run), cost=costs.of_run(run),
    )  # fmt: skip
    waited = (run.started_at - queued_at).total_seconds()
    if axis.scale * waited > LEAST_WIDTH and waited < FOLD_SECONDS:
        row.bars.append(axis.bar("queued", queued_at, run.started_at))
    row.bars.append(axis.bar("working", run.started_at, run.ended_at or now))
    return [row, *_calls(axis, run)]


def _result(run: Run) -> str:
    if run.subtask.stage.endswith(UNDO):
        return f"{stage_title(run.subtask.stage)}: {_came_of(run)}"
    return _came_of(run)


def _came_of(run: Run) -> str:
    if run.status == Run.Status.DOING:
        last = run.notes[-1]["text"] if run.notes else "Working"
        return str(last)
    return run.summary or run.error or run.get_status_display()


def _calls(axis: Axis, run: Run) -> list[Row]:
    """The tools a run used, as ticks under its bar."""
    used = [note for note in run.notes if str(note.get("text", "")).startswith("Used ")]
    names = Counter(note["text"].removeprefix("Used ") for note in used)
    rows = []
    for name, count in names.most_common(2):
        at = [datetime.fromisoformat(note["at"]) for note in used if note["text"] == f"Used {name}"]
        bars = [Bar("call", min(axis.x(moment), 99.4), 0.6) for moment in at]
        rows.append(Row(kind="calls", by="", name=name, more=f"×{count}", bars=bars))
    return rows


def _person_row(axis: Axis, review: Review, now: datetime) -> Row:
    end = review.closed_at or now
    by = review.owner or "agent:human"
    row = Row(
        kind="person", by=by, name=_waits_for(review),
        more=f"item {items.number(review.subtask.item)}" if review.subtask.item else "",
        bars=[axis.bar("person", review.opened_at, end)],
        condition="waiting" if review.open else "", result=_waited(review, end),
    )  # fmt: skip
    for start, stop in axis.folds:
        left, right = max(start, review.opened_at), min(stop, end)
        if right > left:
            middle = round((axis.x(left) + axis.x(right)) / 2, 2)
            row.fold = (middle, f"{words.duration(right - left)} folded")
    return row


def _waits_for(review: Review) -> str:
    who = names.who(review.owner).name if review.owner else policy.whom(review.deciders)
    return f"Waiting for {who}" if review.open else f"Waited for {who}"


def _waited(review: Review, end: datetime) -> str:
    length = words.duration(end - review.opened_at)
    return f"{length} so far" if review.open else length
