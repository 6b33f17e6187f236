"""Joins the research of several streams into one: sources numbered anew, statements with their new numbers.

Takes: the research of each stream, of any kinds. Gives: *research*. A source that several streams read is in
it once. Figures that sources of different streams dispute are searched for here, because no stream can see
them; they are shown, never settled. A stream that brought nothing is named. Tools: none. Asks a person when
no stream brought anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

from pydantic import Field

from agents import notes as notes_of
from agents.contract import Ask, Brief, Desk, Given, Made, Outcome
from agents.llm.jobs import Disputes, Notes, material
from agents.prose import figures, sentences
from agents.prose.blocks import blocks
from agents.tools import Closed

ACCEPTS = ("*",)
RETURNS = ("research",)
TOOLS = ()
READS = ("model", "instructions")
FIELDS = ("streams", "sources", "contradictions", "missing")

MOST = {
    "background": 20, "key_points": 40, "figures": 80, "quotes": 40, "dates": 40, "competitors": 40,
    "open_questions": 20,
}  # fmt: skip
MOST_STATEMENTS = 240  # with figures, held against each other in one ask


class Settings(Closed):
    """Which streams there should be, in the order in which their sources are numbered."""

    streams: tuple[str, ...] = Field((), max_length=20)


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Number, merge, look for disputes."""
    settings = Settings.model_validate(brief.settings)
    given = [one for one in brief.artifacts if one.data.get("sources")]
    if not given:
        return Outcome(
            word="escalate",
            question="No stream of research brought anything. Should research run again with other sources?",
            why="There is nothing to join.",
        )
    given.sort(key=lambda one: _place(one, settings.streams))
    sources, numbers = _sources(given)
    missing = [name for name in settings.streams if name not in {_stream(one) for one in given}]
    notes = _notes(given, numbers, missing)
    notes = notes.model_copy(update={"contradictions": await _disputes(brief, desk, sources, notes)})
    notes, dropped = notes_of.checked(notes, sources)
    if dropped:
        desk.note(f"Dropped {dropped} statements that are not in their source word for word.")
    skipped = [line for one in given for line in one.data.get("skipped", [])]
    data = {"sources": sources, "skipped": skipped, **notes.model_dump()}
    text = notes_of.markdown(brief.title, notes, sources, skipped)
    count = len(notes.contradictions)
    summary = f"Joined {len(given)} streams with {len(sources)} sources."
    summary += f" They dispute {count} {'figure' if count == 1 else 'figures'}." if count else ""
    summary += f" Nothing came from: {', '.join(missing)}." if missing else ""
    return Outcome(
        made=(Made(kind="research", text=text, data=data),), summary=summary,
        fields={"streams": len(given), "sources": len(sources), "contradictions": count, "missing": missing},
    )  # fmt: skip


def _stream(given: Given) -> str:
    return str(given.data.get("stream") or given.kind)


def _place(given: Given, streams: Sequence[str]) -> int:
    return streams.index(_stream(given)) if _stream(given) in streams else len(streams)


def _sources(given: Sequence[Given]) -> tuple[list[dict[str, Any]], dict[tuple[str, int], int]]:
    """All sources, each once, numbered from 1; and the new number of each by kind and old number."""
    sources: list[dict[str, Any]] = []
    known: dict[str, dict[str, Any]] = {}
    numbers: dict[tuple[str, int], int] = {}
    for one in given:
        for source in one.data["sources"]:
            same = known.get(source["sha256"])
            if same is None:
                same = {**source, "number": len(sources) + 1, "streams": []}
                known[source["sha256"]] = same
                sources.append(same)
            same["streams"].append(_stream(one))
            numbers[one.kind, source["number"]] = same["number"]
    return sources, numbers


def _notes(given: Sequence[Given], numbers: dict[tuple[str, int], int], missing: Sequence[str]) -> Notes:
    """The notes of all streams, taken in turn, so that no stream crowds out another."""
    parts: dict[str, list[Any]] = {}
    for name, most in MOST.items():
        lists = [[_renumbered(item, one.kind, numbers) for item in one.data.get(name, [])] for one in given]
        parts[name] = _once(item for items in zip_longest(*lists) for item in items if item is not None)[
            :most
        ]
    lacking = [f"No source was read for the stream “{name}”." for name in missing]
    parts["open_questions"] = [*lacking, *parts["open_questions"]][: MOST["open_questions"]]
    return Notes.model_validate(parts)


def _renumbered(item: Any, kind: str, numbers: dict[tuple[str, int], int]) -> Any:
    return {**item, "source": numbers[kind, item["source"]]} if isinstance(item, dict) else item


def _once(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


async def _disputes(brief: Brief, desk: Desk, sources: Sequence[dict[str, Any]], notes: Notes) -> list[Any]:
    statements = [*_statements(sources)]
    if len(statements) > MOST_STATEMENTS:
        chosen = {figure.text for figure in notes.figures}
        statements.sort(key=lambda one: one["text"] not in chosen)  # what the streams found worth telling
    wanted = material(title=brief.title, statements=statements[:MOST_STATEMENTS])
    if not statements:
        return []
    reply: Disputes = await desk.ask(
        Ask(kind="find_disputes", instructions=brief.instructions, material=wanted, returns=Disputes)
    )
    return reply.contradictions


def _statements(sources: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The sentences with a measured number, with their source."""
    for source in sources:
        for block in blocks(source["text"]):
            for text in sentences.split(block.text):
                if sentences.is_whole(text) and any(number.unit for number in figures.numbers(text)):
                    yield {"source": source["number"], "text": text}
