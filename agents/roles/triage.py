"""Gathers the details that a case needs from a customer's message, says which are missing, and scores it.

Takes: `text` and `subject` of the task's input; the details wanted, from its settings; documents that the
workflow lends, where it should also troubleshoot. Gives: *triage*, with what to try (each step with its
source), what was found and what to ask, and the fields `missing`, `score`, `grade`, `answer_missing` and one
field per detail. Tools: none. A detail counts only where its words stand in the message.

The same role takes a fault apart (version, error, since when) and qualifies a lead (budget, size, need).
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, field_validator

from agents import answering, patterns, points
from agents.answering import Searching
from agents.contract import Ask, Brief, Desk, Made, Outcome, Unusable
from agents.llm.jobs import Gathered, material
from agents.prose import words
from agents.prose.clean import one_line
from agents.tools import Closed

ACCEPTS = ("routing",)
RETURNS = ("triage",)
TOOLS = ()
READS = ("model", "instructions", "voice")
FIELDS = ("missing", "score", "grade", "answer_missing")


class Detail(Closed):
    """One detail: the patterns that find it, the question that asks for it, what it adds to the score. It is
    not asked for where the message has one of the words of `unless`, because it would not help there.

    `over` raises the score for a number: {1000: 20} adds 20 where the detail's number is 1,000 or more.
    """

    find: tuple[str, ...] = ()
    ask: str = Field("", max_length=300)  # empty: good to know, but nobody is asked for it
    unless: tuple[str, ...] = ()
    points: int = Field(0, ge=0, le=100)
    over: dict[int, int] = Field(default_factory=dict)

    @field_validator("find")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            patterns.readable(pattern)
        return value


class Settings(Closed):
    """The details, the grades, and how it troubleshoots."""

    title: str = Field("Triage", max_length=80)
    details: dict[str, Detail] = Field(default_factory=dict, max_length=30)
    grades: dict[str, int] = Field(default_factory=dict)  # name -> score from which on
    least_details: int = Field(0, ge=0, le=30)  # fewer than this: a person looks
    search: Searching | None = None  # nothing: it only gathers
    most_asks: int = Field(4, ge=0, le=20)


def fields(settings: Settings) -> tuple[str, ...]:
    """What it says: its own fields, and one for each detail."""
    return (*FIELDS, *settings.details)


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Gather, score, troubleshoot, say what is missing."""
    settings = Settings.model_validate(brief.settings)
    subject, text = answering.message(brief.input)
    given = await _details(f"{subject}\n{text}", brief, desk, settings)
    missing = [
        name
        for name, detail in settings.details.items()
        if detail.ask and name not in given and not _says(f"{subject} {text}", detail.unless)
    ]
    score = min(100, sum(_worth(detail, given.get(name, "")) for name, detail in settings.details.items()))
    found = (
        await answering.answer(subject, text, brief, desk, settings.search, whole=True)
        if settings.search
        else None
    )
    handed = points.Points(
        stage=brief.stage,
        points=found.points if found else (),
        asks=tuple(settings.details[name].ask for name in missing)[: settings.most_asks],
        doubts=_doubts(given, settings),
    )
    fields: dict[str, Any] = {
        **{name: given.get(name, "") for name in settings.details},
        "missing": missing, "score": score, "grade": _grade(score, settings),
        "answer_missing": bool(found and found.missing),
    }  # fmt: skip
    shown = given | {"score": f"{score} of 100 ({fields['grade']})" if settings.grades else ""}
    data = {**handed.model_dump(), **fields, "details": given}
    return Outcome(
        made=(Made(kind="triage", text=points.markdown(settings.title, handed, shown), data=data),),
        fields=fields,
        confidence=round(len(given) / len(settings.details), 2) if settings.details else None,
        summary=_summary(given, missing, fields, bool(settings.grades), found),
    )


async def _details(text: str, brief: Brief, desk: Desk, settings: Settings) -> dict[str, str]:
    """What the model found, kept only where its words stand in the message."""
    if not settings.details:
        return {}
    ask = Ask(
        kind="gather_details", instructions=brief.instructions, returns=Gathered,
        material=material(
            text=text, details={name: list(one.find) for name, one in settings.details.items()},
            questions={name: one.ask for name, one in settings.details.items() if one.ask},
        ),
    )  # fmt: skip
    try:
        reply: Gathered = await desk.ask(ask)
    except Unusable as error:
        desk.note(f"The model found no details: {str(error)[:200]}")
        return {}
    plain = words.plain(text)
    return {
        one.name: one_line(one.quote, 160)
        for one in reply.details
        if one.name in settings.details and words.plain(one.quote) in plain
    }


def _says(text: str, known: tuple[str, ...]) -> bool:
    """Whether a text has one of these words."""
    return any(re.search(rf"\b{re.escape(word)}", text, re.I) for word in known)


def _worth(detail: Detail, quote: str) -> int:
    """What a detail adds to the score: its points where it was given, more where its number is large."""
    if not quote:
        return 0
    number = _number(quote)
    return detail.points + max([0, *(more for least, more in detail.over.items() if number >= least)])


def _number(quote: str) -> float:
    """The largest number in a few words: "40k", "12,000 euros", "80 people"."""
    found = re.findall(r"(\d[\d.,']*)\s*(k\b|thousand\b|m\b|million\b)?", quote, re.I)
    values = [0.0]
    for digits, scale in found:
        plain = re.sub(r"[,'](?=\d{3})|[.,]$", "", digits).replace(",", ".")
        if re.fullmatch(r"\d+(?:\.\d+)?", plain):
            values.append(float(plain) * {"k": 1e3, "t": 1e3, "m": 1e6}.get(scale[:1].lower(), 1))
    return max(values)


def _grade(score: int, settings: Settings) -> str:
    """The highest grade that the score reaches; empty where there are no grades."""
    reached = [name for name, least in settings.grades.items() if score >= least]
    return max(reached, key=lambda name: settings.grades[name], default="")


def _doubts(given: dict[str, str], settings: Settings) -> tuple[str, ...]:
    doubts = []
    if len(given) < settings.least_details:
        doubts.append(
            f"The message gives {len(given)} of the {settings.least_details} details that are needed."
        )
    return tuple(doubts)


def _summary(
    given: dict[str, str],
    missing: list[str],
    fields: dict[str, Any],
    graded: bool,
    found: answering.Answer | None,
) -> str:
    told = f"Found {', '.join(given) or 'no details'}"
    told += f"; missing {', '.join(missing)}." if missing else "; nothing is missing."
    if graded:
        told += f" Score {fields['score']} of 100: {fields['grade'] or 'no grade'}."
    if found:
        told += f" {len(found.points)} things to try." if found.points else " No document says what to try."
    return told
