"""Finds the passages of documents that answer a question: BM25 over sections, then the sentences that say it.

A passage keeps its document, its heading and its sentences word for word, so that an answer can cite them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents import front_matter
from agents.prose import sentences, words
from agents.prose.blocks import blocks, tidy, title_of

K1, B = 1.2, 0.6  # the usual constants; sections are of like length, so length counts a little less
TITLE = 2  # how often the words of title, heading and tags count
MOST_TERMS = 60  # of a question, the rarest first: a long letter is still one question


@dataclass(frozen=True)
class Passage:
    """One section of a document. `sentences` are verbatim; `steps` marks those that were list items."""

    document: str
    title: str
    heading: str
    sentences: tuple[str, ...]
    steps: frozenset[int] = frozenset()
    label: str = ""  # title, heading and tags, as the index reads them


@dataclass(frozen=True)
class Found:
    """A passage that fits. `support` is the share of the question's weight that it speaks of, 0..1."""

    passage: Passage
    score: float
    support: float
    weight: float  # of the shared words: 1 for a rare one, less for a common one, 1.5 times in a heading
    matched: tuple[str, ...]  # the stems of the question that it has


@dataclass
class Library:
    """The sections of all documents with their index."""

    passages: list[Passage]
    counts: list[Counter[str]] = field(default_factory=list)
    idf: dict[str, float] = field(default_factory=dict)
    mean: float = 1.0

    def search(self, question: str, most: int = 5, unknown: float = 1.0) -> list[Found]:
        """The best passages, best first; those that share nothing with the question are left out.

        A word that stands in no document weighs `unknown` times the rarest: in a short question it may be
        what it is about, and then no passage answers it; a long tale has many words that do not matter.
        """
        terms = self._terms(question)
        if not terms or not self.passages:
            return []
        rarest = max(self.idf.values())
        weight = {term: self.idf.get(term, unknown * rarest) for term in terms}
        total = sum(weight.values())
        found = []
        for passage, counts in zip(self.passages, self.counts, strict=True):
            matched = tuple(term for term in terms if counts[term])
            if matched:
                support = sum(weight[term] for term in matched) / total
                about = set(stems(passage.label))
                shared = sum(weight[term] * (1.5 if term in about else 1) for term in matched) / rarest
                found.append(
                    Found(passage, self._score(matched, counts), round(support, 3), round(shared, 2), matched)
                )
        return sorted(found, key=lambda one: -one.score)[:most]

    def _terms(self, question: str) -> list[str]:
        terms = list(dict.fromkeys(stems(question)))
        return sorted(terms, key=lambda term: -self.idf.get(term, 0.0))[:MOST_TERMS]

    def _score(self, matched: Sequence[str], counts: Counter[str]) -> float:
        long = K1 * (1 - B + B * counts.total() / self.mean)
        return sum(self.idf[term] * counts[term] * (K1 + 1) / (counts[term] + long) for term in matched)


def library(documents: Mapping[str, str]) -> Library:
    """Read documents ({name: text}; Markdown, reStructuredText, HTML or plain) as one library."""
    passages = [passage for name, text in documents.items() for passage in _passages(name, text)]
    counts = [Counter(stems(p.label) * TITLE + stems(" ".join(p.sentences))) for p in passages]
    seen: Counter[str] = Counter()
    for one in counts:
        seen.update(one.keys())
    idf = {term: math.log(1 + (len(passages) - n + 0.5) / (n + 0.5)) for term, n in seen.items()}
    mean = sum(one.total() for one in counts) / len(counts) if counts else 1.0
    return Library(passages, counts, idf, mean)


def stems(text: str) -> list[str]:
    """The stems of a text, with the two words of "sign-in" also apart and codes such as E204 as they are."""
    return words.content(re.sub(r"(?<=\w)-(?=\w)", " ", text))


def telling(passage: Passage, matched: Sequence[str], most: int) -> list[int]:
    """Which sentences of a passage to quote: from the one that fits best onwards. The steps of an instruction
    come along, all of them and with what leads to them: half an instruction is worse than none."""
    fits = [len(set(stems(text)) & set(matched)) for text in passage.sentences]
    plain = [place for place in range(len(fits)) if place not in passage.steps]
    best = max(plain, key=lambda place: (fits[place], -place), default=0)
    chosen = {place for place in plain if best <= place < best + most}
    if passage.steps:
        chosen = {place for place in chosen if fits[place] > 0} | passage.steps
        chosen.add(max(0, min(passage.steps) - 1))
    for place in sorted(chosen):  # a sentence that leans on the one before brings it along
        while place > 0 and sentences.leans(passage.sentences[place]) and place - 1 not in chosen:
            place -= 1
            chosen.add(place)
    return sorted(chosen)


def _passages(name: str, text: str) -> list[Passage]:
    head, body = front_matter.lenient(text)
    tags = head.get("tags", [])
    tags = tags if isinstance(tags, list) else [str(tags)]
    title = str(head.get("title") or title_of(text, name))
    sections: dict[str, list[tuple[str, bool]]] = {}
    for block in blocks(tidy(body, name)):
        said = sections.setdefault(block.heading or title, [])
        item = block.kind == "item"
        said += [(block.text, True)] if item else [(s, False) for s in sentences.split(block.text)]
    return [
        Passage(
            document=name, title=title, heading=heading,
            sentences=tuple(text for text, _ in said),
            steps=frozenset(place for place, (_, item) in enumerate(said) if item),
            label=" ".join([title, heading, heading, *map(str, tags)]),
        )
        for heading, said in sections.items() if said
    ]  # fmt: skip
