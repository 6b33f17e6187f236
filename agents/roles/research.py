"""Reads the task's sources and compiles what they say into a research brief.

Takes: the task's `sources` (files and folders of its workspace, web addresses, feeds, plain text).
Gives: *research*, or the kind that its definition returns first: the numbered sources themselves, background,
key points, figures, quotes, dates, what each source covers already, contradictions and open questions; every
item names its source.
Tools: read_file, fetch_url, read_feed. Asks a person when no source can be used.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from agents import assignment
from agents import notes as notes_of
from agents.assignment import Assignment, Source
from agents.contract import Ask, Brief, Desk, Made, Outcome, Refused, Unavailable
from agents.llm.jobs import Notes, material
from agents.prose import sentences, words
from agents.prose.blocks import Document, blocks, read
from agents.prose.clean import clean, one_line
from agents.tools import Closed

ACCEPTS = ()
RETURNS = ("*",)
TOOLS = ("read_file", "fetch_url", "read_feed", "search")
READS = ("model", "instructions")
FIELDS = ("sources", "contradictions")
MOST_RETURNS = 1


class Settings(Closed):
    """How much is read."""

    most_sources: int = Field(12, ge=1, le=100)  # the best-fitting ones where a folder holds more
    most_characters: int = Field(60_000, ge=1_000, le=500_000)  # kept of each source
    # Of several research agents on one task each may have a stream of its own: it reads the sources in
    # folders of this name, those that name the stream, and those that belong to none.
    stream: str = Field("", max_length=60)
    least_sentences: int = Field(2, ge=1, le=100)  # a source with fewer whole sentences is of no use


FAR = 0.2  # a file that fits the subject less than this share of the best one is about something else
MOST_READ = 150  # files opened per run; below the most steps that a definition can allow


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Read, number, compile, check."""
    settings = Settings.model_validate(brief.settings)
    wanted = assignment.read(brief)
    found, skipped = await _gather(brief, wanted, desk, settings)
    if not found:
        return _nothing(skipped)
    sources = _chosen(found, wanted, settings, skipped)
    if off := _off_topic(sources, wanted):
        return Outcome(
            word="escalate", question=off, why="An article made from these sources would miss its subject."
        )
    notes = await desk.ask(_ask(brief, wanted, sources))
    notes, dropped = notes_of.checked(notes, sources)
    if dropped:
        desk.note(f"Dropped {dropped} statements of the model that are not in their source word for word.")
    data = {"sources": sources, "skipped": skipped, "stream": settings.stream, **notes.model_dump()}
    kind = brief.returns[0] if brief.returns else "research"
    text = notes_of.markdown(wanted.title, notes, sources, skipped)
    summary = (
        f"Read {len(sources)} sources: {len(notes.key_points)} key points, "
        f"{len(notes.figures)} figures, {len(notes.quotes)} quotes."
    )
    if notes.contradictions:
        count = len(notes.contradictions)
        summary += f" The sources dispute {count} {'figure' if count == 1 else 'figures'}."
    return Outcome(
        made=(Made(kind=kind, text=text, data=data),),
        summary=summary,
        fields={"sources": len(sources), "contradictions": len(notes.contradictions)},
    )


async def _gather(
    brief: Brief, wanted: Assignment, desk: Desk, settings: Settings
) -> tuple[list[dict[str, Any]], list[str]]:
    found: list[dict[str, Any]] = []
    skipped: list[str] = []
    seen: set[str] = set()
    named = {source.path or source.url or source.title for source in wanted.sources}
    async for origin, document, sha256, doubt in _read_all(brief, wanted, desk, settings.stream, skipped):
        whole = clean(document.text, 10**7)
        ready = whole[: settings.most_characters]
        if len(ready) < len(whole):
            doubt = f"{doubt} Only its first {len(ready):,} of {len(whole):,} characters were read.".strip()
        count = sum(sentences.is_whole(s) for block in blocks(ready) for s in sentences.split(block.text))
        if sha256 in seen:
            skipped.append(f"{origin}: the same as another source.")
        elif count < settings.least_sentences:
            why = f": {document.why}" if document.why else f" ({count} whole sentences)"
            skipped.append(f"{origin}: holds no prose to quote{why}.")
        else:
            seen.add(sha256)
            found.append(
                {
                    "title": one_line(document.title, 160),
                    "origin": origin,
                    "text": ready,
                    "sha256": sha256,
                    "fetched_at": _stamp(brief),
                    "named": origin in named,
                    "doubt": doubt,
                }
            )
    for line in skipped:
        desk.note(f"Left out {line}")
    return found, skipped


async def _read_all(
    brief: Brief, wanted: Assignment, desk: Desk, stream: str, skipped: list[str]
) -> AsyncIterator[tuple[str, Document, str, str]]:
    """Every source as (origin, document, sha256, doubt); the unreadable go to `skipped` with the reason."""
    for source in _expanded(brief, wanted, stream, skipped):
        name = source.path or source.url or source.feed or source.title or "text given with the task"
        try:
            if source.path:
                got = await desk.use("read_file", path=source.path)
                document = await asyncio.to_thread(read, got["text"], source.path)
                yield source.path, _titled(source, document), got["sha256"], _doubt(got)
            elif source.url or source.feed:
                tool = "fetch_url" if source.url else "read_feed"
                got = await desk.use(tool, url=source.url or source.feed)
                for one in got.get("entries") or [got]:  # an address of a page may turn out to be a feed's
                    document = Document(one["title"], tuple(blocks(one["text"])), one.get("why", ""))
                    yield one["url"] or name, document, one["sha256"], _doubt(one)
            else:
                document = await asyncio.to_thread(read, source.text, source.title)
                digest = hashlib.sha256(source.text.encode()).hexdigest()
                yield name, _titled(source, document), digest, ""
        except (Refused, Unavailable) as error:
            if isinstance(error, Unavailable) and len(wanted.sources) == 1:
                raise  # the only source is down: trying later is better than asking a person
            skipped.append(f"{name}: {one_line(str(error), 300)}")


def _titled(source: Source, document: Document) -> Document:
    return replace(document, title=source.title or document.title)


def _doubt(got: Mapping[str, Any]) -> str:
    """What of a source is not certain: said beside it, wherever it is shown."""
    cut = "It is longer than may be read; only its beginning was." if got.get("cut") else ""
    return f"{got.get('doubt', '')} {cut}".strip()


def _expanded(brief: Brief, wanted: Assignment, stream: str, skipped: list[str]) -> list[Source]:
    """The sources in order, folders as their files; the whole workspace where the task names none."""
    named = wanted.sources or [Source(path=name) for name in brief.files]
    found: list[Source] = []
    for source in named:
        path = source.path.removeprefix("./").rstrip("/")
        inside = [name for name in brief.files if name.startswith(f"{path}/")] if path else []
        found += [source.model_copy(update={"path": name}) for name in inside] if inside else [source]
    found = [source for source in found if not stream or _is_for(source, stream)]
    if len(found) > MOST_READ:
        skipped.append(
            f"{len(found) - MOST_READ} more files: at most {MOST_READ} are opened for one article."
        )
    return found[:MOST_READ]


def _is_for(source: Source, stream: str) -> bool:
    folders = [name for name in source.path.split("/")[:-1] if name not in ("sources", "files")]
    named = [source.stream] if source.stream else folders
    return not named or stream in named


def _chosen(
    found: list[dict[str, Any]], wanted: Assignment, settings: Settings, skipped: list[str]
) -> list[dict[str, Any]]:
    """Numbered sources in the order given. What a person named by name stays; of a folder's files those
    that have nothing to do with the subject go, and the least fitting where there are too many."""
    idf = words.rarity([source["text"] for source in found])
    subject = words.vector(f"{wanted.title} {wanted.keyword} {wanted.brief}", idf)
    fit = [words.alike(subject, words.vector(f"{s['title']} {s['text']}", idf)) for s in found]
    floor = FAR * max(fit)
    order = sorted(range(len(found)), key=lambda place: (not found[place]["named"], -fit[place]))
    kept = {place for place in order[: settings.most_sources] if found[place]["named"] or fit[place] >= floor}
    skipped += [
        f"{s['origin']}: others fit the subject better." for place, s in enumerate(found) if place not in kept
    ]
    chosen = [source for place, source in enumerate(found) if place in kept]
    return [
        {"number": number} | {key: value for key, value in source.items() if key != "named"}
        for number, source in enumerate(chosen, start=1)
    ]


def _off_topic(sources: Sequence[dict[str, Any]], wanted: Assignment) -> str:
    """A question where not one word of the subject is in any source; empty where the subject is there."""
    subject = set(words.content(f"{wanted.title} {wanted.keyword}"))
    told = {stem for source in sources for stem in words.content(f"{source['title']} {source['text']}")}
    if not subject or subject & told:
        return ""
    return (
        f"None of the {len(sources)} sources mentions anything of “{wanted.title}”. Which sources "
        "should the article "
        "rest on, or what should it be called?"
    )


def _nothing(skipped: Sequence[str]) -> Outcome:
    reasons = (
        "\n".join(f"- {line}" for line in skipped[:20]) or "- The task names no sources and has no files."
    )
    return Outcome(
        word="escalate",
        question="No source can be used. Which files or addresses should the article rest on?",
        why=f"Research needs at least one source with prose in it.\n{reasons}",
    )


def _ask(brief: Brief, wanted: Assignment, sources: Sequence[dict[str, Any]]) -> Ask:
    return Ask(
        kind="compile_research",
        instructions=brief.instructions,
        material=material(
            title=wanted.title,
            brief=wanted.brief,
            keyword=wanted.keyword,
            sections=wanted.sections,
            must_mention=wanted.must_mention,
            audience=assignment.profile(brief, wanted.audience) or wanted.audience,
            sources=[
                {key: source[key] for key in ("number", "title", "origin", "text")} for source in sources
            ],
        ),
        returns=Notes,
    )


def _stamp(brief: Brief) -> str:
    return (brief.sent_at or datetime.now(UTC)).isoformat().replace("+00:00", "Z")
