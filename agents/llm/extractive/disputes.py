"""Finds figures that sources dispute: two sentences about one thing with different numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from agents.llm.jobs import Contradiction, Figure
from agents.prose import figures, sentences, words
from agents.prose.corpus import MOST_POSTINGS, Corpus, Line
from agents.prose.figures import Number

LEAST_SHARED = 4  # words
ALIKE = 0.69  # tried on texts with known disputes; lower finds mere neighbours in topic


def disputes(corpus: Corpus, at_most: int = 10) -> list[Contradiction]:
    """The contradictions between different sources, the most alike pair first.

    A limit to know: figures about one thing in quite different words are not found.
    """
    found = sorted(_pairs(corpus), key=lambda pair: -pair[0])
    taken: set[int] = set()
    result = []
    for _, first, second, (a, b) in found:
        if first.index in taken or second.index in taken:
            continue
        taken |= {first.index, second.index}
        shared = [
            w for w in words.tokens(first.text) if w in words.tokens(second.text) and w not in words.STOP
        ]
        result.append(
            Contradiction(
                topic=" ".join(word for word in shared if not word[0].isdigit()),
                statements=[
                    Figure(text=first.text, source=first.source, value=a.text),
                    Figure(text=second.text, source=second.source, value=b.text),
                ],
            )
        )
    return result[:at_most]


def _pairs(corpus: Corpus) -> Iterator[tuple[float, Line, Line, tuple[Number, Number]]]:
    stated = {line.index: _figures(line.text) for line in corpus.lines if sentences.is_whole(line.text)}
    postings: dict[str, list[int]] = defaultdict(list)
    for index, numbers in stated.items():
        if numbers:
            for word in corpus.vectors[index]:
                postings[word].append(index)
    for i, numbers in stated.items():
        if not numbers:
            continue
        common = (postings[word] for word in corpus.vectors[i] if len(postings[word]) <= MOST_POSTINGS)
        shared = Counter(j for posting in common for j in posting if j > i)
        for j in (j for j, count in shared.items() if count >= LEAST_SHARED):
            alike = _about_one_thing(corpus, i, j)
            if alike >= ALIKE and (pair := _disputed(corpus.lines[i], corpus.lines[j], stated)):
                yield alike, corpus.lines[i], corpus.lines[j], pair


def _about_one_thing(corpus: Corpus, i: int, j: int) -> float:
    """How much of the shorter sentence's meaning the other one shares, by the rarity of its words."""
    first, second = corpus.vectors[i].keys(), corpus.vectors[j].keys()
    shared = first & second
    weight = {word: corpus.idf.get(word, 1.0) for word in first | second}
    return sum(weight[w] for w in shared) / min(sum(weight[w] for w in first), sum(weight[w] for w in second))


def _disputed(first: Line, second: Line, stated: dict[int, list[Number]]) -> tuple[Number, Number] | None:
    """The two numbers in dispute: one unit, different values, no year that explains the difference."""
    if first.source == second.source:
        return None
    years = figures.years(first.text), figures.years(second.text)
    if years[0] and years[1] and years[0] != years[1]:
        return None
    for a in stated[first.index]:
        for b in stated[second.index]:
            if a.unit and words.stem(a.unit) == words.stem(b.unit) and not a.same_as(b):
                agreed = any(a.same_as(other) for other in stated[second.index])
                agreed = agreed or any(b.same_as(other) for other in stated[first.index])
                if not agreed:
                    return a, b
    return None


def _figures(text: str) -> list[Number]:
    """Numbers that measure something: years and days of the month do not."""
    dated = " ".join(figures.dates(text))
    return [
        n
        for n in figures.numbers(text)
        if n.text not in dated and not (1500 <= n.value < 2100 and not n.unit)
    ]
