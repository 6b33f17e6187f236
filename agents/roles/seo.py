"""Makes a draft easier to find: title, meta description, keyword, internal links; small edits, each listed.

Takes: *draft*. Gives: a new version of *draft*; `data.edits` lists what was changed, where and why, and
`data.seo` the measures. Sentences keep their words: a link or a heading is all that changes in the body.
Tools: none. Asks a person when there is no draft.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from agents import assignment, front_matter
from agents.assignment import Assignment, SiteArticle
from agents.contract import Ask, Brief, Check, Desk, Made, Outcome
from agents.llm.jobs import Description, material
from agents.prose import article, words
from agents.prose.clean import one_line
from agents.tools import Closed

ACCEPTS = ("draft", "research")
RETURNS = ("draft",)
TOOLS = ()
READS = ("model", "instructions")


class Settings(Closed):
    """What counts as well placed. Lengths in characters, density in percent of all words."""

    title_most: int = Field(60, ge=20, le=200)
    description_least: int = Field(70, ge=0, le=300)
    description_most: int = Field(160, ge=50, le=400)
    density_least: float = Field(0.4, ge=0, le=10)
    density_most: float = Field(2.5, ge=0.1, le=20)
    most_links: int = Field(3, ge=0, le=20)


Edit = dict[str, str]  # where, before, after, why


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Mend what can be mended without changing a statement, measure the rest."""
    settings = Settings.model_validate(brief.settings)
    draft = brief.artifact("draft")
    if draft is None:
        return Outcome(
            word="escalate",
            question="There is no draft to work on. Should the writer run again?",
            why="SEO edits a draft.",
        )
    wanted = assignment.read(brief)
    fields, body = front_matter.read(draft.text, "the draft's front matter")
    keyword = wanted.keyword or str(fields.get("keyword", ""))
    edits: list[Edit] = []
    fields = _with_title(fields, keyword, wanted, settings, edits)
    fields = await _with_description(fields, body, keyword, brief, desk, settings, edits)
    body = _with_keyword_heading(body, keyword, wanted, edits)
    body = _with_links(body, fields, assignment.site_articles(brief, wanted), settings, edits)
    text = front_matter.write(fields, body) if edits else draft.text
    checks = _checks(text, fields, keyword, settings)
    data = {
        **draft.data,
        "title": fields.get("title", ""),
        "description": fields.get("description", ""),
        "keyword": keyword,
        "words": article.word_count(text),
        "edits": edits,
        "seo": {check.name: check.text for check in checks},
    }
    return Outcome(
        made=(Made(kind="draft", text=text, data=data),),
        checks=tuple(checks),
        summary=_summary(edits, checks),
    )


def _with_title(
    fields: dict[str, Any], keyword: str, wanted: Assignment, settings: Settings, edits: list[Edit]
) -> dict[str, Any]:
    """Put the keyword in front of a title that lacks it, where the title stays short enough."""
    title = str(fields.get("title", "")) or wanted.title
    better = title
    if keyword and not _echoes(title, keyword):
        better = f"{_capital(keyword)}: {title[0].lower() + title[1:] if title[1:2].islower() else title}"
    if better == title or len(better) > settings.title_most:
        return fields | {"title": title}
    edits.append(
        {"where": "title", "before": title, "after": better, "why": f"The title did not name “{keyword}”."}
    )
    return fields | {"title": better}


async def _with_description(
    fields: dict[str, Any],
    body: str,
    keyword: str,
    brief: Brief,
    desk: Desk,
    settings: Settings,
    edits: list[Edit],
) -> dict[str, Any]:
    """Ask for a meta description where the present one has the wrong size or does not name the keyword."""
    before = str(fields.get("description", ""))
    fits = settings.description_least <= len(before) <= settings.description_most
    if fits and (not keyword or _has(before, keyword)):
        return fields
    spots = [spot.bare for spot in article.spots(body)]
    reply: Description = await desk.ask(
        Ask(
            kind="describe",
            instructions=brief.instructions,
            material=material(
                title=fields["title"], keyword=keyword, sentences=spots[:60], most=settings.description_most
            ),
            returns=Description,
        )
    )
    after = one_line(article.bare(reply.text), settings.description_most)
    better = settings.description_least <= len(after) and (
        _has(after, keyword) or not _has(before, keyword) or not fits
    )
    if after == before or not better:
        return fields
    why = (
        f"It had {len(before)} characters; {settings.description_least} to "
        f"{settings.description_most} are shown in full."
    )
    if fits:
        why = f"It did not name “{keyword}”."
    edits.append({"where": "description", "before": before, "after": after, "why": why})
    return fields | {"description": after}


def _with_keyword_heading(body: str, keyword: str, wanted: Assignment, edits: list[Edit]) -> str:
    """Name the keyword in one heading, unless the brief ordered the headings."""
    headings = [
        p.heading for p in article.parts(body) if p.heading and p.heading not in ("In short", article.SOURCES)
    ]
    if not keyword or wanted.sections or not headings or any(_has(heading, keyword) for heading in headings):
        return body
    before = next((heading for heading in headings if not _echoes(heading, keyword)), "")
    if not before:
        return body
    after = f"{_capital(keyword)}: {before[0].lower() + before[1:] if before[1:2].islower() else before}"
    edits.append(
        {"where": "heading", "before": before, "after": after, "why": f"No heading named “{keyword}”."}
    )
    return re.sub(rf"^(##+ ){re.escape(before)}[ \t]*$", lambda m: m[1] + after, body, count=1, flags=re.M)


def _with_links(
    body: str, fields: dict[str, Any], articles: list[SiteArticle], settings: Settings, edits: list[Edit]
) -> str:
    """Link the first mention of what other articles are about, one link per article and per sentence."""
    linked = sum(f"]({other.path})" in body for other in articles)
    taken: set[str] = set()
    for other in articles:
        if (
            linked >= settings.most_links
            or other.path in body
            or other.title.lower() == str(fields.get("title", "")).lower()
        ):
            continue
        # One everyday word ("budget") is no sign that the other article is about the same.
        phrases = [
            p
            for p in other.keywords
            if " " in p or words.stem(p) in map(words.stem, words.tokens(other.title))
        ]
        for phrase in sorted([other.title, *phrases], key=len, reverse=True):
            if found := _mention(body, phrase, taken):
                spot, start, end = found
                mention = body[start:end]
                taken.add(spot)
                body = f"{body[:start]}[{mention}]({other.path}){body[end:]}"
                edits.append(
                    {
                        "where": "link",
                        "before": mention,
                        "after": f"[{mention}]({other.path})",
                        "why": f"Leads to “{other.title}”.",
                    }
                )
                linked += 1
                break
    return body


def _mention(body: str, phrase: str, taken: set[str]) -> tuple[str, int, int] | None:
    """The first place where prose mentions a phrase outside links, code and quotations."""
    pattern = re.compile(rf"(?<![\w\[/.-]){re.escape(phrase)}(?![\w\]/-])", re.I)
    for spot in article.spots(body):
        if (
            spot.section == "In short"
            or not spot.citations
            or "](" in spot.text
            or article.bare(spot.text) in taken
        ):
            continue
        outside = re.sub(r"[“\"][^”\"]*[”\"]|`[^`]*`", lambda m: "\0" * len(m[0]), spot.text)
        if match := pattern.search(outside):
            return article.bare(spot.text), spot.start + match.start(), spot.start + match.end()
    return None


def _checks(text: str, fields: dict[str, Any], keyword: str, settings: Settings) -> list[Check]:
    title, description = str(fields.get("title", "")), str(fields.get("description", ""))
    checks = [
        Check(
            name="Title",
            passed=0 < len(title) <= settings.title_most,
            text=f"{len(title)} of at most {settings.title_most} characters",
        ),
        Check(
            name="Description",
            passed=settings.description_least <= len(description) <= settings.description_most,
            text=f"{len(description)} of {settings.description_least} to {settings.description_most} "
            "characters",
        ),
    ]
    if keyword:
        checks += _keyword_checks(text, title, keyword, settings)
    return checks


def _keyword_checks(text: str, title: str, keyword: str, settings: Settings) -> list[Check]:
    spots = article.spots(text)
    times = sum(_times(spot.bare, keyword) for spot in spots)
    total = max(1, article.word_count(text))
    density = 100 * times * len(words.tokens(keyword)) / total
    opening = " ".join(" ".join(spot.bare for spot in spots).split()[:100])
    placed = [
        place
        for place, there in (
            ("title", _has(title, keyword)),
            ("first 100 words", _has(opening, keyword)),
            ("a heading", any(_has(part.heading, keyword) for part in article.parts(text))),
        )
        if there
    ]
    return [
        Check(
            name="Keyword density",
            passed=settings.density_least <= density <= settings.density_most,
            text=f"{density:.1f} % of the words ({times} times “{keyword}”), "
            f"{settings.density_least:g} to {settings.density_most:g} % wanted",
        ),
        Check(
            name="Keyword placement",
            passed=len(placed) == 3,
            text=f"in {', '.join(placed) or 'no prominent place'}",
        ),
    ]


def _has(text: str, keyword: str) -> bool:
    return bool(keyword) and _times(text, keyword) > 0


def _times(text: str, keyword: str) -> int:
    """How often a keyword occurs, whatever its endings."""
    wanted = [words.stem(token) for token in words.tokens(keyword)]
    found = [words.stem(token) for token in words.tokens(text)]
    return (
        sum(found[i : i + len(wanted)] == wanted for i in range(len(found) - len(wanted) + 1))
        if wanted
        else 0
    )


def _echoes(text: str, keyword: str) -> bool:
    """Whether a text has words of the keyword already, so that naming it in front would sound twice."""
    return bool(set(words.content(text)) & set(words.content(keyword)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _summary(edits: list[Edit], checks: list[Check]) -> str:
    made = f"Made {len(edits)} {'edit' if len(edits) == 1 else 'edits'}" if edits else "Found nothing to edit"
    failed = [check.name.lower() for check in checks if not check.passed]
    return f"{made}; {'not as wanted: ' + ', '.join(failed) if failed else 'all measures are as wanted'}."
