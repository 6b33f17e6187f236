"""Holds a draft against its sources and the house rules.

Takes: *draft*, *research*. Checks that every sentence cites a source; numbers, names and quotations word
for word; disputes between sources; required sections and head; length; banned words and tone. What a
sentence means is proven only by its being the source's own; else the review says that it was not checked.
Gives: *review*, with one finding per remark, anchored to a sentence, with the source's own words. Within
its authority it corrects minor things itself (then it gives a new *draft* too) and sends major ones back.
Tools: none.

Asks a person: when sources dispute a figure that the brief demands, when the same remark comes up in two
rounds running, and when it may not send work back. It never approves; passing a draft only lets it
go on to the person who does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from agents import assignment
from agents.assignment import Assignment
from agents.contract import Ask, Brief, Check, Desk, Finding, Given, Made, Outcome, Unavailable, Unusable
from agents.llm.jobs import Judgement, material
from agents.prose import article, figures, inspection, words
from agents.prose.corpus import Corpus, corpus
from agents.prose.support import SAME, states
from agents.tools import Closed

ACCEPTS = ("draft", "research")
RETURNS = ("review", "draft")
TOOLS = ()
READS = ("model", "instructions", "voice", "authority", "judges", "send_back")
FIELDS = ("open", "major", "corrected")


class Length(Closed):
    """Words, where the brief names no length."""

    min: int = Field(300, ge=0, le=100_000)
    max: int = Field(2_000, ge=1, le=100_000)


class Settings(Closed):
    """The house rules."""

    required_sections: tuple[str, ...] = ("In short", "What to do next", "Sources")
    required_fields: tuple[str, ...] = ("title", "description")
    banned_words: dict[str, str] = Field(default_factory=dict)  # word -> what to write instead, or ""
    words: Length = Length()


#: a wish that says nothing but which source holds
_CHOOSES = re.compile(
    r"(?:please )?(?:use |take |keep |believe |trust |go with |follow )?source (\d{1,3})"
    r"(?:,? please| is right| holds| is correct| counts)?\.?", re.I,
)  # fmt: skip


@dataclass
class Judged:
    """The draft under review, what was found, and what was put right."""

    text: str
    findings: list[Finding] = field(default_factory=list)
    disputed: list[tuple[Finding, Mapping[str, Any]]] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)  # figures of disputes that a person decided by name
    reworded: int = 0  # sentences that stand in no cited source to the letter: their meaning is not checked
    tone_unread: str = ""  # why the tone could not be judged

    @property
    def open(self) -> list[Finding]:
        """What nobody put right yet."""
        return [finding for finding in self.findings if finding.state == "open"]

    @property
    def major(self) -> list[Finding]:
        """What keeps the draft from going on."""
        return [finding for finding in self.open if finding.severity == "major"]


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Check, correct what may be corrected, then let pass, send back or ask."""
    settings = Settings.model_validate(brief.settings)
    draft, research = brief.artifact("draft"), brief.artifact("research")
    if draft is None or research is None:
        missing = "draft" if draft is None else "research"
        return Outcome(
            word="escalate",
            question=f"There is no {missing} to review against. Go on without a review?",
            why="A review holds a draft against its sources.",
        )
    wanted = assignment.read(brief)
    judged = Judged(draft.text)
    sources = corpus(research.data.get("sources", []))
    _against_sources(judged, sources, research.data.get("contradictions", []), _wishes(brief, draft))
    _against_house(judged, brief, wanted, settings)
    await _against_voice(judged, brief, desk)
    _correct(judged, brief)
    checks = _checks(judged, wanted, settings, research)
    return _verdict(judged, brief, draft, wanted, checks)


# The checks


def _against_sources(
    judged: Judged, sources: Corpus, contradictions: Sequence[Mapping[str, Any]], wishes: Sequence[str]
) -> None:
    every = article.spots(judged.text)
    astray = inspection.miscited(every, sources)
    judged.findings += astray
    spots = [spot for spot in every if spot.text not in {finding.quote for finding in astray}]
    found = inspection.wrong_numbers(spots, sources)
    found += inspection.wrong_quotes(spots, sources)
    found += inspection.wrong_names(spots, sources)
    found += inspection.unsourced(spots, sources)
    for finding, dispute in inspection.one_sided(every, sources, contradictions):
        side = _decided(dispute, wishes)
        if side is not None and states(article.CITATION.sub("", finding.quote), side, sources):
            judged.decided.append(str(side["value"]))
        else:
            judged.disputed.append((finding, dispute))
    found += [finding for finding, _ in judged.disputed]
    judged.findings += _one_each(found)
    judged.reworded = len(inspection.reworded(every, sources))


def _one_each(found: Sequence[Finding]) -> list[Finding]:
    """One remark per sentence, the first and gravest: whoever mends it mends the sentence."""
    first: dict[str, Finding] = {}
    for finding in found:
        kept = first.setdefault(finding.quote or finding.text, finding)
        if kept.severity == "minor" and finding.severity == "major":
            first[finding.quote or finding.text] = finding
    return list(first.values())


def _against_house(judged: Judged, brief: Brief, wanted: Assignment, settings: Settings) -> None:
    least, most = (
        (wanted.words.min, wanted.words.max) if wanted.words else (settings.words.min, settings.words.max)
    )
    judged.findings += inspection.wrong_head(judged.text, settings.required_fields)
    judged.findings += inspection.missing_sections(judged.text, settings.required_sections)
    judged.findings += inspection.empty_sections(judged.text)
    judged.findings += inspection.wrong_length(judged.text, least, most)


async def _against_voice(judged: Judged, brief: Brief, desk: Desk) -> None:
    """Remarks on tone from the model, all minor: taste alone sends nothing back."""
    ask = Ask(
        kind="judge_tone", instructions=brief.instructions, returns=Judgement,
        material=material(draft=judged.text, voice=brief.voice),
    )  # fmt: skip
    try:
        reply: Judgement = await desk.ask(ask)
    except (Unavailable, Unusable) as error:
        judged.tone_unread = str(error)[:200]
        return
    taken = {finding.quote for finding in judged.findings}
    spots = {spot.text for spot in article.spots(judged.text)}
    judged.findings += [
        Finding(
            kind="tone", text=remark.text, quote=remark.quote, severity="minor", suggestion=remark.suggestion
        )
        for remark in reply.remarks
        if remark.quote in spots and remark.quote not in taken
    ]


# Correcting


def _correct(judged: Judged, brief: Brief) -> None:
    """Put right what one citation mends, if the authority reaches that far. A word that the house avoids is
    only pointed out: "leverage" may be a verb or a noun, and the word may be the source's own."""
    settings = Settings.model_validate(brief.settings)
    for place, finding in enumerate(judged.findings):
        if (
            _may(brief, "citation")
            and finding.kind == "citation"
            and finding.severity == "minor"
            and finding.source
        ):
            mended = article.cite(
                article.CITATION.sub("", finding.quote).replace(" .", "."), [finding.source]
            )
            judged.text = judged.text.replace(finding.quote, mended, 1)
            judged.findings[place] = finding.model_copy(
                update={
                    "state": "corrected",
                    "quote": mended,
                    "before": finding.quote,
                    "suggestion": f"Now cites source {finding.source}.",
                }
            )
    banned = inspection.house_words(brief.voice) | settings.banned_words
    judged.findings += inspection.banned_words(article.spots(judged.text), banned)


def _may(brief: Brief, kind: str) -> bool:
    """Whether the agent may correct this kind by itself: its budget, and what it has earned."""
    kinds = brief.authority.get("kinds") or []
    return brief.authority.get("correct", "none") in ("minor", "all") and (not kinds or kind in kinds)


# The verdict


def _verdict(judged: Judged, brief: Brief, draft: Given, wanted: Assignment, checks: list[Check]) -> Outcome:
    corrected = [finding for finding in judged.findings if finding.state == "corrected"]
    made = [_report(judged, checks, brief)]
    if judged.text != draft.text:
        made.append(
            Made(kind="draft", text=judged.text, data=draft.data | {"words": article.word_count(judged.text)})
        )
    outcome = Outcome(
        made=tuple(made),
        findings=tuple(judged.findings),
        checks=tuple(checks),
        fields={"open": len(judged.open), "major": len(judged.major), "corrected": len(corrected)},
        confidence=_confidence(checks),
        summary=_summary(judged, corrected),
    )
    if not judged.major:
        return outcome
    if question := _question(judged, brief, draft, wanted):
        return outcome.model_copy(
            update={"word": "escalate", "question": question, "why": _list(judged.major)}
        )
    return outcome.model_copy(update={"word": "send_back", "why": _list(judged.major)})


def _question(judged: Judged, brief: Brief, draft: Given, wanted: Assignment) -> str:
    """The one question for a person; empty where sending the draft back will do."""
    for finding, dispute in judged.disputed:
        if finding in judged.major and _demanded(dispute, wanted):
            sides = " or ".join(
                f"{side['value']} (source {side['source']}: “{side['text']}”)"
                for side in dispute["statements"]
            )
            return f"The brief demands a figure that the sources dispute. Which one holds: {sides}?"
    if again := _again(judged.major, draft):
        choice = (
            "Keep the passage, fix it or drop it?"
            if again.quote
            else "Mend it by hand, or let the article go on without it?"
        )
        return f"The same remark came up twice and was not put right: {again.text} {choice}"
    if not brief.authority.get("send_back"):
        return (
            f"The draft has {_count(judged.major)} that must be put right, and the reviewer may "
            "not send work back. What next?"
        )
    return ""


def _demanded(dispute: Mapping[str, Any], wanted: Assignment) -> bool:
    """Whether the brief orders one side of a dispute to be stated."""
    return any(
        words.alike(words.vector(claim), words.vector(side["text"])) > SAME
        for claim in wanted.must_mention
        for side in dispute["statements"]
    )


def _again(major: Sequence[Finding], draft: Given) -> Finding | None:
    """A remark that the writer was asked to put right in the round before and did not."""
    asked = [r for r in draft.data.get("requests", []) if str(r.get("by", "")).startswith("agent:")]
    for finding in major:
        for request in asked:
            same_place = words.plain(finding.quote) == words.plain(request.get("quote", ""))
            if same_place and str(request.get("text", "")).startswith(finding.text.split(":")[0]):
                return finding
    return None


def _wishes(brief: Brief, draft: Given) -> list[str]:
    """What people asked for, in their words: of this draft, of those before it, and of this review."""
    asked = [*draft.data.get("wishes", []), *draft.data.get("requests", [])]
    asked += [request.model_dump() for request in brief.requests]
    return [str(one.get("text", "")) for one in asked if str(one.get("by", "")).startswith("user:")]


def _decided(dispute: Mapping[str, Any], wishes: Sequence[str]) -> Mapping[str, Any] | None:
    """The side of this very dispute that a person decided for, the last time that one did: by its figure, if
    the wish names no other side's, or by nothing but its source. Any other wish decides nothing."""
    for wish in reversed(wishes):
        chosen = _CHOOSES.fullmatch(wish.strip())
        named = [
            side for side in dispute["statements"]
            if (chosen and int(chosen[1]) == side["source"]) or _names(wish, str(side["value"]))
        ]  # fmt: skip
        if len(named) == 1:
            return dict(named[0])
    return None


def _names(wish: str, value: str) -> bool:
    wanted = figures.numbers(value)
    return bool(wanted) and any(
        number.same_as(wanted[0]) and number.unit in ("", wanted[0].unit) for number in figures.numbers(wish)
    )


# What people read


_MARKS = {True: "✓", False: "✗", None: "–"}
_CHECKS = (
    ("Numbers", ("unsupported_number",), "every number is in its source"),
    ("Names", ("unsupported_name",), "every name is in its source"),
    ("Quotations", ("unsupported_quote",), "every quotation is word for word"),
    ("Sources", ("citation", "unsupported_claim"), "every sentence cites a source"),
    ("Disputed figures", ("contradiction",), "no disputed figure stands alone"),
    ("Structure", ("structure",), "every required section is there"),
    ("Front matter", ("front_matter",), "complete"),
    ("Words", ("banned_word",), "no banned word"),
    ("Tone", ("tone",), "no remark"),
)


def _checks(judged: Judged, wanted: Assignment, settings: Settings, research: Given) -> list[Check]:
    least, most = (
        (wanted.words.min, wanted.words.max) if wanted.words else (settings.words.min, settings.words.max)
    )
    count = article.word_count(judged.text)
    checks = [
        Check(name="Length", passed=least <= count <= most, text=f"{count:,} of {least:,} to {most:,} words")
    ]
    for name, kinds, good in _CHECKS:
        remarks = [finding for finding in judged.findings if finding.kind in kinds]
        open_ones = [finding for finding in remarks if finding.state == "open"]
        text = f"{_count(open_ones)} open" if open_ones else f"{len(remarks)} corrected" if remarks else good
        passed: bool | None = not open_ones
        if name == "Tone" and judged.tone_unread:
            passed, text = None, f"not checked: {judged.tone_unread}"
        if name == "Disputed figures" and not remarks and (disputes := research.data.get("contradictions")):
            text = f"{good}; the sources dispute {len(disputes)}"
            if judged.decided:
                text += f"; a person decided for {', '.join(judged.decided)}"
        checks.append(Check(name=name, passed=passed, text=text))
    return [*checks, _meaning(judged)]


def _meaning(judged: Judged) -> Check:
    """Whether the sources mean what the draft says. Only the very words of a source prove that here."""
    if not judged.reworded:
        return Check(name="Meaning", passed=True, text="every sentence stands word for word in its source")
    told = "1 sentence is" if judged.reworded == 1 else f"{judged.reworded:,} sentences are"
    text = f"not checked: {told} not in the words of a source; compare with the source"
    return Check(name="Meaning", passed=None, text=text)


def _report(judged: Judged, checks: Sequence[Check], brief: Brief) -> Made:
    lines = [f"# Review, round {brief.round}", ""]
    lines += [f"- {_MARKS[check.passed]} {check.name}: {check.text}" for check in checks]
    for number, finding in enumerate(judged.findings, start=1):
        lines += ["", f"## {number}. {finding.text}", "", f"{finding.severity}, {finding.state}"]
        lines += ["", f"> {finding.quote}"] if finding.quote else []
        lines += ["", f"Source {finding.source}: {finding.passage}"] if finding.passage else []
        lines += ["", finding.suggestion] if finding.suggestion else []
    data = {
        "findings": [finding.model_dump() for finding in judged.findings],
        "checks": [check.model_dump() for check in checks],
        "round": brief.round,
    }
    return Made(kind="review", text="\n".join(lines) + "\n", data=data)


def _summary(judged: Judged, corrected: Sequence[Finding]) -> str:
    parts = []
    if corrected:
        parts.append(f"corrected {_count(corrected)} itself")
    if judged.major:
        parts.append(f"found {_count(judged.major)} to put right")
    minor = len(judged.open) - len(judged.major)
    if minor:
        parts.append(f"left {minor} minor {'remark' if minor == 1 else 'remarks'}")
    text = ", ".join(parts) or "found nothing to mend"
    return text[0].upper() + text[1:] + "."


def _list(findings: Sequence[Finding]) -> str:
    return " ".join(finding.text for finding in findings[:5])


def _count(findings: Sequence[Finding]) -> str:
    return f"{len(findings)} {'thing' if len(findings) == 1 else 'things'}"


def _confidence(checks: Sequence[Check]) -> float:
    """The share that passed of what was checked."""
    checked = [check.passed for check in checks if check.passed is not None]
    return round(sum(checked) / len(checked), 2)
