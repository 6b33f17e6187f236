"""Sums up a finished article for the people who decide about it: one paragraph and the facts.

Takes: *draft*, *research*, *review* and the formatted pages. Gives: *summary*: the text is one paragraph,
`data` holds title, path, paths, words, sources, findings. Tools: none. Never asks a person; what it cannot
know it leaves out.
"""

from __future__ import annotations

from typing import Any

from agents import front_matter
from agents.contract import Ask, Brief, Desk, Given, Made, Outcome, Unavailable, Unusable
from agents.llm.jobs import Summary, material
from agents.prose import article
from agents.prose.clean import one_line
from agents.prose.sentences import split
from agents.tools import Closed

ACCEPTS = ("draft", "research", "review", "page_php", "page_html", "page_md")
RETURNS = ("summary",)
TOOLS = ()
READS = ("model", "instructions")


class Settings(Closed):
    """The reporter has nothing to set."""


LONGEST = 900  # characters of the paragraph; a notice stays readable on a telephone


async def work(brief: Brief, desk: Desk) -> Outcome:
    """One paragraph: what the article says (from the model), then the facts (from code)."""
    Settings.model_validate(brief.settings)
    draft = brief.artifact("draft")
    if draft is None:
        return Outcome(
            made=(Made(kind="summary", text=f"{brief.title}: there is no draft yet."),),
            summary="There was no draft to sum up.",
        )
    facts = _facts(brief, draft)
    paragraph = " ".join(part for part in (await _says(brief, draft, desk), *_sentences(facts)) if part)
    text = one_line(paragraph, LONGEST)
    return Outcome(
        made=(Made(kind="summary", text=text, data=facts),), summary="Summed it up for the editors."
    )


async def _says(brief: Brief, draft: Given, desk: Desk) -> str:
    ask = Ask(
        kind="summarise",
        instructions=brief.instructions,
        material=material(title=brief.title, draft=draft.text),
        returns=Summary,
    )
    try:
        reply: Summary = await desk.ask(ask)
    except (Unavailable, Unusable):
        return ""  # the facts below are worth telling without it
    return one_line(article.bare(reply.text), 500)


def _facts(brief: Brief, draft: Given) -> dict[str, Any]:
    fields, _ = front_matter.lenient(draft.text)
    research, review = brief.artifact("research"), brief.artifact("review")
    findings = review.data.get("findings", []) if review else []
    cited = {number for spot in article.spots(draft.text) for number in spot.citations}
    return {
        "title": str(fields.get("title") or brief.title),
        "path": next((path for path in brief.output if path.endswith(".php")), next(iter(brief.output), "")),
        "paths": list(brief.output),
        "words": article.word_count(draft.text),
        "sources": len(research.data.get("sources", [])) if research else len(cited),
        "cited": len(cited),
        "draft": draft.number,
        "round": int(draft.data.get("round", 1)),
        "returned": [request["text"] for request in draft.data.get("requests", [])],
        "open_findings": sum(finding["state"] == "open" for finding in findings),
        "corrected": sum(finding["state"] == "corrected" for finding in findings),
    }


def _sentences(facts: dict[str, Any]) -> list[str]:
    sources = f"{facts['cited']} of {facts['sources']} sources cited"
    told = [f"{facts['words']:,} words, {sources}."]
    if facts["returned"]:
        first = one_line(split(facts["returned"][0])[0].rstrip("."), 120)
        more = f" and {len(facts['returned']) - 1} more" if len(facts["returned"]) > 1 else ""
        times = "once" if facts["round"] <= 2 else f"{facts['round'] - 1} times"
        told.append(f"It came back {times} (last: {first}{more}).")
    if facts["corrected"]:
        told.append(
            f"The reviewer corrected {facts['corrected']} minor "
            f"{'thing' if facts['corrected'] == 1 else 'things'}."
        )
    told.append(
        "No finding is open."
        if not facts["open_findings"]
        else f"{facts['open_findings']} findings are open."
    )
    return told
