"""Writes the one reply to a customer from what the specialists found, in one tone whatever way it took.

Takes: *routing*, any artifacts with points (`agents/points.py`), and the fields of stages that services did.
Gives: *draft* (the reply), *research* (the documents it cites) and *summary* (what a person should know
first), and the fields `sure`, `points`, `cited`, `doubts`. Tools: none.

It says what a specialist said and nothing else: a model may word a point, but a sentence that brings a
number, a name or a promise of its own is put back to the point's words. Where nothing may be said, or a
specialist has a doubt, `sure` is false and a person reads the reply first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from agents import answering, points
from agents.contract import Ask, Brief, Desk, Made, Outcome, Unusable
from agents.llm.jobs import Letter, Said, material
from agents.points import Point, Points
from agents.prose import figures, inspection, words
from agents.prose.clean import one_line
from agents.tools import Closed

ACCEPTS = ("*",)
RETURNS = ("draft", "research", "summary")
TOOLS = ()
READS = ("model", "instructions", "voice")
FIELDS = ("sure", "points", "cited", "doubts")

SAID = 0.3  # share of meaning from which on a model's sentence says its point
_PROMISE = re.compile(
    r"\b(?:will|shall|guarantee\w*|promis\w*|refund\w*|credit\w*|free|discount\w*|compensat\w*|tomorrow|today"
    r"|within|soon|shortly|immediately|deadline"
    r"|escalat\w*|call you|get back|follow up|sorry for|our fault|liab\w*)\b",
    re.I,
)
_PLACE = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}")


class Saying(Closed):
    """What a stage that a service did lets us say: a sentence with its fields in {braces}. It is said where
    the stage ran, has all of them, and its fields are as `when` says."""

    stage: str
    text: str = Field(min_length=1, max_length=600)
    when: dict[str, Any] = Field(default_factory=dict)
    doubt: bool = False  # the sentence is for the person who looks first, not for the customer


class Settings(Closed):
    """The frame of every reply; topics are those of the router."""

    router: str = "route"  # the stage that says what the message is about
    greeting: str = "Hello {name},"
    greeting_without_name: str = "Hello,"
    openings: dict[str, str] = Field(default_factory=dict)  # by topic
    holding: str = "Thank you for your message. It is with a colleague, who reads it before we answer."
    asks: str = "To go on, please tell us:"
    steps: str = "Please try this, in this order:"
    sources: str = "Where this is written:"
    closing: str = "Kind regards"
    says: tuple[Saying, ...] = ()


def references(settings: Settings) -> dict[str, str]:
    """The fields of other stages that its sentences name."""
    found = {"router": f"{settings.router}.topic"} if settings.openings else {}
    for place, one in enumerate(settings.says):
        for field in [*one.when, *_PLACE.findall(one.text)]:
            found[f"says.{place}.{field}"] = f"{one.stage}.{field}"
    return found


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Collect, word, check, frame."""
    settings = Settings.model_validate(brief.settings)
    route = brief.fields.get(settings.router, {})
    handed = [
        one
        for one in points.read(given for given in brief.artifacts if given.kind != "draft")
        if not one.stage or one.stage in brief.fields  # of this round, not of a way that was taken before
    ]
    found = [point for one in handed for point in one.points]
    said = [_filled(one, brief.fields) for one in settings.says]
    found += [
        Point(text=text) for one, text in zip(settings.says, said, strict=True) if text and not one.doubt
    ]
    told = [text for one, text in zip(settings.says, said, strict=True) if text and one.doubt]
    doubts = _doubts(route, handed, found, told)
    worded = await _worded(found, brief, desk)
    cited = list(dict.fromkeys(point.cite.document for point in found if point.cite))
    text = _letter(brief, settings, route, worded, handed)
    _avoided(text, brief.voice, desk)
    sure = not doubts
    summary = _summary(brief, route, found, doubts)
    fields = {"sure": sure, "points": len(found), "cited": cited, "doubts": doubts}
    return Outcome(
        made=(
            Made(kind="research", data={"sources": _sources(found, brief, doubts)}),
            Made(kind="summary", text=summary, data={"title": brief.title, "doubts": doubts}),
            Made(kind="draft", text=text, data=fields | {"to": str(brief.input.get("from") or "")}),
        ),
        fields=fields,
        confidence=route.get("confidence") if isinstance(route.get("confidence"), int | float) else None,
        summary=summary,
    )


def _doubts(
    route: Mapping[str, Any], handed: Sequence[Points], found: Sequence[Point], told: Sequence[str]
) -> list[str]:
    """Why a person should read this reply before it goes out."""
    doubts = [doubt for one in handed for doubt in one.doubts] + list(told)
    if not route.get("sure"):
        doubts.insert(0, "The router is not sure what the message is about.")
    elif not doubts and not found and not any(one.asks for one in handed):
        doubts.append("No specialist found anything to say.")
    return list(dict.fromkeys(doubts))


def _filled(saying: Saying, fields: Mapping[str, Mapping[str, Any]]) -> str:
    """The sentence with the stage's fields in it; empty where it must not be said."""
    given = fields.get(saying.stage)
    if not given or not all(_is(given.get(name), value) for name, value in saying.when.items()):
        return ""
    names = _PLACE.findall(saying.text)
    if any(given.get(name) in (None, "") for name in names):
        return ""
    return _PLACE.sub(lambda match: _value(given[match[1]]), saying.text)


def _is(found: Any, wanted: Any) -> bool:
    """YAML reads `true` and `5` as text, so both are compared as they are written."""
    return str(found).lower() == str(wanted).lower()


def _value(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else one_line(str(value), 200)


# Wording


async def _worded(found: Sequence[Point], brief: Brief, desk: Desk) -> list[tuple[str, Point]]:
    """Each point with the words that say it: the model's where they hold, else its own. Steps stay."""
    free = [point for point in found if not point.step]
    if not free:
        return [(point.text, point) for point in found]
    ask = Ask(
        kind="compose_reply", instructions=brief.instructions, returns=Letter,
        material=material(
            voice=brief.voice, subject=brief.input.get("subject", ""),
            message=answering.message(brief.input, 4000)[1],
            points=[{"number": number, "text": point.text} for number, point in enumerate(free, start=1)],
        ),
    )  # fmt: skip
    try:
        reply: Letter = await desk.ask(ask)
    except Unusable as error:
        desk.note(f"The model worded nothing of use: {str(error)[:200]}")
        reply = Letter()
    words_of: dict[Point, str] = {}
    dropped = 0
    for sentence in reply.sentences:
        named = [free[number - 1] for number in sentence.points if number <= len(free)]
        if len(named) == 1 and named[0] not in words_of and _holds(sentence, named[0]):
            words_of[named[0]] = sentence.text
        else:
            dropped += 1
    if dropped:
        desk.note(
            f"Put {dropped} sentences back to the specialists' words: they said more or something else."
        )
    return [(words_of.get(point, point.text), point) for point in found]


def _holds(sentence: Said, point: Point) -> bool:
    """Whether a sentence says its point and brings no number, name, address or promise of its own."""
    text, source = sentence.text, point.text
    if words.plain(text) == words.plain(source):
        return True
    promised = {match[0].lower() for match in _PROMISE.finditer(text)}
    return (
        words.alike(words.vector(text), words.vector(source)) >= SAID
        and all(figures.supports(source, number) for number in figures.numbers(text))
        and all(name.lower() in source.lower() for name in figures.names(text))
        and all(word in source.lower() for word in promised)
        and bool(re.search(r"\b(?:not|never|no|cannot)\b|n't\b", text, re.I))
        == bool(re.search(r"\b(?:not|never|no|cannot)\b|n't\b", source, re.I))
        and not re.search(
            r"://|www\.|@", re.sub(r"\S*(?:://|@)\S*", lambda m: "" if m[0] in source else m[0], text)
        )
    )


def _avoided(text: str, voice: str, desk: Desk) -> None:
    """Note the words that the voice avoids. They stay: another word may not mean the same, and the sentence
    is its source's."""
    for word, better in inspection.house_words(voice).items():
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.I):
            desk.note(
                f"The reply says “{word}”, which the house avoids" + (f": “{better}”?" if better else ".")
            )


# The letter


def _letter(
    brief: Brief, settings: Settings, route: Mapping[str, Any], worded: Sequence[tuple[str, Point]],
    handed: Sequence[Points],
) -> str:  # fmt: skip
    asks = list(dict.fromkeys(ask for one in handed for ask in one.asks))
    places = list(dict.fromkeys(point.cite.place for _, point in worded if point.cite))
    parts = [_greeting(brief, settings)]
    if not worded and not asks:
        parts.append(settings.holding)
    elif opening := settings.openings.get(str(route.get("topic"))):
        parts.append(opening)
    parts += _paragraphs(worded, places, settings)
    if asks:
        parts += [settings.asks, "\n".join(f"- {ask}" for ask in asks)]
    parts.append(settings.closing)
    if places:
        listed = "\n".join(f"- [{number}] {place}" for number, place in enumerate(places, start=1))
        parts += [settings.sources, listed]
    return "\n\n".join(parts) + "\n"


def _paragraphs(worded: Sequence[tuple[str, Point]], places: Sequence[str], settings: Settings) -> list[str]:
    """One paragraph per source, steps as a numbered list; every cited sentence carries its number."""
    parts: list[str] = []
    before: tuple[str, bool] | None = None
    for text, point in worded:
        place = point.cite.place if point.cite else ""
        line = f"{text} [{places.index(place) + 1}]" if place else text
        if point.step and before != (place, True):
            if not (parts and parts[-1].rstrip(" []0123456789").endswith(":")):
                parts.append(settings.steps)
            parts.append(f"1. {line}")
        elif point.step:
            count = parts[-1].count("\n") + 2
            parts[-1] += f"\n{count}. {line}"
        elif before == (place, False):
            parts[-1] += f" {line}"
        else:
            parts.append(line)
        before = (place, point.step)
    return parts


def _greeting(brief: Brief, settings: Settings) -> str:
    """By the name in our books where a stage knows it, else by the one that the message gave; only a name."""
    known = [fields.get("customer_name") for fields in brief.fields.values()]
    for name in (*known, brief.input.get("name")):
        if isinstance(name, str) and len(name) <= 60 and _NAME.fullmatch(name.strip()):
            return settings.greeting.replace("{name}", name.strip())
    return settings.greeting_without_name


def _sources(found: Sequence[Point], brief: Brief, doubts: Sequence[str]) -> list[dict[str, Any]]:
    """The cited places, numbered as in the letter, with the words that were used; then the message."""
    quotes: dict[str, list[str]] = {}
    where = {}
    for point in found:
        if point.cite:
            quotes.setdefault(point.cite.place, []).append(point.cite.quote)
            where[point.cite.place] = point.cite
    cited = [
        {
            "number": number, "title": place, "origin": where[place].document,
            "text": f"## {where[place].heading}\n\n" + "\n\n".join(dict.fromkeys(said)),
        }
        for number, (place, said) in enumerate(quotes.items(), start=1)
    ]  # fmt: skip
    _, text = answering.message(brief.input)
    return [*cited, points.message(brief.input, text, " ".join(doubts), len(cited) + 1)]


def _summary(brief: Brief, route: Mapping[str, Any], found: Sequence[Point], doubts: Sequence[str]) -> str:
    topic = str(route.get("topic") or "unclear")
    sender = one_line(str(brief.input.get("from") or "an unknown sender"), 120)
    told = f"Reply to {sender} about a {topic} matter: {len(found)} statements of specialists."
    if topic == "unclear":
        told = f"No specialist worked on the message of {sender}; the draft says only that a person reads it."
    if doubts:
        told += " Please look: " + " ".join(doubts)
    return one_line(told, 900)
