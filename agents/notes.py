"""A research brief: what sources say, each statement word for word with the number of its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.llm.jobs import Cited, Contradiction, Notes, Quote
from agents.prose import words


def checked(notes: Notes, sources: Sequence[Mapping[str, Any]]) -> tuple[Notes, int]:
    """Only what is in its source word for word, whoever compiled it; and how much had to go."""
    texts = {source["number"]: words.plain(source["text"]) for source in sources}

    def told(item: Cited) -> bool:
        return words.plain(item.text).strip(" .,;") in texts.get(item.source, "")

    kept: dict[str, Any] = {}
    for name in ("background", "key_points", "figures", "quotes", "dates"):
        kept[name] = [item for item in getattr(notes, name) if told(item)]
    kept["contradictions"] = [c for c in notes.contradictions if all(told(s) for s in c.statements)]
    kept["competitors"] = [c for c in notes.competitors if c.source in texts]
    dropped = sum(len(getattr(notes, name)) - len(items) for name, items in kept.items())
    return notes.model_copy(update=kept), dropped


def markdown(title: str, notes: Notes, sources: Sequence[Mapping[str, Any]], skipped: Sequence[str]) -> str:
    """The brief as people read it; parts with nothing in them are left out."""
    parts = [
        ("Background", [_item(one) for one in notes.background]),
        ("Key points", [_item(one) for one in notes.key_points]),
        ("Figures", [f"**{one.value}**: {_item(one)}" for one in notes.figures]),
        ("Quotes", [_quoted(one) for one in notes.quotes]),
        ("Dates", [f"**{one.date}**: {_item(one)}" for one in notes.dates]),
        ("Contradictions", [_against(one) for one in notes.contradictions]),
        (
            "What the sources cover",
            [f"{c.title} [{c.source}]: {', '.join(c.covers)}" for c in notes.competitors if c.covers],
        ),
        ("Open questions", notes.open_questions),
        ("Sources", [_source(s) for s in sources]),
        ("Left out", list(skipped)),
    ]
    sections = [f"## {name}\n\n" + "\n".join(f"- {item}" for item in items) for name, items in parts if items]
    return f"# Research: {title}\n\n" + "\n\n".join(sections) + "\n"


def _source(one: Mapping[str, Any]) -> str:
    return f"[{one['number']}] {one['title']} ({one['origin']}) {one.get('doubt', '')}".strip()


def _item(one: Cited) -> str:
    return f"{one.text} [{one.source}]"


def _quoted(one: Quote) -> str:
    return f"“{one.text}” {one.by} [{one.source}]".replace("  ", " ")


def _against(one: Contradiction) -> str:
    sides = " / ".join(f"{side.value}: {side.text} [{side.source}]" for side in one.statements)
    return f"{one.topic}: {sides}"
