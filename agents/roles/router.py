"""Says what a message is about, how urgent it is and how sure that is; the workflow's `when` routes.

Takes: `text`, `subject` and `from` of the task's input; the topics, their words and examples from its
settings. Gives: *routing*, *research* (the message itself, beside whatever a person is asked about), and the
fields `topic`, `sure`, `urgency`, `confidence`, `guess` and one for each
of its details. Tools: none.

Never guesses: a message that is empty, not in English, about two things at once, or that gives orders to a
machine has the topic `unclear`. A person who returns the work with a topic's name decides it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from agents import patterns, points
from agents.contract import Ask, Brief, Desk, Made, Outcome, Unusable
from agents.llm.jobs import Classified, material
from agents.prose import mail_text
from agents.prose.clean import one_line
from agents.prose.words import taken
from agents.tools import Closed

ACCEPTS = ()
RETURNS = ("routing", "research")
TOOLS = ()
READS = ("model", "instructions")
FIELDS = ("topic", "sure", "urgency", "confidence", "guess")

UNCLEAR = "unclear"
_BY_HAND = re.compile(rf"\b(?:by hand|{UNCLEAR}|a person|myself)\b")


class Topic(Closed):
    """One topic: what it is about, the words that tell it, messages that are typical of it."""

    about: str = Field("", max_length=500)
    words: tuple[str, ...] = ()
    weight: float = Field(1.0, gt=0, le=10)  # of its words: less where they are a way to speak, not a matter
    examples: tuple[str, ...] = ()


class Settings(Closed):
    """The topics, and from which confidence on the router is sure."""

    topics: dict[str, Topic] = Field(min_length=2, max_length=20)
    least_confidence: float = Field(0.6, ge=0, le=1)
    urgent: tuple[str, ...] = ()  # words of a message that cannot wait
    unhurried: tuple[str, ...] = ()
    details: dict[str, str] = Field(
        default_factory=dict, max_length=20
    )  # name -> pattern: found by code alone
    most_characters: int = Field(20_000, ge=100, le=200_000)

    @field_validator("topics")
    @classmethod
    def _not_taken(cls, value: dict[str, Topic]) -> dict[str, Topic]:
        if UNCLEAR in value:
            raise ValueError(f"`{UNCLEAR}` is what the router says where no topic fits; give it another name")
        return value

    @field_validator("details")
    @classmethod
    def _readable(cls, value: dict[str, str]) -> dict[str, str]:
        for pattern in value.values():
            patterns.readable(pattern)
        return value


def fields(settings: Settings) -> tuple[str, ...]:
    """What it says: its own fields, and one for each detail."""
    return (*FIELDS, *settings.details)


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Read, classify, doubt."""
    settings = Settings.model_validate(brief.settings)
    raw = str(brief.input.get("text") or "")
    subject = one_line(str(brief.input.get("subject") or ""), 200)
    text = mail_text.readable(raw, settings.most_characters, subject)
    found = _by_a_person(brief, settings) or await _classified(subject, text, brief, desk, settings)
    doubts = [] if found.confidence >= 1 else _doubts(subject, text, raw, found, settings)
    topic = UNCLEAR if doubts or found.topic not in settings.topics else found.topic
    fields = {
        "topic": topic,
        "sure": topic != UNCLEAR,
        "urgency": found.urgency,
        "confidence": found.confidence,
        "guess": found.topic,
        **_details(f"{subject}\n{text}", settings.details),
    }
    data = fields | {"why": " ".join(doubts) or found.reason, "text": text, "subject": subject}
    return Outcome(
        made=(
            Made(kind="research", data={"sources": [points.message(brief.input, text, str(data["why"]), 1)]}),
            Made(kind="routing", text=_markdown(brief, data), data=data),
        ),
        fields=fields,
        confidence=found.confidence,
        summary=f"{topic.capitalize()}, {found.urgency} urgency ({found.confidence:.0%} sure). {data['why']}",
    )


async def _classified(subject: str, text: str, brief: Brief, desk: Desk, settings: Settings) -> Classified:
    ask = Ask(
        kind="classify", instructions=brief.instructions, returns=Classified,
        material=material(
            subject=subject, text=text, urgent=settings.urgent, unhurried=settings.unhurried,
            topics={name: topic.model_dump() for name, topic in settings.topics.items()},
        ),
    )  # fmt: skip
    if not text and not subject:
        return Classified(reason="The message is empty.")
    try:
        reply: Classified = await desk.ask(ask)
    except Unusable as error:
        return Classified(reason=f"The model gave nothing of use: {str(error)[:200]}")
    # 1.0 is kept for what a person decided: no model is that sure.
    return reply.model_copy(update={"confidence": min(reply.confidence, 0.99)})


def _by_a_person(brief: Brief, settings: Settings) -> Classified | None:
    """The topic that a person named when the work came back to this stage."""
    for request in reversed(brief.requests):
        said = mail_text.readable(request.text).lower()
        who = request.by.removeprefix("user:").capitalize()
        if request.by.startswith("user:") and _BY_HAND.search(said):
            return Classified(reason=f"{who} wants it answered by hand.")
        named = [name for name in settings.topics if re.search(rf"\b{re.escape(name.lower())}\b", said)]
        if len(named) == 1 and request.by.startswith("user:"):
            return Classified(topic=named[0], confidence=1.0, reason=f"{who} said so.")
    return None


def _doubts(subject: str, text: str, raw: str, found: Classified, settings: Settings) -> list[str]:
    """Why a person should look; empty where nothing speaks against the machine's answer."""
    doubts = []
    if not re.search(r"\w\w", text):
        doubts.append("The message is empty." if not raw.strip() else "The message has no readable text.")
    elif not mail_text.is_english(text):
        doubts.append("The message is not written in English.")
    if orders := mail_text.orders_a_machine(f"{subject}\n{text}"):
        doubts.append(f"The message gives orders to a machine (“{orders}”).")
    if len(raw) > settings.most_characters * 2:
        doubts.append(f"The message has {len(raw):,} characters, of which the first were read.")
    if doubts:
        return doubts
    if found.topic not in settings.topics:
        return [found.reason or "No topic fits."]
    if found.confidence < settings.least_confidence:
        either = f" or {found.second}" if found.second in settings.topics else ""
        return [f"It may be {found.topic}{either}, but only {found.confidence:.0%} sure."]
    return []


def _details(text: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    """What the patterns find: the first match of each (its first group, where it has one), or "" (fields are
    small, and routing reads them)."""
    found = {name: patterns.search(pattern, text, "i") for name, pattern in wanted.items()}
    return {name: one_line(taken(match), 80) if match else "" for name, match in found.items()}


def _markdown(brief: Brief, data: Mapping[str, Any]) -> str:
    sender = one_line(str(brief.input.get("from") or "unknown sender"), 200)
    lines = [f"# {data['subject'] or brief.title}", "", f"From {sender}", ""]
    lines += [f"- Topic: {data['topic']}", f"- Urgency: {data['urgency']}"]
    lines += [f"- Confidence: {data['confidence']:.0%}", f"- Why: {data['why']}", ""]
    lines += ["> " + line for line in str(data["text"]).split("\n")[:200]]
    return "\n".join(lines) + "\n"
