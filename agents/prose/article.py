"""An article as a reviewer sees it: sections, paragraphs and sentences, each where it stands in the text.

Every text here is a verbatim piece of the draft, so that a remark can be anchored and an edit can be
made without touching anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.front_matter import lenient
from agents.prose import sentences, words

CITATION = re.compile(r"\[(\d{1,3})\](?!\()")
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.M)
_MARKER = re.compile(r"^[ \t]*(?:[-*+]|\d{1,3}[.)]|>)[ \t]+")

SOURCES = "Sources"
#: Stands in a section that was ordered and that no source has anything for; it is no sentence of the article.
NO_EVIDENCE = "No source answers this."


@dataclass(frozen=True)
class Spot:
    """One sentence of a draft: `text` is draft[start:end], citations included."""

    text: str
    section: str
    paragraph: int
    start: int
    end: int

    @property
    def citations(self) -> tuple[int, ...]:
        """The numbers of the sources that it names."""
        return tuple(int(number) for number in CITATION.findall(self.text))

    @property
    def bare(self) -> str:
        """The sentence without citations and links, for comparing and quoting."""
        return bare(self.text)


@dataclass(frozen=True)
class Part:
    """One section: its heading (empty for the lead) and where its text starts and ends."""

    heading: str
    start: int
    end: int


def bare(text: str) -> str:
    """A sentence without citations, links and line breaks."""
    return " ".join(words.unlinked(words.uncited(text)).split())


def body_start(draft: str) -> int:
    """Where the text begins after the front matter."""
    return len(draft) - len(lenient(draft)[1])


def parts(draft: str) -> list[Part]:
    """The lead and the sections of a draft, in order."""
    start = body_start(draft)
    found: list[Part] = []
    heading, begin = "", start
    for match in _HEADING.finditer(draft, start):
        found.append(Part(heading, begin, match.start()))
        heading, begin = match[2], match.end()
    found.append(Part(heading, begin, len(draft)))
    return [part for part in found if part.heading or draft[part.start : part.end].strip()]


def spots(draft: str) -> list[Spot]:
    """Every sentence of the article; the list of sources, code, tables and images are no sentences."""
    return [*_spots(draft)]


def _spots(draft: str) -> Iterator[Spot]:
    paragraph = 0
    for part in parts(draft):
        if part.heading.lower() == SOURCES.lower():
            continue
        for start, end in _blocks(draft, part.start, part.end):
            paragraph += 1
            for first, last in sentences.spans(draft[start:end]):
                text = draft[start + first : start + last]
                if words.count(bare(text)) and text != NO_EVIDENCE:
                    yield Spot(text, part.heading, paragraph, start + first, start + last)


def _blocks(draft: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each paragraph and list item of a piece of text stands, its marker left out."""
    begin = None
    fenced = False
    place = start
    for line in draft[start:end].splitlines(keepends=True):
        stripped = line.strip()
        marker = _MARKER.match(line)
        if stripped.startswith(("```", "~~~")):
            fenced = not fenced
        if begin is not None and (not stripped or marker or fenced):
            yield begin, place
            begin = None
        if (
            stripped
            and not fenced
            and not stripped.startswith(("|", "![", "```", "~~~", "---", "***"))
            and begin is None
        ):
            begin = place + (marker.end() if marker else len(line) - len(line.lstrip()))
        place += len(line)
    if begin is not None:
        yield begin, place


def word_count(draft: str) -> int:
    """How many words a reader reads: no front matter, citations, links' addresses or list of sources."""
    found = [draft[part.start : part.end] for part in parts(draft) if part.heading.lower() != SOURCES.lower()]
    return words.count(bare("\n".join(found)))


def cite(text: str, sources: list[int]) -> str:
    """A sentence with its sources: before a closing full stop, after a closing quotation mark."""
    marks = "".join(f"[{number}]" for number in sources)
    text = text.rstrip()
    if not marks:
        return text
    if match := re.search(r"[.!?]$", text):
        return f"{text[: match.start()]} {marks}{match[0]}"
    return f"{text} {marks}"
