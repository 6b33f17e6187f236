"""The sources as sentences with places, and how much each matters (TextRank) and fits a question."""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

from agents.prose import sentences, words
from agents.prose.blocks import blocks

NEIGHBOURS = 40  # of each sentence that take part in its rank; more change the order hardly, and cost
MOST_POSTINGS = 200  # a word in more sentences than this says nothing and costs n squared
MAX_SENTENCES = 2_500  # ranking is quadratic at worst; 2,500 sentences are about 50,000 words


@dataclass(frozen=True)
class Line:
    """One sentence of a source and where it stands."""

    index: int
    text: str
    source: int
    heading: str
    paragraph: int  # running number over all sources
    place: int  # position inside its paragraph
    kind: str = "paragraph"

    @property
    def opens(self) -> bool:
        """Whether a paragraph of an article may begin with it."""
        return sentences.stands_alone(self.text)


@dataclass
class Corpus:
    """All sentences of all sources. `titles` maps a source's number to its title."""

    lines: list[Line]
    titles: Mapping[int, str]
    idf: dict[str, float] = field(default_factory=dict)

    @cached_property
    def vectors(self) -> list[dict[str, float]]:
        """One unit vector per line; the heading counts a little, because it names the topic."""
        return [words.vector(words.content(line.text), self.idf) for line in self.lines]

    @cached_property
    def rank(self) -> list[float]:
        """TextRank of each line, scaled to 0..1."""
        return _textrank(self.vectors)

    @cached_property
    def paragraphs(self) -> dict[int, list[Line]]:
        """The lines of each paragraph, in order."""
        found: dict[int, list[Line]] = defaultdict(list)
        for line in self.lines:
            found[line.paragraph].append(line)
        return found

    def fit(self, question: Mapping[str, float], line: Line) -> float:
        """How well a line fits a question, its heading included at a lower weight."""
        own = words.alike(question, self.vectors[line.index])
        return own + 0.5 * words.alike(question, words.vector(line.heading, self.idf))

    def best(self, text: str, lines: Iterable[Line] | None = None) -> list[tuple[float, Line]]:
        """The lines that fit a text, best first, those that share nothing left out."""
        question = words.vector(text, self.idf)
        scored = ((words.alike(question, self.vectors[line.index]), line) for line in lines or self.lines)
        return sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1].index))


def corpus(sources: Sequence[Mapping[str, Any]], about: str | None = None) -> Corpus:
    """Read the sources of a research brief ({number, title, text}) as one corpus.

    With `about`, the text of licences is left out, unless that is what it is about.
    """
    legal = about is None or bool(re.search(r"licen[cs]|copyright|legal|warrant", about, re.I))
    lines: list[Line] = []
    seen: set[str] = set()
    paragraph = 0
    share = max(40, MAX_SENTENCES // max(1, len(sources)))
    for source in sources:
        room = share
        for block in blocks(source["text"]):
            paragraph += 1
            for place, text in enumerate(sentences.split(block.text)):
                key = words.plain(text)
                if room <= 0 or key in seen or (not legal and sentences.is_legal(text)):
                    continue
                seen.add(key)
                room -= 1
                number = int(source["number"])
                lines.append(Line(len(lines), text, number, block.heading, paragraph, place, block.kind))
    titles = {int(source["number"]): str(source["title"]) for source in sources}
    return Corpus(lines, titles, words.rarity([line.text for line in lines]))


def topic(text: str) -> str:
    """A heading's or brief's text without the words that say nothing about its topic."""
    return re.sub(
        r"\b(?:how|what|why|when|where|who|works?|explain|article|reader|background|introduction|overview|about)\b",
        " ", text, flags=re.I,
    )  # fmt: skip


def _textrank(vectors: Sequence[Mapping[str, float]], rounds: int = 20, damping: float = 0.85) -> list[float]:
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for index, vector in enumerate(vectors):
        for word, weight in vector.items():
            postings[word].append((index, weight))
    edges: list[dict[int, float]] = [defaultdict(float) for _ in vectors]
    for posting in postings.values():
        if len(posting) > MOST_POSTINGS:
            continue
        for i, a in posting:
            for j, b in posting:
                if i != j:
                    edges[i][j] += a * b
    strong = [dict(heapq.nlargest(NEIGHBOURS, edge.items(), key=itemgetter(1))) for edge in edges]
    total = [sum(edge.values()) for edge in strong]
    score = [1.0] * len(vectors)
    for _ in range(rounds):
        score = [
            1 - damping + damping * sum(w / total[j] * score[j] for j, w in edge.items() if total[j])
            for edge in strong
        ]
    top = max(score, default=1.0)
    return [value / top for value in score]
