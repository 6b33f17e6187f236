"""write_draft: an article arranged from passages of the sources, each sentence with its source.

1. Put every passage into the section of the outline that it fits best (or find sections, where the
   brief brings no outline).
2. Fill the sections in turn, best passage first, without repeating and without leaning on one source.
3. Place what the brief says must be mentioned: the sentence of the source that has it. If none has, the
   brief's own words stand there without a source, and the reviewer is the one who objects.
4. Sum up at the top, close with what the sources advise.
5. Say of an ordered section that no source answers it, if that is so.

No sentence of a source is changed, shortened or introduced by words of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.llm.extractive import themes
from agents.llm.extractive.passages import Passage, follow, passages
from agents.llm.jobs import Draft, Section, Sentence
from agents.prose import figures, sentences, words
from agents.prose.article import NO_EVIDENCE
from agents.prose.corpus import Corpus, Line, corpus, topic
from agents.prose.support import backing

OPENING = "In short"
CLOSING = "What to do next"
SUMMARY_LINES = 3
STEPS = 5
MOST_PASSAGES = 1_500  # choosing looks at all of them for each one it takes
DEFAULT_WORDS = (500, 900)
NEVER = -9.0
RELEVANT = 0.1  # how much a passage must share with the heading of an ordered section


# "The pilot was useful" opens well only for a reader who knows which pilot.
_BARE = re.compile(
    r"(?:The|According to the|An?) (?:new |same |whole )?[A-Za-z]+ (?:[a-z]+ed|is|are|was|were|has"
    r"|have|had|cost|will|can|may|in|,|[a-z]+s)\b"
)


@dataclass
class Plan:
    """A section that is being filled."""

    heading: str
    question: dict[str, float]
    advice: bool = False
    only: frozenset[int] | None = None  # the sources that the section may use, where that is given
    given: bool = False  # the brief orders the section
    chosen: list[Passage] = field(default_factory=list)
    ordered: list[list[Sentence]] = field(default_factory=list)  # paragraphs with what must be mentioned

    @property
    def words(self) -> int:
        ordered = (sentence.text for paragraph in self.ordered for sentence in paragraph)
        return sum(p.words for p in self.chosen) + words.count(" ".join(ordered))


def draft(material: Mapping[str, Any]) -> Draft:
    """Arrange an article from `sources` for `title`, `brief`, `keyword`, `sections`, `words` and the rest."""
    return _Writer(material).write()


class _Writer:
    def __init__(self, material: Mapping[str, Any]) -> None:
        self.material = material
        about = f"{material['title']} {material.get('keyword', '')} {topic(material.get('brief', ''))}"
        self.corpus: Corpus = corpus(material["sources"], about)
        self.passages = passages(self.corpus)
        self.named = set(words.content(f"{material['title']} {material.get('keyword', '')}"))
        self.subject = words.vector(about, self.corpus.idf)
        self.taken: set[int] = self._set_apart()  # lines that are in the draft, or must not be
        self.worth = {id(p): self._worth(p) for p in self.passages}
        if len(self.passages) > MOST_PASSAGES:
            self.passages = sorted(self.passages, key=lambda p: -self.worth[id(p)])[:MOST_PASSAGES]
        self.vectors = {id(p): words.vector(p.text, self.corpus.idf) for p in self.passages}

    def _set_apart(self) -> set[int]:
        """The lines that sources dispute, where these have a place of their own outside the sections."""
        disputed = self.material.get("contradictions", []) if self.material.get("disputes_apart") else []
        texts = {side["text"] for dispute in disputed for side in dispute["statements"]}
        return {line.index for line in self.corpus.lines if line.text in texts}

    def write(self) -> Draft:
        least, most = self._length()
        plans = self._outline(most)
        body = [plan for plan in plans if not plan.advice]
        self._order_claims(body or plans)
        summary = self._sum_up()
        for plan in plans:
            if plan.advice:
                self._advise(plan)
        room = (least + most) // 2 - 90 - sum(plan.words for plan in plans if plan.advice)
        self._fill(body, max(room, least))
        sections = [self._section(plan) for plan in plans if plan.chosen or plan.ordered or plan.given]
        if summary:
            sections.insert(0, Section(heading=OPENING, paragraphs=[[s] for s in summary], style="bullets"))
        return Draft(
            description=describe({**self.material, "sentences": self._texts(summary)}), sections=sections
        )

    def _length(self) -> tuple[int, int]:
        wanted = self.material.get("words") or {}
        return int(wanted.get("min", DEFAULT_WORDS[0])), int(wanted.get("max", DEFAULT_WORDS[1]))

    def _worth(self, passage: Passage) -> float:
        fit = sum(self.corpus.fit(self.subject, line) for line in passage.lines) / len(passage.lines)
        rank = max(self.corpus.rank[line.index] for line in passage.lines)
        first = 0.12 if passage.lines[0].place == 0 else 0.0
        longer = 0.08 * (len(passage.lines) - 1) - (
            0.25 if passage.words < 14 else 0
        )  # a lone short line is thin
        item = 0.15 if passage.lines[0].kind == "item" else 0
        return fit + 0.35 * rank + first + longer - item - (0.15 if _BARE.match(passage.lines[0].text) else 0)

    # The outline

    def _outline(self, most: int) -> list[Plan]:
        given = [str(heading) for heading in self.material.get("sections", [])]
        skip = {OPENING.lower(), "sources", "summary"}
        headings = [heading for heading in given if heading.lower() not in skip]
        if headings:
            return [replace(self._plan(heading), given=True) for heading in headings]
        found = self._find_sections(max(2, min(5, most // 180)))
        closing = self._plan(CLOSING)
        return [*found, closing]

    def _plan(self, heading: str) -> Plan:
        stems = themes.expand(heading)
        own = [stem for stem in stems if stem not in self.named]  # the subject is in every section
        question = words.vector(own or stems or [heading.lower()], self.corpus.idf)
        given = self.material.get("sources_of", {}).get(heading)
        only = None if given is None else frozenset(given)
        return Plan(heading, question, advice=themes.is_advice_heading(heading) and only is None, only=only)

    def _find_sections(self, wanted: int) -> list[Plan]:
        """Sections where the brief brings none: the best passages far from each other are their seeds."""
        ranked = sorted((p for p in self.passages if p.lines[0].place == 0), key=lambda p: -self.worth[id(p)])
        seeds: list[Passage] = []
        for passage in ranked:
            if len(seeds) < wanted and all(self._near(passage, seed) < 0.22 for seed in seeds):
                seeds.append(passage)
        plans: list[Plan] = []
        for seed in seeds:
            near = sorted(self.passages, key=lambda p: -self._near(seed, p))[:6]
            heading = self._name(seed, near, [plan.heading for plan in plans])
            question = words.vector(
                [w for p in near[:3] for w in words.content(p.text)] + words.content(seed.text) * 2,
                self.corpus.idf,
            )
            plans.append(Plan(heading, question))
        return sorted(plans, key=lambda plan: plan.heading != "Background")

    def _near(self, a: Passage, b: Passage) -> float:
        together = a.lines[0].heading and (a.source, a.lines[0].heading) == (b.source, b.lines[0].heading)
        return words.alike(self._vector(a), self._vector(b)) + (0.3 if together else 0)

    def _vector(self, passage: Passage) -> dict[str, float]:
        return self.vectors.get(id(passage)) or words.vector(passage.text, self.corpus.idf)

    def _name(self, seed: Passage, near: Sequence[Passage], taken: Sequence[str]) -> str:
        heading = seed.lines[0].heading
        if themes.is_telling(heading) and heading not in taken:
            return heading
        return themes.phrase([seed.text, *(p.text for p in near)], taken) or self.corpus.titles[seed.source]

    # What the brief orders

    def _order_claims(self, plans: list[Plan]) -> None:
        for claim in self.material.get("must_mention", []):
            text = claim if claim.rstrip().endswith((".", "!", "?")) else f"{claim.rstrip()}."
            line = backing(claim, self.corpus)
            question = words.vector(text, self.corpus.idf)
            plan = max(plans, key=lambda plan: words.alike(question, plan.question))
            if line is None:
                plan.ordered.append([Sentence(text=text)])
                # What sources say instead stays out for now: a draft must not contradict itself.
                self.taken |= {line.index for score, line in self.corpus.best(text)[:8] if score > 0.4}
                continue
            paragraph = self.corpus.paragraphs[line.paragraph]
            after = [
                other
                for other in follow(paragraph[paragraph.index(line) :])[1:]
                if other.index not in self.taken
            ]
            same = {other.index for score, other in self.corpus.best(text)[:5] if score > 0.75}
            self.taken |= same | {line.index} | {other.index for other in after}
            plan.ordered.append([Sentence(text=o.text, sources=[o.source]) for o in (line, *after)])

    # Filling

    def _fill(self, plans: list[Plan], room: int) -> None:
        """Give every section its best passage in turn until the room is used up."""
        fits = {id(p): [self._fit(p, plan) for plan in plans] for p in self.passages}
        open_plans = list(range(len(plans)))
        while open_plans and sum(plan.words for plan in plans) < room:
            for place in list(open_plans):
                passage = self._next(plans[place], place, fits)
                if passage is None:
                    open_plans.remove(place)
                    continue
                plans[place].chosen.append(passage)
                self._take(passage)
                if sum(plan.words for plan in plans) >= room:
                    break

    def _fit(self, passage: Passage, plan: Plan) -> float:
        lines = passage.lines
        if plan.only is not None:  # whose sources a section has tells more about it than its heading
            return 0.3 if passage.source in plan.only else NEVER
        fit = sum(self.corpus.fit(plan.question, line) for line in lines) / len(lines)
        same_heading = words.stem(lines[0].heading.lower()) == words.stem(plan.heading.lower())
        return fit + (0.25 if same_heading else 0)

    def _next(self, plan: Plan, place: int, fits: Mapping[int, list[float]]) -> Passage | None:
        best, best_score = None, 0.0
        for passage in self.passages:
            if any(line.index in self.taken for line in passage.lines):
                continue
            own = fits[id(passage)]
            if plan.given and own[place] <= RELEVANT:
                continue  # better no sentence than one about something else
            elsewhere = max((fit for other, fit in enumerate(own) if other != place), default=0)
            advice = 0.3 if any(themes.advises(line.text) for line in passage.lines[:1]) else 0
            same = sum(p.source == passage.source for p in plan.chosen)
            score = 1.5 * own[place] - 0.7 * max(0, elsewhere - own[place]) + 0.7 * self.worth[id(passage)]
            score = (score - advice) * 0.85**same
            if score <= best_score:
                continue  # comparing with what is chosen is the dear part
            vector = self._vector(passage)
            score -= 0.5 * max((words.alike(vector, self._vector(p)) for p in plan.chosen), default=0)
            if score > best_score:
                best, best_score = passage, score
        return best

    def _take(self, passage: Passage) -> None:
        """No line twice, and no line whose figure the passage disputes: the frame brings that one."""
        self.taken |= {line.index for line in passage.lines}
        others = {text for line in passage.lines for text, _ in self._other_side(line)}
        self.taken |= {line.index for line in self.corpus.lines if line.text in others}

    def _advise(self, plan: Plan) -> None:
        """The steps that sources advise, from different sources first."""
        scored = []
        for passage in passages(self.corpus, most=2):
            advice = themes.advises(passage.lines[0].text)
            if advice and not any(line.index in self.taken for line in passage.lines):
                told = 0.5 if themes.is_advice_heading(passage.lines[0].heading) else 0
                scored.append((advice + told + self._worth(passage), passage))
        for limit in (1, 2, STEPS):
            for _, passage in sorted(scored, key=lambda pair: -pair[0]):
                same = sum(p.source == passage.source for p in plan.chosen)
                repeated = any(line.index in self.taken for line in passage.lines)
                near = max(
                    (words.alike(self._vector(passage), self._vector(p)) for p in plan.chosen), default=0
                )
                if len(plan.chosen) < STEPS and same < limit and not repeated and near < 0.45:
                    plan.chosen.append(passage)
                    self._take(passage)

    def _sum_up(self) -> list[Sentence]:
        """The lines that say most about the subject and are not in the body already."""

        def worth(line: Line) -> float:
            number = 0.1 if figures.numbers(line.text) else 0
            named = 0.35 if keyword and keyword <= set(words.content(line.text)) else 0
            named -= 0.2 if _BARE.match(line.text) else 0
            strangers = sum(
                words.stem(w) not in self.named
                for name in figures.names(line.text)
                for w in words.tokens(name)
            )
            return (
                self.corpus.fit(self.subject, line)
                + 0.4 * self.corpus.rank[line.index]
                + number
                + named
                - 0.08 * strangers
            )

        keyword = set(words.content(str(self.material.get("keyword", ""))))

        chosen: list[Line] = []
        for line in sorted(self.corpus.lines, key=lambda line: (-worth(line), line.index)):
            if len(chosen) == SUMMARY_LINES:
                break
            fits = line.opens and line.index not in self.taken and 8 <= words.count(line.text) <= 32
            fits = fits and not figures.quotations(line.text) and line.kind == "paragraph"
            near = max(
                (words.alike(self.corpus.vectors[line.index], self.corpus.vectors[o.index]) for o in chosen),
                default=0,
            )
            fits = fits and not any(self._other_side(line)) and not themes.advises(line.text)
            if fits and near < 0.4 and worth(line) > 0.15:
                chosen.append(line)
        self.taken |= {line.index for line in chosen}
        chosen.sort(key=lambda line: bool(figures.numbers(line.text)))  # what it is before how much
        return [Sentence(text=line.text, sources=[line.source]) for line in chosen]

    # Setting

    def _section(self, plan: Plan) -> Section:
        style = "steps" if plan.advice and len(plan.chosen) > 1 else "prose"
        chosen = plan.chosen if plan.advice else _joined(_arranged(plan.chosen))
        paragraphs = [self._sentences(passage) for passage in chosen]
        for ordered in plan.ordered:
            paragraphs.insert(min(1, len(paragraphs)), ordered)
        paragraphs = paragraphs or [[Sentence(text=NO_EVIDENCE)]]
        return Section(heading=plan.heading, paragraphs=paragraphs, style=style)

    def _sentences(self, passage: Passage) -> list[Sentence]:
        found = [Sentence(text=line.text, sources=[line.source]) for line in passage.lines]
        others = [other for line in passage.lines for other in self._other_side(line)]
        return found + [Sentence(text=text, sources=[source]) for text, source in others]

    def _other_side(self, line: Line) -> list[tuple[str, int]]:
        """What other sources state against this line, so that the reader sees both figures."""
        for contradiction in self.material.get("contradictions", []):
            statements = [(s["text"], s["source"]) for s in contradiction["statements"]]
            if (line.text, line.source) in statements:
                return [(text, source) for text, source in statements if source != line.source]
        return []

    @staticmethod
    def _texts(found: Sequence[Sentence]) -> list[str]:
        return [sentence.text for sentence in found]


def describe(material: Mapping[str, Any]) -> str:
    """A meta description of 70 to 160 characters, where a sentence of that size is there."""
    keyword = str(material.get("keyword", "")).lower()
    subject = words.vector(f"{material['title']} {keyword}")

    def fit(sentence: str) -> float:
        named = 0.3 if keyword and keyword in sentence.lower() else 0
        return words.alike(subject, words.vector(sentence)) + named

    fitting = [s for s in material.get("sentences", []) if 60 <= len(s) <= 158 and sentences.stands_alone(s)]
    if fitting:
        return str(max(fitting, key=fit))
    title = str(material["title"]).rstrip(".")
    count = len(material.get("sources", []))
    return (
        f"{title}: what {count} sources report, with their figures and their words."
        if count > 1
        else f"{title}: what the source reports."
    )


def _arranged(chosen: Sequence[Passage]) -> list[Passage]:
    """Passages of one source together and in its order, the source of the best passage first."""
    order = list(dict.fromkeys(p.source for p in chosen))
    return sorted(chosen, key=lambda p: (order.index(p.source), p.lines[0].index))


def _joined(chosen: Sequence[Passage]) -> list[Passage]:
    """Short neighbours from one place of one source become one paragraph."""
    joined: list[Passage] = []
    for passage in chosen:
        last = joined[-1] if joined else None
        together = last and (last.source, last.lines[0].heading) == (passage.source, passage.lines[0].heading)
        if last and together and min(last.words, passage.words) < 30 and last.words + passage.words < 80:
            joined[-1] = Passage(last.lines + passage.lines)
        else:
            joined.append(passage)
    return joined
