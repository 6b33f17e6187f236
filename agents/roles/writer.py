"""Turns a research brief into a draft with front matter, and revises it when it comes back.

Takes: *research*; when work comes back also its *draft* and the numbered requests.
Gives: *draft*: Markdown in the structure of the brief, in the brand voice, every sentence with the number
of its source. Each request is answered by its number: what was done, or why it could not be.
Tools: none. Asks a person when there is no research to write from, or nothing can be made of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from agents import assignment, front_matter
from agents.assignment import Assignment
from agents.contract import Answer, Ask, Brief, Desk, Given, Made, Outcome
from agents.llm.jobs import Change, Draft, Revision, Section, Sentence, material
from agents.prose import article, words
from agents.prose.article import SOURCES, cite
from agents.prose.asked import met, not_done
from agents.tools import Closed

ACCEPTS = ("research", "draft")
RETURNS = ("draft",)
TOOLS = ()
READS = ("model", "instructions", "voice")
FIELDS = ("words",)


class Settings(Closed):
    """What every text of this writer has, where the task does not say otherwise."""

    # Headings in order; the name behind one is the stream of research whose sources alone it may use.
    sections: dict[str, str] = Field(default_factory=dict)
    disputes: str = Field("", max_length=80)  # heading of a section with the figures that sources dispute


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Write on the first pass, revise when requests came with the work."""
    settings = Settings.model_validate(brief.settings)
    research = brief.artifact("research")
    if research is None or not research.data.get("sources"):
        return Outcome(
            word="escalate",
            question="There is no research to write from. Should research run again?",
            why="The writer uses nothing but the sources of a research brief.",
        )
    wanted = assignment.read(brief)
    if settings.sections and not wanted.sections:
        wanted = wanted.model_copy(update={"sections": list(settings.sections)})
    before = brief.artifact("draft")
    if brief.requests and before is not None:
        return await _revise(brief, desk, wanted, research, before, settings)
    return await _write(brief, desk, wanted, research, settings)


async def _write(
    brief: Brief, desk: Desk, wanted: Assignment, research: Given, settings: Settings
) -> Outcome:
    reply: Draft = await desk.ask(
        Ask(
            kind="write_draft",
            instructions=brief.instructions,
            material=_material(brief, wanted, research, settings)
            | material(requests=[{"number": r.number, "text": r.text} for r in brief.requests]),
            returns=Draft,
        )
    )
    sections = _known(reply.sections, research)
    if not any(section.paragraphs for section in sections):
        return Outcome(
            word="escalate",
            question="No article could be made of these sources. Add sources, or change the brief?",
            why="The sources hold too few sentences that can stand in an article.",
        )
    fields = {
        "title": wanted.title,
        "slug": slug(wanted.title),
        "description": reply.description,
        "keyword": wanted.keyword,
        "audience": wanted.audience,
        "date": brief.sent_at.date().isoformat() if brief.sent_at else "",
    }
    sections += _disputed(research, settings.disputes)
    body = "\n\n".join([*(_section(section) for section in sections), _sources(research)])
    text = front_matter.write(fields, body + "\n")
    unbacked = sum(
        not s.sources for section in sections for paragraph in section.paragraphs for s in paragraph
    )
    summary = (
        f"Wrote {article.word_count(text):,} words in {len(sections)} sections from "
        f"{len(research.data['sources'])} sources."
    )
    if unbacked:
        summary += (
            f" {unbacked} {'statement' if unbacked == 1 else 'statements'} that the brief "
            f"orders {'has' if unbacked == 1 else 'have'} no source."
        )
    return Outcome(
        made=(_made(text, brief, ()),), summary=summary, fields={"words": article.word_count(text)}
    )


async def _revise(
    brief: Brief, desk: Desk, wanted: Assignment, research: Given, before: Given, settings: Settings
) -> Outcome:
    asked = [{"number": r.number, "text": r.text, "quote": r.quote} for r in brief.requests]
    reply: Revision = await desk.ask(
        Ask(
            kind="revise_draft",
            instructions=brief.instructions,
            material=_material(brief, wanted, research, settings) | {"draft": before.text, "requests": asked},
            returns=Revision,
        )
    )
    text, answers, done = before.text, list[Answer](), 0
    for request in brief.requests:
        changes = [change for change in reply.changes if change.request == request.number]
        after, answer = _answered(text, request.number, changes, research)
        if met(request.text, request.quote, text, after):
            done, text = done + 1, after
        else:  # a change that has nothing to do with the request is not made either
            said = not_done(answer.text, changed=after != text)
            answer = Answer(number=request.number, text=said)
        answers.append(answer)
    if text == before.text:
        return _unchanged(brief, before, answers)
    return Outcome(
        made=(_made(text, brief, answers),),
        answers=tuple(answers),
        summary=f"Revised the draft: {done} of {len(answers)} requests led to a change.",
        fields={"words": article.word_count(text)},
    )


def _unchanged(brief: Brief, before: Given, answers: Sequence[Answer]) -> Outcome:
    """Nothing could be done: the same text goes on, with the reasons, and whoever judges decides."""
    return Outcome(
        made=(_made(before.text, brief, answers),),
        answers=tuple(answers),
        summary="None of the requests could be met; the answers say why.",
    )


def _answered(text: str, number: int, changes: Sequence[Change], research: Given) -> tuple[str, Answer]:
    """Make the changes for one request; the answer tells what was done and quotes what is there now."""
    told, quote = [], ""
    for change in changes:
        new = _sentences(change.new, research)
        after = _apply(text, change, new)
        if after is None:
            told.append(
                "A sentence that should change is not in the draft any more."
                if change.action != "none"
                else change.answer
            )
            continue
        text = after
        told.append(change.answer)
        quote = quote or (cite(new[0].text, new[0].sources) if new and change.action != "retitle" else "")
    told = list(dict.fromkeys(told)) or ["The model did not answer this request; nothing was changed."]
    return text, Answer(number=number, text=" ".join(told)[:1_500], quote=quote if quote in text else "")


def _apply(text: str, change: Change, new: Sequence[Sentence]) -> str | None:
    """The draft after one change; None where there is nothing to change or its place is not found."""
    fresh = " ".join(cite(sentence.text, sentence.sources) for sentence in new)
    match change.action:
        case "replace" if change.old and change.old in text and fresh:
            return text.replace(change.old, fresh, 1)
        case "remove" if change.old and change.old in text:
            return _without(text, change.old)
        case "insert" if change.after and change.after in text and fresh:
            return text.replace(change.after, f"{change.after} {fresh}", 1)
        case "insert" if change.heading and fresh:
            return _at_end_of(text, change.heading, fresh)
        case "section" if change.heading and new:
            return _with_section(text, change.heading, new)
        case "retitle" if new:
            return _retitled(text, new[0].text)
    return None


def _without(text: str, sentence: str) -> str:
    """Take a sentence out, and its paragraph or list marker where nothing else is left of it."""
    place = text.index(sentence)
    before, after = text[:place].rstrip(" "), text[place + len(sentence) :].lstrip(" ")
    marker = re.search(r"(?:^|\n)(?:[-*+]|\d{1,3}[.)])$", before)
    if marker and after[:1] in ("\n", ""):
        before, after = (
            before[: marker.start() + 1].rstrip("\n") + "\n",
            after.lstrip("\n") if after.startswith("\n-") else after,
        )
    elif before and before[-1] != "\n" and after[:1] not in ("\n", ""):
        before += " "
    return re.sub(r"\n{3,}", "\n\n", before + after)


def _at_end_of(text: str, heading: str, fresh: str) -> str | None:
    part = next((p for p in article.parts(text) if p.heading.lower() == heading.lower()), None)
    if part is None:
        return None
    return f"{text[: part.end].rstrip()}\n\n{fresh}\n\n{text[part.end :].lstrip()}"


def _with_section(text: str, heading: str, new: Sequence[Sentence]) -> str:
    """A new section before the list of sources: steps where it tells what to do, prose otherwise."""
    steps = len(new) > 1 and len({tuple(s.sources) for s in new}) > 1
    body = Section(
        heading=heading,
        paragraphs=[[s] for s in new] if steps else [list(new)],
        style="steps" if steps else "prose",
    )
    sources = next((p for p in article.parts(text) if p.heading == SOURCES), None)
    place = text.rindex("\n#", 0, sources.start) + 1 if sources else len(text)
    return f"{text[:place].rstrip()}\n\n{_section(body)}\n\n{text[place:]}"


def _retitled(text: str, title: str) -> str | None:
    fields, body = front_matter.lenient(text)
    return front_matter.write(fields | {"title": title}, body) if fields else None


def _material(brief: Brief, wanted: Assignment, research: Given, settings: Settings) -> dict[str, Any]:
    notes = {
        key: research.data.get(key, [])
        for key in ("background", "key_points", "figures", "quotes", "open_questions")
    }
    return material(
        title=wanted.title,
        brief=wanted.brief,
        keyword=wanted.keyword,
        sections=wanted.sections,
        sources_of=_sources_of(wanted, research, settings),
        must_mention=wanted.must_mention,
        words=wanted.words.model_dump() if wanted.words else None,
        audience=assignment.profile(brief, wanted.audience) or wanted.audience,
        voice=brief.voice,
        examples=assignment.examples(brief),
        notes=notes,
        contradictions=research.data.get("contradictions", []),
        disputes_apart=bool(settings.disputes) or None,
        sources=[{key: s[key] for key in ("number", "title", "text")} for s in research.data["sources"]],
    )


def _sources_of(wanted: Assignment, research: Given, settings: Settings) -> dict[str, list[int]]:
    """Per heading the numbers of the sources that it may use, where its stream is given."""
    streams = {
        name: stream for name, stream in settings.sections.items() if stream and name in wanted.sections
    }
    return {
        heading: [s["number"] for s in research.data["sources"] if stream in s.get("streams", ())]
        for heading, stream in streams.items()
    }


def _disputed(research: Given, heading: str) -> list[Section]:
    """Every dispute between sources, all sides in their own words; by code, so that none is smoothed."""
    sides = [
        [Sentence(text=side["text"], sources=[side["source"]]) for side in dispute["statements"]]
        for dispute in research.data.get("contradictions", [])
    ]
    return [Section(heading=heading, paragraphs=sides, style="bullets")] if heading and sides else []


def _known(sections: Sequence[Section], research: Given) -> list[Section]:
    """Sections without the ones that code writes, citing only sources that exist."""
    kept = []
    for section in sections:
        if section.heading.strip("# ").lower() != SOURCES.lower():
            paragraphs = [_sentences(paragraph, research) for paragraph in section.paragraphs]
            kept.append(section.model_copy(update={"paragraphs": [p for p in paragraphs if p]}))
    return kept


def _sentences(new: Sequence[Sentence], research: Given) -> list[Sentence]:
    known = {source["number"] for source in research.data["sources"]}
    return [
        Sentence(text=_plain(s.text), sources=[n for n in dict.fromkeys(s.sources) if n in known])
        for s in new
        if s.text.strip()
    ]


def _plain(text: str) -> str:
    """A model's sentence as one line of prose: no headings, lists, HTML, images or citations of its own."""
    text = words.unlinked(words.unpictured(text))
    text = re.sub(r"^\s*(?:#{1,6}|[-*+>]|\d{1,3}[.)])\s+", "", text)
    return re.sub(r"\s*\[\d{1,3}\]", "", text).strip()


def _section(section: Section) -> str:
    lines = [" ".join(cite(s.text, s.sources) for s in paragraph) for paragraph in section.paragraphs]
    if section.style == "bullets":
        text = "\n".join(f"- {line}" for line in lines)
    elif section.style == "steps":
        text = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
    else:
        text = "\n\n".join(lines)
    heading = section.heading.strip("# ")
    return f"## {heading}\n\n{text}"


def _sources(research: Given) -> str:
    """The list that the numbers point to: every source of the research brief, addresses as links."""
    lines = []
    for source in research.data["sources"]:
        title = re.sub(r"[\[\]<>`*_]", "", source["title"])
        origin = str(source.get("origin", ""))
        linked = re.fullmatch(r"https?://[^\s()<>]+", origin)
        lines.append(f"{source['number']}. [{title}]({origin})" if linked else f"{source['number']}. {title}")
    return f"## {SOURCES}\n\n" + "\n".join(lines)


def _made(text: str, brief: Brief, answers: Sequence[Answer]) -> Made:
    fields, _ = front_matter.lenient(text)
    return Made(
        kind="draft",
        text=text,
        data={
            **{key: fields.get(key, "") for key in ("title", "slug", "description", "keyword")},
            "words": article.word_count(text),
            "round": brief.round,
            "requests": [request.model_dump() for request in brief.requests],
            "wishes": _wishes(brief),
            "answers": [answer.model_dump() for answer in answers],
        },
    )


def _wishes(brief: Brief) -> list[dict[str, str]]:
    """What people asked for in the rounds so far, this one's included: a decision of theirs holds in later
    rounds too."""
    before = brief.artifact("draft")
    earlier = list(before.data.get("wishes", [])) if before else []
    mine = [{"text": one.text, "by": one.by} for one in brief.requests if one.by.startswith("user:")]
    return (earlier + mine)[-100:]


def slug(title: str) -> str:
    """A title as the last part of an address: lower-case ASCII words with hyphens, at most 80 characters."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")[:80].rstrip("-") or "article"
