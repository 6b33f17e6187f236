"""Passages: one to three sentences that stood together in a source and can stand together again.

Neighbours keep their sense ("It" still follows what it means), so a passage, not a sentence, is what
an article is made of. Only the first sentence must be able to stand alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.prose import sentences, words
from agents.prose.corpus import Corpus, Line

MOST_SENTENCES = 3
MOST_WORDS = 75


@dataclass(frozen=True)
class Passage:
    """Consecutive lines of one paragraph."""

    lines: tuple[Line, ...]

    @property
    def words(self) -> int:
        return sum(words.count(line.text) for line in self.lines)

    @property
    def source(self) -> int:
        return self.lines[0].source

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


def passages(corpus: Corpus, most: int = MOST_SENTENCES) -> list[Passage]:
    """Every passage of the corpus: from each sentence that may open one, in every length that holds."""
    found = []
    for paragraph in corpus.paragraphs.values():
        for start, line in enumerate(paragraph):
            if line.opens:
                run = follow(paragraph[start:], most)
                found += [Passage(run[:size]) for size in range(len(run), 0, -1)]
    return found


def follow(lines: list[Line], most: int = MOST_SENTENCES) -> tuple[Line, ...]:
    """The first line and those after it that can go along."""
    run = [lines[0]]
    total = words.count(lines[0].text)
    for line in lines[1:most]:
        total += words.count(line.text)
        gap = line.place != run[-1].place + 1  # a sentence between was a duplicate of another source's
        if gap or total > MOST_WORDS or not _follows(line):
            break
        run.append(line)
    return tuple(run)


def _follows(line: Line) -> bool:
    return (
        sentences.is_whole(line.text)
        and not sentences.points_elsewhere(line.text)
        and not sentences.is_first_person(line.text)
    )
