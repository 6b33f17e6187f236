"""The jobs about many texts: a gist of each, the statements that sum up many, and what they dispute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.llm.extractive.disputes import disputes
from agents.llm.jobs import Cited, Disputes, Gist, Gists, Overview, Sentence
from agents.prose import gist
from agents.prose.corpus import corpus


def gists(material: Mapping[str, Any]) -> Gists:
    """A gist of each of `texts`, and the `points` that say most about all of them, to the `question`."""
    texts, question = material["texts"], str(material.get("question", ""))
    told, usual = [], gist.spread([one["text"] for one in texts])
    for one in texts:
        said = gist.gist(one["text"], question, spread=usual)
        if said:
            told.append(Gist(number=one["number"], text=said, ask=gist.asks(one["text"])))
    lines = gist.points(texts, int(material.get("points", 0)), question) if material.get("points") else []
    return Gists(gists=told, points=[Cited(text=line.text, source=line.source) for line in lines])


def overview(material: Mapping[str, Any]) -> Overview:
    """Of `statements`, the `points` that say most about all of them."""
    texts = [{"title": "", **one} for one in material["statements"]]
    lines = gist.points(texts, int(material["points"]), str(material.get("question", "")))
    return Overview(sentences=[Sentence(text=line.text, sources=[line.source]) for line in lines])


def found_disputes(material: Mapping[str, Any]) -> Disputes:
    """What `statements` of different sources dispute."""
    texts: dict[int, list[str]] = {}
    for one in material["statements"]:
        texts.setdefault(one["source"], []).append(one["text"])
    found = corpus([{"number": n, "title": "", "text": "\n\n".join(t)} for n, t in texts.items()])
    return Disputes(contradictions=disputes(found))
