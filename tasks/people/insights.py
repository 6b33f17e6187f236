"""How people's part of the work goes: how long a text waits for them, how they decide, what they take back.

Everybody is measured together. A person's own figures are for that person alone, whatever anybody's role
(`whose()`), and no part of the whole is shown in which fewer than three people decided, nor one that the
rest would give away (`_told()`). Queries and sums only; the words are the face's.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.db.models import QuerySet
from django.db.models.functions import Length
from django.utils import timezone

from tasks import access, clock, moments
from tasks.models import Artifact, Decision, Event, Review, Workflow

K = TypeVar("K", bound=Hashable)

#: How far back, the present week included.
WEEKS = 12
#: Of fewer people than this nothing is told.
LEAST_PEOPLE = 3
#: A generous reading speed; most people need longer for a text that they have to judge. A word is counted
#: as so many characters with its blank: lengths are quick to ask for, and that holds in any language.
WORDS_A_SECOND = 4
LETTERS_A_WORD = 6
#: Ages of what waits, in seconds: up to an hour, four hours, a day, three days, more.
AGES = (3_600, 4 * 3_600, 86_400, 3 * 86_400)
# Parameters of one query; some databases take no more than a thousand.
CHUNK = 500


@dataclass
class Figures:
    """What was counted in one part of the whole. Times in seconds; None where there is nothing to count."""

    reviews: int = 0  # opened
    reminded: int = 0  # of these, how many needed a reminder
    to_open: tuple[float, float] | None = None  # half are opened within, nine of ten within
    decisions: int = 0
    undone: int = 0
    overridden: int = 0  # stages that a person jumped over or went back to
    to_decide: tuple[float, float] | None = None  # from the first look
    texts: int = 0  # decided on
    returned: int = 0
    read: int = 0  # approvals after the text was opened here and for the first time
    fast: int = 0  # of these, how many came sooner than the text can be read

    @property
    def returns(self) -> float | None:
        """How often a text is returned, on average."""
        return self.returned / self.texts if self.texts else None


@dataclass(frozen=True)
class Part:
    """One week or one workflow. `figures` is None where too few people decided to tell."""

    name: str  # the Monday it begins on, or a workflow's slug
    title: str
    figures: Figures | None


@dataclass(frozen=True)
class Report:
    """The answer to whoever asked. `person` is empty where it is about everybody together."""

    person: str
    since: datetime
    until: datetime
    total: Figures | None
    weeks: list[Part]
    workflows: list[Part]


class _Review(NamedTuple):
    workflow: int
    task: int
    artifact: int | None
    opened_at: datetime
    seen_at: datetime | None
    reminded: bool


class _Decision(NamedTuple):
    by: str
    verb: str
    review: int
    at: datetime
    undone: bool


@dataclass
class _Cell:
    """What one week of one workflow comes to; cells are added up to parts."""

    people: set[str] = field(default_factory=set)
    reviews: int = 0
    reminded: int = 0
    to_open: list[float] = field(default_factory=list)
    decisions: int = 0
    undone: int = 0
    overridden: int = 0
    to_decide: list[float] = field(default_factory=list)
    texts: set[int] = field(default_factory=set)
    returned: int = 0
    read: int = 0
    fast: int = 0

    def add(self, other: _Cell) -> None:
        """Take another cell in."""
        self.people |= other.people
        self.texts |= other.texts
        self.to_open += other.to_open
        self.to_decide += other.to_decide
        for name in ("reviews", "reminded", "decisions", "undone", "overridden", "returned", "read", "fast"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def figures(self) -> Figures:
        """What is told of it."""
        return Figures(
            reviews=self.reviews, reminded=self.reminded, to_open=_spread(self.to_open),
            decisions=self.decisions, undone=self.undone, overridden=self.overridden,
            to_decide=_spread(self.to_decide), texts=len(self.texts), returned=self.returned, read=self.read,
            fast=self.fast,
        )  # fmt: skip


def whose(asker: str, person: str = "") -> str:
    """The one rule about whom figures may be told of: everybody together (empty), or oneself.

    Raises NotAllowed for another person, whatever the role of whoever asks: an admin too.
    """
    if person and (person != asker or not asker.startswith("user:")):
        raise access.NotAllowed(
            "Cannot show another person's figures: they are for that person alone, whatever your role. "
            "Ask for the team's, or for your own."
        )
    return person


def report(asker: str, person: str = "", now: datetime | None = None) -> Report:
    """The last weeks of what `asker` may see, of everybody together or (`person`) of themself."""
    person = whose(asker, person)
    until = now or clock.now()
    starts = _weeks(until)
    cells = _cells(asker, person, starts)
    whole = _sum(cells.values())
    weeks = {week: _sum(cell for (of, _), cell in cells.items() if of == week) for week, _ in cells}
    flows = {flow: _sum(cell for (_, of), cell in cells.items() if of == flow) for _, flow in cells}
    names = Workflow.objects.filter(pk__in=flows).order_by("title").values_list("pk", "slug", "title")
    told = bool(person) or len(whole.people) >= LEAST_PEOPLE
    of_weeks, of_flows = (
        set(parts) if person else _told({key: cell.people for key, cell in parts.items()}) if told else set()
        for parts in (weeks, flows)
    )
    return Report(
        person=person,
        since=starts[0],
        until=until,
        total=whole.figures() if told else None,
        weeks=[
            Part(
                name=f"{timezone.localtime(start):%Y-%m-%d}",
                title=moments.day(start, until),
                figures=weeks.get(place, _Cell()).figures()
                if place in of_weeks or place not in weeks
                else None,
            )
            for place, start in enumerate(starts)
        ],
        workflows=[
            Part(name=slug, title=title, figures=flows[pk].figures() if pk in of_flows else None)
            for pk, slug, title in names
        ],
    )


def _sum(cells: Iterable[_Cell]) -> _Cell:
    whole = _Cell()
    for cell in cells:
        whole.add(cell)
    return whole


def _told(people: Mapping[K, set[str]]) -> set[K]:
    """Which parts may be told: those of enough people, as long as the parts that are kept back are, taken
    together, of enough people too. Otherwise the total less what is told would tell of them."""
    told = {key for key, who in people.items() if len(who) >= LEAST_PEOPLE}
    kept = [who for key, who in people.items() if key not in told]
    while told and kept and len(set().union(*kept)) < LEAST_PEOPLE:
        smallest = min(told, key=lambda key: len(people[key]))
        told.discard(smallest)
        kept.append(people[smallest])
    return told


def _weeks(now: datetime) -> list[datetime]:
    """Where each of the last weeks begins, on Monday in the house's zone; the present one is the last."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]


def _cells(asker: str, person: str, starts: Sequence[datetime]) -> dict[tuple[int, int], _Cell]:
    """What was counted, by week and workflow. A person's reviews are those that they decided."""
    decisions, reviews, overrides = _read(asker, person, starts[0])
    cells: defaultdict[tuple[int, int], _Cell] = defaultdict(_Cell)
    for review in reviews.values():
        if review.opened_at < starts[0]:
            continue  # only its decision belongs here
        cell = cells[bisect_right(starts, review.opened_at) - 1, review.workflow]
        cell.reviews += 1
        cell.reminded += review.reminded
        if review.seen_at:
            cell.to_open.append((review.seen_at - review.opened_at).total_seconds())
    too_soon = _too_soon(decisions, reviews)
    for place, decision in enumerate(decisions):
        review = reviews[decision.review]
        cell = cells[bisect_right(starts, decision.at) - 1, review.workflow]
        cell.people.add(decision.by)
        cell.decisions += 1
        if decision.undone:
            cell.undone += 1
            continue
        if review.seen_at:
            cell.to_decide.append(_seconds(decision, review))
        if review.artifact is not None:
            cell.texts.add(review.task)
            cell.returned += decision.verb == "send_back"
        if place in too_soon:
            cell.read += 1
            cell.fast += too_soon[place]
    for workflow, at, by in overrides:
        cell = cells[bisect_right(starts, at) - 1, workflow]
        cell.people.add(by)
        cell.overridden += 1
    return cells


def _seconds(decision: _Decision, review: _Review) -> float:
    """From the first look at a review to a decision on it."""
    return max(0.0, (decision.at - (review.seen_at or decision.at)).total_seconds())


def _read(
    asker: str, person: str, since: datetime
) -> tuple[list[_Decision], dict[int, _Review], list[tuple[int, datetime, str]]]:
    """The rows since then: decisions of people, reviews, and stages that people overrode."""
    answers = access.seen(Decision, asker).filter(decided_at__gte=since, by__startswith="user:")
    waits = access.seen(Review, asker)
    jumps = access.seen(Event, asker).filter(kind="task.overridden", at__gte=since, by__startswith="user:")
    if person:
        answers, jumps = answers.filter(by=person), jumps.filter(by=person)
    rows: Any = answers.order_by("id").values_list("by", "verb", "review", "decided_at", "undone_at")
    decisions = [_Decision(by, verb, review, at, bool(undone)) for by, verb, review, at, undone in rows]
    reviews = {} if person else _reviews(waits.filter(opened_at__gte=since))
    missing = sorted({one.review for one in decisions} - set(reviews))
    for start in range(0, len(missing), CHUNK):
        reviews |= _reviews(waits.filter(pk__in=missing[start : start + CHUNK]))
    return decisions, reviews, list(jumps.values_list("task__workflow", "at", "by"))


def _reviews(rows: QuerySet[Review]) -> dict[int, _Review]:
    columns = ("pk", "task__workflow", "task", "artifact", "opened_at", "first_seen_at", "rung")
    found: Any = rows.order_by().values_list(*columns)
    return {
        pk: _Review(flow, task, artifact, opened, seen, rung > 0)
        for pk, flow, task, artifact, opened, seen, rung in found
    }


def _too_soon(decisions: Sequence[_Decision], reviews: Mapping[int, _Review]) -> dict[int, bool]:
    """Place of each approval that can be judged -> whether it came sooner than the text can be read.

    Judged is the first answer of a person to a task, where the page of the review was opened before: of a
    draft that they have read earlier they only need to read what changed.
    """
    known: set[tuple[str, int]] = set()
    judged: dict[int, tuple[int, float]] = {}
    for place, decision in enumerate(decisions):
        review = reviews[decision.review]
        first = (decision.by, review.task) not in known
        known.add((decision.by, review.task))
        if not first or decision.verb != "approve" or decision.undone:
            continue
        if review.seen_at and review.seen_at <= decision.at and review.artifact is not None:
            judged[place] = review.artifact, _seconds(decision, review)
    lengths = _lengths({artifact for artifact, _ in judged.values()})
    speed = WORDS_A_SECOND * LETTERS_A_WORD
    return {
        place: lengths.get(artifact, 0) > seconds * speed for place, (artifact, seconds) in judged.items()
    }


def _lengths(artifacts: Iterable[int]) -> dict[int, int]:
    """How many characters each text has. The database counts, so that no text travels."""
    keys, found = sorted(artifacts), dict[int, int]()
    for start in range(0, len(keys), CHUNK):
        rows = Artifact.objects.filter(pk__in=keys[start : start + CHUNK]).order_by()
        found.update(rows.values_list("pk", Length("text")))
    return found


def _spread(values: Iterable[float]) -> tuple[float, float] | None:
    """What half and what nine of ten stay below, by nearest rank."""
    ordered = sorted(values)
    if not ordered:
        return None
    half, most = (ordered[max(0, math.ceil(len(ordered) * share) - 1)] for share in (0.5, 0.9))
    return half, most


# -- What waits now -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """Open reviews of one workflow by their age; `ages` has one place more than AGES."""

    workflow: str  # its slug
    title: str
    ages: tuple[int, ...]

    @property
    def count(self) -> int:
        return sum(self.ages)


def waiting(asker: str, now: datetime | None = None) -> tuple[list[Waiting], Review | None]:
    """Where agents' work waits for people, the workflow with most first, and the review that waits longest.
    Counts texts, not people, so nothing is kept back."""
    moment = now or clock.now()
    rows = access.seen(Review, asker).filter(open=1).order_by("opened_at", "pk")
    found: dict[tuple[str, str], list[int]] = {}
    for slug, title, at in rows.values_list("task__workflow__slug", "task__workflow__title", "opened_at"):
        ages = found.setdefault((slug, title), [0] * (len(AGES) + 1))
        ages[bisect_right(AGES, (moment - at).total_seconds())] += 1
    parts = [Waiting(slug, title, tuple(ages)) for (slug, title), ages in found.items()]
    oldest = rows.select_related("task").first()
    return sorted(parts, key=lambda one: (-one.count, one.workflow)), oldest
