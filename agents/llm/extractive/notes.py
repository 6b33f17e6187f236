"""compile_research: what the sources say, sorted into the parts of a research brief."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from agents.llm.extractive import themes
from agents.llm.extractive.disputes import disputes
from agents.llm.jobs import Cited, Coverage, Dated, Figure, Notes, Quote
from agents.prose import figures, sentences, words
from agents.prose.corpus import Corpus, Line, corpus, topic
from agents.prose.support import backing


def notes(material: Mapping[str, Any]) -> Notes:
    """Compile a research brief from `sources` for `title`, `brief`, `keyword`, `must_mention`, `sections`."""
    found = corpus(material["sources"], _question(material))
    question = words.vector(_question(material), found.idf)

    def worth(line: Line) -> float:
        return found.fit(question, line) + 0.4 * found.rank[line.index] + (0.1 if line.place == 0 else 0)

    whole = sorted(
        (line for line in found.lines if sentences.is_whole(line.text)),
        key=lambda line: (-worth(line), line.index),
    )
    alone = [line for line in whole if line.opens]
    contradictions = disputes(found)
    return Notes(
        background=[_cited(line) for line in _spread(alone, found, _is_background, 4)],
        key_points=[_cited(line) for line in _spread(alone, found, lambda line: True, 12)],
        figures=[*_figures(whole)][:24],
        quotes=[*_quotes(whole)][:12],
        dates=[*_dates(whole)][:16],
        competitors=[_coverage(found, number) for number in found.titles],
        contradictions=contradictions,
        open_questions=[
            *(
                f"Sources {c.statements[0].source} and {c.statements[1].source} differ: "
                f"{c.statements[0].value} against {c.statements[1].value} ({c.topic}). Which one holds?"
                for c in contradictions
            ),
            *_unanswered(material, found),
        ][:12],
    )


def _question(material: Mapping[str, Any]) -> str:
    parts = [material["title"], material.get("keyword", ""), topic(material.get("brief", ""))]
    return " ".join(map(str, [*parts, *material.get("sections", [])]))


def _cited(line: Line) -> Cited:
    return Cited(text=line.text, source=line.source)


def _is_background(line: Line) -> bool:
    return bool(
        re.search(r"background|summary|introduction|overview|about|purpose|description", line.heading, re.I)
    )


def _spread(lines: list[Line], found: Corpus, wanted: Callable[[Line], bool], most: int) -> list[Line]:
    """The best lines that do not repeat each other, from as many sources as possible."""
    chosen: list[Line] = []
    for limit in (max(2, most // 4), most):
        for line in lines:
            if len(chosen) == most or line in chosen or not wanted(line):
                continue
            same = sum(other.source == line.source for other in chosen)
            near = max(
                (words.alike(found.vectors[line.index], found.vectors[o.index]) for o in chosen), default=0
            )
            if same < limit and near < 0.5:
                chosen.append(line)
    return chosen


def _figures(lines: list[Line]) -> list[Figure]:
    return [
        Figure(text=line.text, source=line.source, value=numbers[0].text)
        for line in lines
        if (
            numbers := [
                n
                for n in figures.numbers(line.text)
                if n.unit and n.text not in " ".join(figures.dates(line.text))
            ]
        )
    ]


def _quotes(lines: list[Line]) -> list[Quote]:
    found = []
    for line in lines:
        for quote in figures.quotations(line.text):
            rest = line.text.replace(quote, " ")
            found.append(Quote(text=quote, source=line.source, by=next(iter(figures.names(rest)), "")))
    return found


def _dates(lines: list[Line]) -> list[Dated]:
    return [
        Dated(text=line.text, source=line.source, date=dates[0])
        for line in lines
        if (dates := figures.dates(line.text))
    ]


def _coverage(found: Corpus, number: int) -> Coverage:
    lines = [line for line in found.lines if line.source == number]
    headings = [h for h in dict.fromkeys(line.heading for line in lines) if themes.is_telling(h)]
    if not headings and (main := themes.phrase([line.text for line in lines])):
        headings = [main]
    return Coverage(source=number, title=found.titles[number], covers=headings[:12])


def _unanswered(material: Mapping[str, Any], found: Corpus) -> list[str]:
    """What the brief asks for and no source has."""
    questions = []
    for claim in material.get("must_mention", []):
        if not backing(claim, found):
            questions.append(
                f"No source supports “{claim}”, which the brief orders. Where does it come from?"
            )
    for heading in material.get("sections", []):
        question = words.vector(themes.expand(heading), found.idf)
        if not themes.is_advice_heading(heading) and not any(
            found.fit(question, line) > 0.1 for line in found.lines
        ):
            questions.append(f"No source says anything about “{heading}”.")
    return questions
