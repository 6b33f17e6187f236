"""The jobs on a customer's message: what it is about, what answers it, which details it gives.

Counting, not understanding: a topic is told by its words and by how alike its examples are, an answer is
chosen sentences, a detail is what a pattern finds. The confidence says how clearly one topic leads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from agents import patterns
from agents.llm.jobs import Answered, Cited, Classified, Detail, Gathered, Letter, Said
from agents.prose import words

PHRASE, WORD = 2.0, 1.0
MATTER = 2.0  # a second topic of this weight is a second matter, whatever the first one weighs
ALIKE = 4.0  # what a message weighs that reads like an example
SUBJECT = 1.5  # the subject line names the matter more often than the letter does
ENOUGH = 1.4  # a weight of this much is two plain words or one phrase: from about here on it is no accident


def classify(material: Mapping[str, Any]) -> Classified:
    """The topic whose words and examples fit best; the confidence falls where a second one comes close."""
    subject, text = str(material.get("subject", "")), str(material.get("text", ""))
    topics: Mapping[str, Mapping[str, Any]] = material["topics"]
    idf = words.rarity([one for topic in topics.values() for one in topic.get("examples", ())])
    scores = {name: _fits(topic, subject, text, idf) for name, topic in topics.items()}
    ranked = sorted(scores, key=lambda name: -scores[name])
    best = scores[ranked[0]]
    urgency = _urgency(f"{subject}\n{text}", material)
    if best <= 0:
        return Classified(urgency=urgency, reason="No word or example of any topic occurs in it.")
    second = scores[ranked[1]] if len(ranked) > 1 else 0.0
    confidence = (1 - math.exp(-best / ENOUGH)) * (1 - 0.7 * second / best)
    if second >= MATTER:
        confidence = min(confidence, 0.5)
    said = _hits(topics[ranked[0]].get("words", ()), f"{subject}\n{text}")
    reason = (
        f"It says {', '.join(f'“{word}”' for word in said[:5])}." if said else "It reads like an example."
    )
    return Classified(
        topic=ranked[0], second=ranked[1] if second > 0 else "", urgency=urgency,
        confidence=round(confidence, 2), reason=reason,
    )  # fmt: skip


def answer(material: Mapping[str, Any]) -> Answered:
    """The sentences that the search found telling, each with its passage's number."""
    return Answered(
        statements=[
            Cited(text=sentence, source=passage["number"])
            for passage in material.get("passages", ())
            for sentence in passage.get("telling", ())
        ][:20]
    )


def gather(material: Mapping[str, Any]) -> Gathered:
    """What the patterns of each detail find first: their first group, where they have one."""
    text = str(material.get("text", ""))
    found = []
    for name, wanted in material.get("details", {}).items():
        tried = (patterns.search(pattern, text, "im") for pattern in wanted)
        match = next((one for one in tried if one), None)
        if match and words.taken(match):
            found.append(Detail(name=name, quote=words.taken(match)))
    return Gathered(details=found)


def compose(material: Mapping[str, Any]) -> Letter:
    """The points as they are, in their order."""
    return Letter(
        sentences=[Said(text=point["text"], points=[point["number"]]) for point in material.get("points", ())]
    )


def _fits(topic: Mapping[str, Any], subject: str, text: str, idf: Mapping[str, float]) -> float:
    known = topic.get("words", ())
    score = _weight(_hits(known, text)) + SUBJECT * _weight(_hits(known, subject))
    letter = words.vector(f"{subject} {text}", idf)
    alike = [words.alike(letter, words.vector(one, idf)) for one in topic.get("examples", ())]
    score *= float(topic.get("weight", 1.0))
    return score + ALIKE * max([0.0, *(value for value in alike if value > 0.3)])


def _weight(found: Iterable[str]) -> float:
    return sum(PHRASE if " " in word else WORD for word in found)


def _hits(known: Iterable[str], text: str) -> list[str]:
    """Those of the known words and phrases that occur, by their stems, each once: "refund" and "refunded" are
    one, and "charged twice" counts instead of "charged"."""
    flat = _flat(text)
    found = {
        _flat(word): word for word in reversed(list(known)) if _flat(word).strip() and _flat(word) in flat
    }
    return [word for key, word in found.items() if not any(key in other for other in found if other != key)][
        ::-1
    ]


def _flat(text: str) -> str:
    return f" {' '.join(words.stem(token) for token in words.tokens(text))} "


def _urgency(text: str, material: Mapping[str, Any]) -> Any:
    if _hits(material.get("urgent", ()), text):
        return "high"
    return "low" if _hits(material.get("unhurried", ()), text) else "normal"
