"""The figures about people in words: a question each, its answer in a sentence, and the weeks behind it.

Pages, the command line and mail read the same sentences. `tasks.people.insights` has counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clawbot import words
from tasks.clock import now
from tasks.models import Review
from tasks.people.insights import LEAST_PEOPLE, WEEKS, WORDS_A_SECOND, Figures, Report, Waiting

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
TOO_FEW = (
    f"Fewer than {NUMBERS[LEAST_PEOPLE]} people decided. Figures about so few would tell about each of them, "
    "so none are shown."
)
NOTHING = "Nothing to say yet."


@dataclass(frozen=True)
class Week:
    """One bar: what stands under it, how high it is (None: not told, or nothing), and the same in words."""

    name: str
    title: str
    value: float | None
    text: str


@dataclass(frozen=True)
class Panel:
    """One question, answered."""

    name: str
    question: str
    answer: str
    more: str  # how it was counted
    unit: str  # the head of the table's column
    weeks: list[Week]

    @property
    def top(self) -> float:
        """The highest bar."""
        return max((week.value or 0 for week in self.weeks), default=0)


@dataclass(frozen=True)
class Question:
    """How one panel is made of figures."""

    name: str
    question: str
    unit: str
    answer: Callable[[Figures], str]
    value: Callable[[Figures], float | None]
    text: Callable[[Figures], str]
    more: str = ""


def panels(report: Report) -> list[Panel]:
    """Every question with its answer. Where too few people decided, the answer says so and tells nothing."""
    return [
        Panel(
            name=one.name,
            question=one.question,
            answer=TOO_FEW if report.total is None else one.answer(report.total),
            more=one.more,
            unit=one.unit,
            weeks=[
                Week(
                    part.name,
                    part.title,
                    one.value(part.figures) if part.figures else None,
                    cell(one, part.figures),
                )
                for part in report.weeks
            ],
        )
        for one in QUESTIONS
    ]


def cell(one: Question, figures: Figures | None) -> str:
    """One week or workflow of one question, as a table says it."""
    return "too few people" if figures is None else one.text(figures)


def count(number: int, what: str, many: str = "") -> str:
    """ "one review", "12 reviews" """
    word = NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"
    return f"{word} {what}" if number == 1 else f"{word} {many or what + 's'}"


def _begin(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _spread(pair: tuple[float, float] | None, what: str) -> str:
    if pair is None:
        return NOTHING
    half, most = (words.duration(seconds) for seconds in pair)
    if half == most:
        return f"Nine of ten {what} within {most}."
    return f"Half of the {what} within {half}, nine of ten within {most}."


def _half(pair: tuple[float, float] | None) -> float | None:
    return pair[0] if pair else None


def _pair(pair: tuple[float, float] | None) -> str:
    return ", ".join(words.duration(seconds) for seconds in pair) if pair else "–"


def _of(some: int, all: int) -> str:
    return f"{some:,} of {all:,}" if all else "–"


def _taken_back(one: Figures) -> str:
    if not one.decisions and not one.overridden:
        return NOTHING
    undone = "none was" if not one.undone else "one was" if one.undone == 1 else f"{one.undone:,} were"
    jumps = count(one.overridden, "stage was", "stages were")
    return f"Of {count(one.decisions, 'decision')} {undone} undone. {_begin(jumps)} overridden."


def _returns(one: Figures) -> str:
    if one.returns is None:
        return NOTHING
    return (
        f"A text is returned {one.returns:.1f} times on average: "
        f"{count(one.returned, 'return')} for {count(one.texts, 'text')}."
    )


def _fast(one: Figures) -> str:
    if not one.read:
        return NOTHING
    if not one.fast:
        return f"Yes. {_begin(count(one.read, 'approval'))}, all after time enough to read the text."
    return f"{_begin(count(one.fast, 'approval'))} of {one.read:,} came sooner than the text can be read."


def _reminded(one: Figures) -> str:
    if not one.reviews:
        return NOTHING
    if not one.reminded:
        return f"No. {_begin(count(one.reviews, 'review'))}, all answered or waiting within their time."
    return f"{_begin(count(one.reminded, 'review'))} of {one.reviews:,} needed a reminder."


QUESTIONS = (
    Question(
        "open", "How long until somebody looks?", "Half within, nine of ten within",
        lambda one: _spread(one.to_open, "reviews are opened"),
        lambda one: _half(one.to_open), lambda one: _pair(one.to_open),
        "From the moment a review waits until somebody who may answer it opens its page.",
    ),
    Question(
        "decide", "How long does a decision take?", "Half within, nine of ten within",
        lambda one: _spread(one.to_decide, "decisions are made"),
        lambda one: _half(one.to_decide), lambda one: _pair(one.to_decide),
        "From the first look at the review to the decision, pauses included.",
    ),
    Question(
        "undo", "Are decisions taken back?", "Undone, and stages overridden",
        _taken_back,
        lambda one: one.undone + one.overridden or None,
        lambda one: f"{_of(one.undone, one.decisions)}, {one.overridden:,}" if one.decisions else "–",
        "Undone: within the undo window. Overridden: a person sent a task to another stage.",
    ),
    Question(
        "returns", "How often does a text come back?", "Returns, for how many texts",
        _returns,
        lambda one: one.returns, lambda one: f"{one.returned:,} for {one.texts:,}" if one.texts else "–",
        "Returns by people, for each text on which somebody decided. A return is not a fault: it is what "
        "reviews are for.",
    ),
    Question(
        "read", "Is there time to read?", "Approved sooner than it can be read",
        _fast,
        lambda one: one.fast or None, lambda one: _of(one.fast, one.read),
        f"Counted at {NUMBERS[WORDS_A_SECOND]} words a second, which is faster than most people read. "
        "Left out: drafts of a text that the same person had decided on before, and decisions made without "
        "the page. "
        "Many of them may mean that the queue is too long.",
    ),
    Question(
        "remind", "Does anybody have to be reminded?", "Reviews that needed a reminder",
        _reminded,
        lambda one: one.reminded or None, lambda one: _of(one.reminded, one.reviews),
        "Reviews past their due time, of which the workflow reminded somebody or brought in others.",
    ),
)  # fmt: skip


def about(report: Report) -> str:
    """Whom it is about and since when."""
    who = "You alone: only you see this" if report.person else "Everybody together"
    return f"{who}. The last {WEEKS} weeks, the present one included."


def figures_shape(figures: Figures | None) -> dict[str, Any] | None:
    """Figures as programs get them; None where too few people decided."""
    if figures is None:
        return None
    return {
        "reviews": figures.reviews,
        "reminded": figures.reminded,
        "open_seconds": _shares(figures.to_open),
        "decisions": figures.decisions,
        "undone": figures.undone,
        "overridden": figures.overridden,
        "decide_seconds": _shares(figures.to_decide),
        "texts": figures.texts,
        "returned": figures.returned,
        "approvals_read": figures.read,
        "approvals_too_soon": figures.fast,
    }


def _shares(pair: tuple[float, float] | None) -> dict[str, float | None]:
    half, most = pair or (None, None)
    return {"p50": half, "p90": most}


def shape(report: Report) -> dict[str, Any]:
    """The whole report as programs get it, with the sentences."""
    return {
        "whose": report.person or "team",
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "answers": {panel.name: panel.answer for panel in panels(report)},
        "total": figures_shape(report.total),
        "weeks": [{"week": part.name, "figures": figures_shape(part.figures)} for part in report.weeks],
        "workflows": [
            {"workflow": part.name, "figures": figures_shape(part.figures)} for part in report.workflows
        ],
    }


def waiting_sentence(waits: list[Waiting], oldest: Review | None) -> str:
    """What waits for people now, in one sentence."""
    if oldest is None:
        return "Nothing waits for a person."
    number = sum(one.count for one in waits)
    since = words.duration(now() - oldest.opened_at)
    if number == 1:
        return f"One review waits, for {since}."
    return f"{count(number, 'review').capitalize()} wait, the oldest for {since}."
