"""What one text says, in its own words: its one or two best sentences, what it asks, what it is about."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.prose import figures, sentences, words
from agents.prose.blocks import blocks
from agents.prose.clean import one_line
from agents.prose.corpus import Corpus, Line, corpus
from agents.prose.mail_text import orders_a_machine

LONGEST = 260  # characters of a gist
LEAST_TEXTS = 8  # from so many on it tells something that all of them use a word
FORM = 0.5  # a sentence whose words stand in more than this share of the texts was filled in, not written
_ASKS = re.compile(
    r"\b(?:(?:can|could|would|will|may) (?:you|we|someone|somebody|anyone)|please|kindly|let (?:me|us) know"
    r"|(?:confirm|rsvp|reply|respond)\b|get back to"
    r"|need(?:s|ed)? (?:you|your|a decision|an answer|it by|this by)"
    r"|waiting for|deadline|by (?:noon|tomorrow|tonight|end of|mon|tues|wednes|thurs|fri|satur|sun))",
    re.I,
)
_POLITE = re.compile(
    r"^(?:hi|hello|dear|good (?:morning|afternoon|evening)|thanks|thank you|many thanks|best|kind regards"
    r"|regards|cheers|see you|have a|i hope|hope (?:you|this)|how are you"
    r"|please (?:find attached|do not hesitate|feel free)|do not hesitate|feel free"
    r"|let me know if you (?:have|need))\b",
    re.I,
)
_PERSONAL = re.compile(r"^(?:I|We|You)\b")


@dataclass(frozen=True)
class Said:
    """A sentence as something that several documents may say: `key` is the same whatever its numbers are."""

    key: str
    text: str
    numbers: tuple[tuple[str, float], ...]  # unit and value, in order


def gist(
    text: str, question: str = "", limit: int = LONGEST, spread: Mapping[str, float] | None = None
) -> str:
    """One or two sentences of a tidy text, word for word and in order; its beginning where it has none.

    `spread` tells in which share of the neighbouring texts a stem occurs: what all of them say, says little
    about this one.
    """
    found = corpus([{"number": 1, "title": "", "text": text}])
    # Orders to whatever machine reads it say nothing about the matter.
    whole = [line for line in found.lines if _says(line.text)] or [
        line for line in found.lines if not orders_a_machine(line.text)
    ]
    if not whole:
        return ""
    asked = words.vector(question, found.idf) if question else {}
    worth = {line.index: _worth(line, found, asked) - 0.8 * _usual(line, spread) for line in whole}
    best = max(whole, key=lambda line: (worth[line.index], -line.index))
    chosen = [best]
    for line in sorted(whole, key=lambda line: -worth[line.index]):
        room = limit - sum(len(one.text) + 1 for one in chosen)
        near = words.alike(found.vectors[line.index], found.vectors[best.index])
        if line is not best and len(line.text) <= room and near < 0.6 and not _leans_alone(line, chosen):
            chosen.append(line)
            break
    return one_line(" ".join(line.text for line in sorted(chosen, key=lambda line: line.index)), limit)


def spread(texts: Sequence[str]) -> dict[str, float]:
    """In which share of the texts each stem occurs; empty for a few texts, where that says nothing."""
    if len(texts) < LEAST_TEXTS:
        return {}
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(set(words.content(text)))
    return {stem: count / len(texts) for stem, count in seen.items()}


def statements(text: str) -> list[Said]:
    """The whole sentences of a tidy text, each once, as something that other texts may say too."""
    found: dict[str, Said] = {}
    for block in blocks(text):
        for sentence in sentences.split(block.text):
            stems = words.content(sentence)
            if len(stems) >= 3 and _says(sentence):
                numbers = tuple((one.unit, one.value) for one in figures.numbers(sentence))
                key = hashlib.sha256(" ".join(stems).encode()).hexdigest()[:16]
                found.setdefault(key, Said(key, one_line(sentence, 400), numbers))
    return list(found.values())


def asks(text: str) -> str:
    """The sentence with which a message asks its reader for something; empty where it asks for nothing."""
    best, most = "", 0.0
    for paragraph in text.split("\n\n"):
        for sentence in sentences.split(paragraph.removeprefix("- ").removeprefix("## ")):
            score = _asking(sentence)
            if score > most:
                best, most = sentence, score
    return one_line(best, LONGEST) if most >= 1 else ""


def points(texts: Sequence[Mapping[str, Any]], most: int, question: str = "") -> list[Line]:
    """The sentences that say most about all of these texts together, none twice, from as many as possible.

    A text is {number, title, text}, tidy. A sentence that many of them have, apart from numbers and names, is
    a form and not a statement: it is left out.
    """
    found = corpus(texts, question or None)
    asked = words.vector(question, found.idf) if question else {}
    usual = spread([one["text"] for one in texts])
    worth = {
        line.index: _worth(line, found, asked)
        for line in found.lines
        if line.opens and _says(line.text) and words.count(line.text) >= 7 and _usual(line, usual) < FORM
    }
    able = sorted((found.lines[index] for index in worth), key=lambda line: (-worth[line.index], line.index))
    chosen: list[Line] = []
    for each in (1, 2, most):
        for line in able:
            if len(chosen) == most:
                return chosen
            same = sum(other.source == line.source for other in chosen)
            mine = found.vectors[line.index]
            near = max((words.alike(mine, found.vectors[other.index]) for other in chosen), default=0)
            if same < each and near < 0.45:
                chosen.append(line)
    return chosen


def _usual(line: Line, spread: Mapping[str, float] | None) -> float:
    """How much of a line, names apart, stands in the neighbouring texts too, 0 to 1."""
    named = {stem for name in figures.names(line.text) for stem in words.content(name)}
    stems = [stem for stem in words.content(line.text) if stem not in named]
    return sum(spread.get(stem, 0) for stem in stems) / len(stems) if spread and stems else 0.0


def topics(text: str) -> dict[str, str]:
    """What a text is about: pairs of neighbouring words that carry meaning, by their stems, as written."""
    found: dict[str, str] = {}
    for run in re.split(r"[^\w\s'’-]|\n", text):
        before = ""
        for word in re.findall(r"[A-Za-zÀ-ÿ][\w'’-]{2,}|\S+", run):
            good = word[0].isalpha() and word.lower() not in words.STOP and len(word) > 2
            if good and before:
                key = f"{words.stem(before.lower())} {words.stem(word.lower())}"
                found.setdefault(key, f"{before} {word}")
            before = word if good else ""
    return found


def is_backed(statement: str, text: str) -> bool:
    """Whether every number and every name of a statement stands in the text that it is about."""
    told = words.plain(text)
    known = all(figures.supports(text, number) for number in figures.numbers(statement))
    return known and all(
        word in told for name in figures.names(statement) for word in words.plain(name).split()
    )


def _says(sentence: str) -> bool:
    return sentences.is_whole(sentence) and not _POLITE.match(sentence) and not orders_a_machine(sentence)


def _worth(line: Line, found: Corpus, asked: Mapping[str, float]) -> float:
    first = 0.25 if line.paragraph <= 2 and line.place == 0 else 0.1 if line.paragraph <= 2 else 0
    number = 0.1 if figures.numbers(line.text) else 0
    leaning = 0.3 if sentences.leans(line.text) else 0
    personal = 0.1 if _PERSONAL.match(line.text) else 0
    fit = found.fit(asked, line) if asked else 0.0
    return found.rank[line.index] * 0.6 + first + number + fit - leaning - personal


def _leans_alone(line: Line, chosen: Sequence[Line]) -> bool:
    """Whether it leans on a sentence that is not there."""
    return sentences.leans(line.text) and not any(
        (one.paragraph, one.place + 1) == (line.paragraph, line.place) for one in chosen
    )


def _asking(sentence: str) -> float:
    count = words.count(sentence)
    if not 3 <= count <= 60 or _POLITE.match(sentence) or orders_a_machine(sentence):
        return 0
    score = 1.0 if _ASKS.search(sentence) else 0.0
    if sentence.rstrip().endswith("?"):
        score += 1.0 if count >= 4 else 0.5
    return score
