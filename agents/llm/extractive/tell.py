"""The small jobs: remarks on tone, a summary for a notice, and text for an agent of instructions alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.llm.jobs import Judgement, Remark, Summary, Text
from agents.prose import article, sentences, words
from agents.prose.blocks import tidy
from agents.prose.corpus import Line, corpus

_HYPE = re.compile(
    r"\b(?:revolution\w*|game[- ]chang\w*|cutting[- ]edge|world[- ]class|seamless\w*|unleash\w*"
    r"|supercharg\w*|next[- ]level"
    r"|best[- ]in[- ]class|groundbreaking|unparalleled|amazing|incredibl\w+|effortless\w*)\b",
    re.I,
)
_LONG = 42
_ENDS = re.compile(r"[.!?][\"'”’)\]]*$")
FEWEST, LONGEST, MOST = 4, 60, 8  # words of a sentence, and sentences, of a free text


def judge(material: Mapping[str, Any]) -> Judgement:
    """Remark on what anyone can check: hype, shouting, and sentences too long to read in one breath."""
    remarks = []
    for spot in article.spots(material["draft"]):
        inside_quotes = re.sub(r"[“\"][^”\"]*[”\"]", "", spot.bare)
        if found := _HYPE.search(inside_quotes):
            remarks.append(
                Remark(
                    quote=spot.text,
                    text=f"“{found[0]}” is advertising, not information.",
                    suggestion=f"Say what it does, without “{found[0]}”.",
                )
            )
        elif inside_quotes.rstrip().endswith("!"):
            remarks.append(
                Remark(quote=spot.text, text="The sentence shouts.", suggestion="End it with a full stop.")
            )
        elif words.count(spot.bare) > _LONG:
            remarks.append(
                Remark(
                    quote=spot.text,
                    text=f"The sentence has {words.count(spot.bare)} words.",
                    suggestion="Cut it in two.",
                )
            )
    return Judgement(remarks=remarks[:20])


def summarise(material: Mapping[str, Any]) -> Summary:
    """The first two sentences of the article's own summary."""
    found = [spot.bare for spot in article.spots(material["draft"]) if sentences.is_whole(spot.bare)]
    return Summary(text=" ".join(found[:2]))


def _texts(value: Any) -> list[str]:
    """Every text in a value, however deep it lies."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def free(material: Mapping[str, Any]) -> Text:
    """The sentences of the given texts that fit the instructions best, in their order, as bullets. Without
    texts, those of what the task itself brought.

    Sentences that share a word with the instructions come first; if none does, the most central ones.
    """
    given = [one["text"] for one in material.get("texts", ())]
    given = given or [*_texts(material.get("item")), *_texts(material.get("task"))]
    texts = [{"number": i, "title": str(i), "text": tidy(text)} for i, text in enumerate(given, start=1)]
    found = corpus(texts)
    question = words.vector(str(material.get("instructions", "")), found.idf)
    lines = [
        line
        for line in found.lines
        if FEWEST <= words.count(line.text) <= LONGEST and _ENDS.search(line.text)
    ]
    fits = {line.index: found.fit(question, line) for line in lines}
    fitting = (
        [line for line in lines if fits[line.index] > 0] or [line for line in lines if line.opens] or lines
    )
    ranked = sorted(fitting, key=lambda line: -(fits[line.index] + 0.1 * found.rank[line.index]))
    best: list[Line] = []
    for line in ranked:
        mine = found.vectors[line.index]
        if len(best) < MOST and all(words.alike(mine, found.vectors[other.index]) < 0.7 for other in best):
            best.append(line)
    chosen = sorted(best, key=lambda line: line.index)
    return Text(text="\n".join(f"- {article.bare(line.text)}" for line in chosen))
