"""Whether sources support a sentence: the same question for whoever writes and for whoever reviews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agents.prose import figures, words
from agents.prose.corpus import Corpus, Line

SAID = 0.3  # share of meaning from which on two sentences speak about one thing; lower finds mere neighbours
SAME = 0.6  # from here on they say the same, apart from a figure


def backing(claim: str, corpus: Corpus, sources: Iterable[int] | None = None) -> Line | None:
    """The line that supports a claim: alike in words, with every one of its numbers; None where none does."""
    numbers = figures.numbers(claim)
    for score, line in near(claim, corpus, sources)[:25]:
        if score >= SAID and all(figures.supports(line.text, number) for number in numbers):
            return line
    return None


def near(text: str, corpus: Corpus, sources: Iterable[int] | None = None) -> list[tuple[float, Line]]:
    """The lines that come closest to a text, best first; only those of `sources` where given."""
    wanted = None if sources is None else set(sources)
    return [pair for pair in corpus.best(text) if wanted is None or pair[1].source in wanted]


def states(sentence: str, statement: Mapping[str, Any], corpus: Corpus) -> bool:
    """Whether a sentence states this side of a dispute: about the same thing, with its figure."""
    alike = words.alike(words.vector(sentence, corpus.idf), words.vector(statement["text"], corpus.idf))
    value = figures.numbers(statement["value"])
    return alike > SAME and bool(value) and figures.supports(sentence, value[0])
