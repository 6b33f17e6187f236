"""A portion: what is known of some documents of a large set, small enough to be joined with many others.

A portion holds one line per document and a bounded number of statements and topics, never the documents.
Two portions join into one of the same shape, so that any number of levels ends in one.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field

from agents.contract import Part
from agents.prose import gist, words
from agents.prose.clean import one_line
from agents.prose.plain import escaped

MOST_COUNTED = 300  # topics and sentences kept of a portion; the rare say little about the set
USUAL = 0.6  # what more than this share of the documents have does not tell them apart
NAMED = 5  # documents that a topic names as examples


class Document(Part):
    """One document in the index. `why` says why it could not be read, `note` what a reader should know."""

    number: int
    path: str
    title: str = ""
    gist: str = ""
    words: int = 0
    sha256: str = ""
    note: str = ""
    why: str = ""


class Point(Part):
    """A statement and the numbers of the documents that it stands in."""

    text: str
    documents: tuple[int, ...]


class Topic(Part):
    """Words that come back, in how many documents, and the first of them."""

    text: str
    count: int
    documents: tuple[int, ...] = ()


class Recurring(Part):
    """A sentence that stands in several documents, whatever its numbers; `spans`: unit, least, most."""

    text: str
    count: int
    documents: tuple[int, ...] = ()
    spans: tuple[tuple[str, float, float], ...] = ()


class Portion(Part):
    """What is known of some documents."""

    documents: tuple[Document, ...] = ()
    points: tuple[Point, ...] = ()
    topics: dict[str, Topic] = Field(default_factory=dict)  # by the stems of their words
    recurring: dict[str, Recurring] = Field(default_factory=dict)  # by what they say apart from numbers

    @property
    def readable(self) -> list[Document]:
        """The documents that could be read."""
        return [one for one in self.documents if not one.why]

    @property
    def unreadable(self) -> list[Document]:
        """The documents that could not be read."""
        return [one for one in self.documents if one.why]

    @property
    def words(self) -> int:
        """How many words the documents have together."""
        return sum(one.words for one in self.documents)


Counted = TypeVar("Counted", Topic, Recurring)


def counted(texts: Iterable[tuple[int, str]]) -> tuple[dict[str, Topic], dict[str, Recurring]]:
    """The topics and sentences of single documents ((number, text)), counted; the frequent ones."""
    topics: dict[str, Topic] = {}
    recurring: dict[str, Recurring] = {}
    for number, text in texts:
        for key, said in gist.topics(text).items():
            _count_in(topics, key, Topic(text=said, count=1, documents=(number,)))
        for one in gist.statements(text):
            spans = tuple((unit, value, value) for unit, value in one.numbers)
            _count_in(recurring, one.key, Recurring(text=one.text, count=1, documents=(number,), spans=spans))
    return _frequent(topics), _frequent(recurring)


def joined(portions: Iterable[Portion]) -> Portion:
    """Several portions as one: all documents in order, all statements, what comes back counted together."""
    documents: list[Document] = []
    points: list[Point] = []
    topics: dict[str, Topic] = {}
    recurring: dict[str, Recurring] = {}
    for portion in portions:
        documents += portion.documents
        points += portion.points
        for key, topic in portion.topics.items():
            _count_in(topics, key, topic)
        for key, sentence in portion.recurring.items():
            _count_in(recurring, key, sentence)
    documents.sort(key=lambda one: one.number)
    return Portion(
        documents=tuple(documents),
        points=tuple(points),
        topics=_frequent(topics),
        recurring=_frequent(recurring),
    )


def _count_in(counts: dict[str, Counted], key: str, new: Counted) -> None:
    """Add to what was counted so far."""
    old = counts.get(key)
    counts[key] = new if old is None else _together(old, new)


def _together(old: Counted, new: Counted) -> Counted:
    update: dict[str, Any] = {
        "count": old.count + new.count,
        "documents": (*old.documents, *new.documents)[:NAMED],
    }
    if isinstance(old, Recurring):
        pairs = zip(old.spans, getattr(new, "spans", ()), strict=False)
        update["spans"] = tuple((a[0], min(a[1], b[1]), max(a[2], b[2])) for a, b in pairs)
    return old.model_copy(update=update)


def _frequent(counts: Mapping[str, Counted]) -> dict[str, Counted]:
    kept = sorted(counts.items(), key=lambda pair: (-pair[1].count, pair[0]))[:MOST_COUNTED]
    return dict(kept)


def main_recurring(portion: Portion, most: int = 15) -> list[Recurring]:
    """The sentences of most documents. What nearly all have without a number in it is a form's own text."""
    read = len(portion.readable)
    least = max(3, read // 100)
    return [
        one
        for one in portion.recurring.values()
        if one.count >= least and (one.count <= USUAL * read or _ranges(one))
    ][:most]


def main_topics(portion: Portion, most: int = 10) -> list[Topic]:
    """The topics of many documents, but not of nearly all; of those that share a word the most frequent."""
    read = len(portion.readable)
    least, usual = max(3, read // 100), USUAL * read if read >= 10 else read
    told = " ".join(one.text for one in main_recurring(portion, MOST_COUNTED))
    taken = set(words.content(told))
    chosen: list[Topic] = []
    for key, topic in portion.topics.items():
        own = set(key.split())
        if len(chosen) < most and least <= topic.count <= usual and not taken & own:
            taken |= own
            chosen.append(topic)
    return chosen


def copies(portion: Portion) -> list[list[Document]]:
    """Documents that are the same to the byte."""
    same: dict[str, list[Document]] = defaultdict(list)
    for one in portion.readable:
        same[one.sha256].append(one)
    return [group for group in same.values() if len(group) > 1]


# What people read


def report(title: str, portion: Portion, how: str) -> str:
    """The report about all documents, with an index of them. `how` says what made it."""
    parts = [f"# {escaped(title)}", size(portion)]
    recurring = main_recurring(portion)
    shown = {one.text for one in recurring}
    if points := [point for point in portion.points if point.text not in shown]:
        parts.append("## In short\n\n" + _items(_cited(point) for point in points))
    if recurring:
        parts.append("## What many documents say\n\n" + _items(_recurs(one, portion) for one in recurring))
    if topics := main_topics(portion):
        parts.append("## What comes up most\n\n" + _items(_topic(one, portion) for one in topics))
    if unreadable := portion.unreadable:
        told = _items(f"{one.number}. {escaped(one.path)}: {escaped(one.why, 200)}" for one in unreadable)
        parts.append(f"## Could not be read\n\n{told}")
    if same := copies(portion):
        parts.append("## The same text more than once\n\n" + _items(_copies(group) for group in same))
    parts.append("## Index of documents\n\n" + _index(portion))
    parts.append(f"## How this was made\n\n{how}")
    return "\n\n".join(parts) + "\n"


def share(title: str, portion: Portion, *, index: bool) -> str:
    """What is known of one portion, for whoever looks at the work in progress."""
    parts = [f"# {escaped(title)}", size(portion), _items(_cited(point) for point in portion.points)]
    if index:
        parts.append(_index(portion))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(portion: Portion) -> str:
    """The index as CSV. A cell that a spreadsheet would take for a formula is written as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["number", "path", "title", "words", "gist", "note"])
    for one in portion.documents:
        cells = (one.path, one.title, one.words, one.gist, one.why or one.note)
        writer.writerow([one.number, *(_cell(cell) for cell in cells)])
    return out.getvalue()


def summary(portion: Portion) -> str:
    """One paragraph for a notice: how much it is, and what most of the documents say."""
    often = [one for one in main_recurring(portion) if not _ranges(one)][:2]
    said = [f"{one.count:,} say: {one.text}" for one in often] or [one.text for one in portion.points[:2]]
    return one_line(" ".join([size(portion), *said]), 700)


def size(portion: Portion) -> str:
    """How much it is, in one sentence."""
    read, unread = len(portion.readable), len(portion.unreadable)
    text = f"{_count(read, 'document')} with {portion.words:,} words"
    return text + (f"; {unread:,} more could not be read." if unread else ".")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _cited(point: Point) -> str:
    return f"{escaped(point.text)} {_marks(point.documents)}"


def _marks(numbers: Sequence[int]) -> str:
    return " ".join(f"[{number}]" for number in numbers)


def _topic(topic: Topic, portion: Portion) -> str:
    share_ = f"{topic.count:,} of {len(portion.readable):,}"
    more = " and others" if topic.count > len(topic.documents) else ""
    return f"**{escaped(topic.text)}**: in {share_} documents, {_marks(topic.documents)}{more}"


def _recurs(one: Recurring, portion: Portion) -> str:
    """The sentence of the first document, and how many have it; with the range where its numbers differ."""
    count = f"{one.count:,} of {len(portion.readable):,} documents"
    if ranges := _ranges(one):
        said = f"{escaped(one.text)} {_marks(one.documents[:1])}"
        return f"{said} **With other figures in {count}: {', '.join(ranges)}**"
    more = " and others" if one.count > len(one.documents) else ""
    return f"{escaped(one.text)} **In {count}**: {_marks(one.documents)}{more}"


def _ranges(one: Recurring) -> list[str]:
    return [f"{unit} {least:,g} to {most:,g}".strip() for unit, least, most in one.spans if least != most]


def _copies(group: Sequence[Document]) -> str:
    return " = ".join(f"[{one.number}] {escaped(one.path)}" for one in group[:6]) + (
        f" and {len(group) - 6:,} more" if len(group) > 6 else ""
    )


def _index(portion: Portion) -> str:
    """Every document by its number, folder by folder; the unreadable too."""
    folders = Counter(_folder(one) for one in portion.documents)
    lines: list[str] = []
    before = None
    for one in portion.documents:
        if len(folders) > 1 and (folder := _folder(one)) != before:
            before = folder
            lines += ["", f"### {escaped(folder)} ({folders[folder]:,})", ""]
        lines.append(_entry(one))
    return "\n".join(lines).strip("\n")


def _entry(one: Document) -> str:
    name = escaped(one.path.rpartition("/")[2])
    if one.why:
        return f"{one.number}. {name}: could not be read"
    note = f" *{escaped(one.note)}*" if one.note else ""
    said = f": {escaped(one.gist, 280)}" if one.gist else ""
    return f"{one.number}. **{escaped(one.title)}** ({name}){said}{note}"


def _folder(one: Document) -> str:
    return one.path.rpartition("/")[0] or "."


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = one_line(value, 500)
    return f"'{text}" if re.match(r"[=+\-@\t]", text) else text
