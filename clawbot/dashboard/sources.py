"""The sources beside a draft: what the task's research kept, opened at the words that prove a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clawbot import draft, render
from tasks import artifacts, moments
from tasks.models import Finding, Task

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”’)]*\s+")
# Fewer shared words than this prove nothing: better no mark than a wrong one.
LEAST_LIKENESS = 0.34
SHOWN_AT_FIRST = 2


@dataclass(frozen=True)
class Stretch:
    """A run of a source's text; `proof` where it is the passage that was asked for."""

    text: str
    proof: bool = False


@dataclass(frozen=True)
class Source:
    """One numbered source as the pane shows it."""

    number: int
    title: str
    origin: str
    fetched_at: datetime | None
    sha256: str
    opened: bool
    excerpt: tuple[tuple[Stretch, ...], ...]  # paragraphs around the passage, else the first ones
    rest: tuple[str, ...]  # every paragraph, where the excerpt is not the whole
    words: int
    doubt: str = ""  # what of it could not be read for certain

    @property
    def address(self) -> str:
        """Where to open the original; empty for a file that came with the task."""
        return self.origin if self.origin.startswith(("http://", "https://")) else ""


def read(
    task: Task, *, opened: int = 0, sentence: str = "", findings: Sequence[Finding] = ()
) -> list[Source]:
    """The sources of the newest research, the asked one opened at the passage for `sentence`."""
    research = artifacts.latest(task, "research")
    found = research.data.get("sources", []) if research else []
    return [_source(one, place, opened, sentence, findings) for place, one in enumerate(found, 1)]


def _source(
    one: dict[str, Any], place: int, opened: int, sentence: str, findings: Sequence[Finding]
) -> Source:
    number = int(one.get("number") or place)
    text = str(one.get("text") or "")
    paragraphs = [" ".join(part.split()).lstrip("# ") for part in _PARAGRAPH.split(text) if part.strip()]
    excerpt: tuple[tuple[Stretch, ...], ...] = ()
    if number == opened:
        excerpt = _excerpt(paragraphs, _proof(paragraphs, number, sentence, findings))
    return Source(
        number=number, title=str(one.get("title") or one.get("origin") or f"Source {number}"),
        origin=str(one.get("origin") or ""), fetched_at=moments.read(str(one.get("fetched_at") or "")),
        sha256=str(one.get("sha256") or ""), opened=number == opened, excerpt=excerpt,
        rest=_rest(paragraphs) if number == opened and len(paragraphs) > len(excerpt) else (),
        words=len(text.split()), doubt=str(one.get("doubt") or ""),
    )  # fmt: skip


def _rest(paragraphs: Sequence[str]) -> tuple[str, ...]:
    """The paragraphs of the whole source, as many as a page shows."""
    shown: list[str] = []
    left = render.MOST_SHOWN
    for text in paragraphs:
        shown.append(text[:left])
        left -= len(text)
        if left <= 0:
            shown.append("[The source is longer; the rest is not shown here.]")
            break
    return tuple(shown)


def _proof(
    paragraphs: Sequence[str], number: int, sentence: str, findings: Sequence[Finding]
) -> tuple[int, tuple[int, int]] | None:
    """Paragraph and span of the passage: a reviewer's words first, else the sentence most alike."""
    for finding in findings:
        about = (
            finding.source == number
            and finding.passage
            and (not sentence or draft.find(finding.quote, sentence))
        )
        if about and (place := _stands(paragraphs, finding.passage)):
            return place
    best, score = None, LEAST_LIKENESS
    for index, text in enumerate(paragraphs if sentence else ()):
        if (found := draft.likest(sentence, text, _sentences(text), score)) is not None:
            best, score = (index, found[0]), found[1]
    return best


def _stands(paragraphs: Sequence[str], passage: str) -> tuple[int, tuple[int, int]] | None:
    spans = ((index, draft.find(passage, text)) for index, text in enumerate(paragraphs))
    return next(((index, span) for index, span in spans if span), None)


def _sentences(text: str) -> list[tuple[int, int]]:
    starts = [0, *(match.end() for match in _SENTENCE.finditer(text))]
    ends = [*(match.start() for match in _SENTENCE.finditer(text)), len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _excerpt(
    paragraphs: Sequence[str], proof: tuple[int, tuple[int, int]] | None
) -> tuple[tuple[Stretch, ...], ...]:
    if proof is None:
        return tuple((Stretch(text),) for text in paragraphs[:SHOWN_AT_FIRST])
    index, (start, end) = proof
    text = paragraphs[index]
    return ((Stretch(text[:start]), Stretch(text[start:end], proof=True), Stretch(text[end:])),)
