"""Says what many documents say: a portion of them, or portions joined, level by level, up to one report.

Takes, whichever it was given: files (those of its item, else all of the task) or the results of a stage
that fanned out. Gives one artifact of the first kind that its definition returns: a portion (Markdown; its
`data` holds what the next level needs). Where its stage has an `output`, that is the report with an index
of all documents (`md`), the index as a table (`csv`, as the second kind), and *summary* for the notice.

It reads one document at a time, keeps a line of each, and asks the model in parts of a bounded size: how
many documents there are does not matter to it. What cannot be read is named with the reason. Every
statement names its documents; one with a number or a name that is not in its document is left out.
Tools: read_file. Asks a person when none of its files can be read and there is nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from agents import assignment, portions
from agents.contract import Ask, Brief, Desk, Item, Made, Outcome, Refused
from agents.llm.jobs import Gists, Overview, material
from agents.portions import Document, Point, Portion
from agents.prose import blocks, gist, words
from agents.prose.clean import clean, one_line
from agents.prose.mail_text import orders_a_machine
from agents.tools import Closed

ACCEPTS = ("*",)
RETURNS = ("*",)
TOOLS = ("read_file",)
READS = ("model", "instructions")
FIELDS = ("documents", "unreadable", "words")
WRITES = ("md", "csv")
MOST_RETURNS = 3

MOST_STATEMENTS = 400  # that one ask may carry; a join gets at most group x points of them


class Settings(Closed):
    """How much is read, asked at once, and kept."""

    most_characters: int = Field(20_000, ge=500, le=500_000)  # read of each document
    at_once: int = Field(60_000, ge=1_000, le=500_000)  # characters that one ask may carry
    points: int = Field(8, ge=1, le=30)  # statements that stand for the whole


@dataclass(frozen=True)
class Read:
    """A document that was read, for as long as its part is asked about."""

    entry: Document
    text: str


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Read files or join results; then say what they say."""
    settings = Settings.model_validate(brief.settings)
    if brief.items:
        portion = await _join(brief, desk, settings)
    else:
        portion = await _read(brief, desk, settings)
    if not portion.documents:
        return Outcome(
            word="escalate",
            question="There is nothing to summarise. Which files should be read?",
            why="No files and no results came with this work.",
        )
    return Outcome(
        made=_made(brief, desk, portion), summary=f"Summed up {portions.size(portion)}",
        fields=_counts(portion),
    )  # fmt: skip


# Reading


async def _read(brief: Brief, desk: Desk, settings: Settings) -> Portion:
    """The portion of these files, part by part, so that one part's texts are held at a time."""
    parts: list[Portion] = []
    part: list[Read] = []
    unread: list[Document] = []
    async for one in _documents(brief, desk, settings):
        if isinstance(one, Document):
            unread.append(one)
            continue
        if part and sum(len(other.text) for other in part) + len(one.text) > settings.at_once:
            parts.append(await _told(brief, desk, settings, part))
            part = []
        part.append(one)
    if part:
        parts.append(await _told(brief, desk, settings, part))
    whole = portions.joined([*parts, Portion(documents=tuple(unread))])
    return whole if len(parts) < 2 else await _chosen(brief, desk, settings, whole)


async def _documents(brief: Brief, desk: Desk, settings: Settings) -> AsyncIterator[Read | Document]:
    """Every file in turn: read, or as an entry that says why it could not be."""
    for entry, given in _entries(brief):
        if entry.why:
            yield entry
            continue
        try:
            content = given or await desk.use("read_file", path=entry.path)
        except Refused as error:
            yield entry.model_copy(update={"why": one_line(str(error), 300)})
            continue
        document = await asyncio.to_thread(blocks.read, content["text"], entry.path)
        whole = clean(document.text, 10**7)
        if not words.count(whole):  # a table or code holds no prose, but its words say what it is about
            whole = clean(" ".join(content["text"].split()), 10**7)
        text = whole[: settings.most_characters]
        notes = []
        if content["cut"] or len(text) < len(whole):
            notes.append("Only its beginning was read.")
        notes += [one for one in (content["doubt"], document.why and f"Note: {document.why}.") if one]
        if orders_a_machine(content["text"][: settings.most_characters]):
            notes.append("It gives orders to a machine; nobody followed them.")
        yield Read(
            entry.model_copy(update={
                "title": one_line(document.title, 120), "words": words.count(whole),
                "sha256": content["sha256"][:16], "note": " ".join(notes),
            }),
            text,
        )  # fmt: skip


def _entries(brief: Brief) -> Iterator[tuple[Document, dict[str, Any] | None]]:
    """The files of the item (names, or what list_files says of each), else all of the task's; with its
    content where that came with the entry."""
    item = brief.item
    given = brief.files if item is None else item if isinstance(item, list | tuple) else [item]
    for place, one in enumerate(given, start=1):
        if isinstance(one, Mapping):
            number, why = int(one.get("number", place)), one_line(str(one.get("why", "")), 300)
            yield Document(number=number, path=str(one["path"]), why=why), _inline(brief, one)
        else:
            yield Document(number=place, path=str(one)), None


def _inline(brief: Brief, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """The text that came with the task in the place that an entry names."""
    if "source" not in entry:
        return None
    text = assignment.read(brief).sources[int(entry["source"]) - 1].text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"text": clean(text, 10**7), "sha256": digest, "cut": False, "doubt": ""}


async def _told(brief: Brief, desk: Desk, settings: Settings, part: Sequence[Read]) -> Portion:
    """What the model says about some documents, checked against them."""
    numbered = list(enumerate(part, start=1))
    texts = [{"number": place, "title": one.entry.title, "text": one.text} for place, one in numbered]
    reply: Gists = await desk.ask(
        Ask(
            kind="gist",
            instructions=brief.instructions,
            material=material(texts=texts, points=settings.points, question=_question(brief)),
            returns=Gists,
        )
    )
    said = {one.number: one.text for one in reply.gists}
    entries = []
    for place, one in numbered:
        text = said.get(place, "")
        if not text or not gist.is_backed(text, f"{one.entry.title} {one.text}"):
            text = gist.gist(one.text, _question(brief))
        entries.append(one.entry.model_copy(update={"gist": one_line(text, 280)}))
    points = [
        Point(text=point.text, documents=(part[point.source - 1].entry.number,))
        for point in reply.points
        if point.source <= len(part) and _stands_in(point.text, part[point.source - 1].text)
    ]
    topics, recurring = portions.counted((one.entry.number, one.text) for one in part)
    points = points[: settings.points]
    return Portion(documents=tuple(entries), points=tuple(points), topics=topics, recurring=recurring)


def _stands_in(statement: str, text: str) -> bool:
    return words.plain(statement).strip(" .,;") in words.plain(text)


# Joining


async def _join(brief: Brief, desk: Desk, settings: Settings) -> Portion:
    """The results of an earlier level as one portion; what was skipped there is named."""
    return await _chosen(brief, desk, settings, portions.joined(_brought(item) for item in brief.items))


def _brought(item: Item) -> Portion:
    for artifact in item.artifacts:
        if "documents" in artifact.data:
            return Portion.model_validate(artifact.data)
    why = one_line(f"Its portion was left out. {item.missing}".strip(), 300)
    found = tuple(one.model_copy(update={"why": why}) for one in _files_of(item.item))
    if not found:  # a join that was skipped knows only which results it stood for
        share = item.item if isinstance(item.item, Mapping) else {}
        name = " ".join(f"{key} {share[key]}" for key in ("of", "first", "last") if key in share)
        found = (Document(number=0, path=f"a share of the set ({name or 'unknown'})", why=why),)
    return Portion(documents=found)


def _files_of(value: Any) -> Iterator[Document]:
    """Every file that an item names, however deep it is grouped."""
    if isinstance(value, Mapping) and "path" in value:
        yield Document(number=int(value.get("number", 0)), path=str(value["path"]))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _files_of(one)


async def _chosen(brief: Brief, desk: Desk, settings: Settings, whole: Portion) -> Portion:
    """The same portion with only the statements that say most about all of it."""
    offered = _evenly(whole.points, MOST_STATEMENTS)
    if len(offered) <= settings.points:
        return whole
    reply: Overview = await desk.ask(
        Ask(
            kind="overview",
            instructions=brief.instructions,
            material=material(
                statements=[{"number": n, "text": point.text} for n, point in enumerate(offered, start=1)],
                points=settings.points,
                question=_question(brief),
            ),
            returns=Overview,
        )
    )
    kept = []
    for sentence in reply.sentences[: settings.points]:
        on = [offered[number - 1] for number in dict.fromkeys(sentence.sources) if number <= len(offered)]
        if on and gist.is_backed(sentence.text, " ".join(point.text for point in on)):
            numbers = dict.fromkeys(number for point in on for number in point.documents)
            kept.append(Point(text=sentence.text, documents=tuple(numbers)[:10]))
    if dropped := len(reply.sentences[: settings.points]) - len(kept):
        desk.note(f"Left out {dropped} statements of the model that its documents do not back.")
    return whole.model_copy(update={"points": tuple(kept) or offered[: settings.points]})


def _evenly(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """At most so many of them, from the whole length."""
    if len(points) <= most:
        return tuple(points)
    return tuple(points[place * len(points) // most] for place in range(most))


def _question(brief: Brief) -> str:
    return one_line(str(brief.input.get("brief") or ""), 500)


# What comes of it


def _made(brief: Brief, desk: Desk, portion: Portion) -> tuple[Made, ...]:
    kind = brief.returns[0] if brief.returns else "portion"
    suffixes = {path.rpartition(".")[2] for path in brief.output}
    if "md" not in suffixes or not _is_last(brief):
        text = portions.share(brief.title, portion, index=not brief.items)
        return (Made(kind=kind, text=text, data=portion.model_dump(mode="json")),)
    text = portions.report(brief.title, portion, _how(desk))
    made = [Made(kind=kind, text=text, suffix="md", data=_counts(portion))]
    if "csv" in suffixes and len(brief.returns) > 1:  # the report comes last: it is what people are told of
        made.insert(0, Made(kind=brief.returns[1], text=portions.table(portion), suffix="csv"))
    return (*made, Made(kind="summary", text=portions.summary(portion)))


def _counts(portion: Portion) -> dict[str, Any]:
    return {"documents": len(portion.readable), "unreadable": len(portion.unreadable), "words": portion.words}


def _is_last(brief: Brief) -> bool:
    """An item of a fan-out writes no file of its own: all of them would be one file."""
    return brief.item is None


def _how(desk: Desk) -> str:
    label = re.sub(r"\s+", " ", desk.model.label)
    how = (
        "its sentences were chosen from the documents word for word"
        if desk.model.name == "built-in"
        else ("its numbers and names were checked against the documents")
    )
    return (
        f"Numbers in brackets are those of the index. Made by: {label}; {how}. Each document was read by one "
        "agent, in portions; the portions were joined level by level."
    )
