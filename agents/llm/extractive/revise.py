"""revise_draft: answers each request with a change to the draft, or with the reason why it cannot.

It understands what can be done by choosing from the sources: take out, put back a sourced sentence,
add what a source says about something, add a section, shorten, rename, replace words that the request
spells out. Anything else is answered honestly: this engine does not write sentences of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from agents.llm.extractive import themes
from agents.llm.extractive.draft import STEPS
from agents.llm.extractive.passages import passages
from agents.llm.jobs import Change, Revision, Sentence
from agents.prose import article, figures, words
from agents.prose.article import Spot
from agents.prose.corpus import Corpus, Line, corpus
from agents.prose.support import states

_SAID = r"[“\"'‘]([^”\"'’]{2,300})[”\"'’]"
_RENAME = re.compile(rf"\b(?:title|headline|call it|rename)\b.*?{_SAID}", re.I | re.S)
_SWAP = re.compile(rf"\b(?:replace|change|correct)\s+{_SAID}\s+(?:with|by|to|into)\s+{_SAID}", re.I)
_USE_INSTEAD = re.compile(rf"\b(?:use|write|say)\s+{_SAID}(?:\s+instead of\s+{_SAID})?", re.I)
_USE_SOURCE = re.compile(
    r"\b(?:use|take|keep|believe|trust|go with|follow)\b[^.]{0,60}?\bsource (\d{1,3})\b"
    r"|\bsource (\d{1,3})(?:'s (?:figure|number))? (?:is right|holds|is correct|counts)",
    re.I,
)
_SECTION = re.compile(
    rf"\b(?:section|heading)s?\b.*?{_SAID}|{_SAID}[^.]*?\b(?:section|is missing|is required)", re.I | re.S
)
_CUT = re.compile(
    r"\b(?:remove|delete|drop|cut|take (?:it |this )?out|leave (?:it |this )?out|omit|strike"
    r"|without (?:this|it))\b",
    re.I,
)
_SHORTER = re.compile(
    r"\b(?:shorten|shorter|tighten|too long|trim|condense|fewer words|over the limit)\b", re.I
)
_LONGER = re.compile(r"\b(?:too short|longer|more words|under the limit|at least \d+ words)\b", re.I)
_UNBACKED = re.compile(
    r"\b(?:no source|not in (?:the|any|its) source|unsupported|cannot be found|does not (?:say|have"
    r"|state)|names no source|cites no source|unverified|not sourced|where does .* come from)\b",
    re.I,
)
_BOTH = re.compile(
    r"\b(?:both (?:figures|numbers|sides)|another figure|other source|disagree|contradict)", re.I
)
_ADD = re.compile(
    r"\b(?:add|give|more|include|mention|explain|missing|example|figure|number|quote|evidence|say"
    r"|state|who|what|when|how much|why|detail|source)\b",
    re.I,
)


def revise(material: Mapping[str, Any]) -> Revision:
    """Answer `requests` ({number, text, quote}) about `draft`, from `sources` and `contradictions`."""
    return Revision(changes=_Editor(material).changes())


class _Editor:
    def __init__(self, material: Mapping[str, Any]) -> None:
        self.material = material
        self.draft: str = material["draft"]
        self.spots = article.spots(self.draft)
        self.corpus: Corpus = corpus(material["sources"], f"{material['title']} {material.get('brief', '')}")
        self.used = {words.plain(spot.bare) for spot in self.spots}
        self.gone: set[str] = set()

    def changes(self) -> list[Change]:
        return [change for request in self.material["requests"] for change in self._answer(request)]

    def _answer(self, request: Mapping[str, Any]) -> list[Change]:
        number, text, quote = int(request["number"]), str(request["text"]), str(request.get("quote", ""))
        spot = self._find(quote)
        for can in self._ways(text, spot):
            if found := can(number, text, spot):
                return found
        return [self._cannot(number, quote, spot)]

    def _ways(self, text: str, spot: Spot | None) -> list[Callable[..., list[Change]]]:
        """What to try, in order, by what the request says."""
        table: list[tuple[bool, Callable[..., list[Change]]]] = [
            (bool(_SWAP.search(text) or (spot and _USE_INSTEAD.search(text))), self._swap),
            (bool(_RENAME.search(text)), self._rename),
            (bool(_USE_SOURCE.search(text)), self._side_with),
            (bool(_SECTION.search(text)) and not spot, self._add_section),
            (bool(spot and _UNBACKED.search(text)), self._back_or_drop),
            (bool(_CUT.search(text)), self._cut),
            (bool(_SHORTER.search(text)), self._shorten),
            (bool(_BOTH.search(text)), self._both_sides),
            (bool(_LONGER.search(text)), self._lengthen),
            (bool(_ADD.search(text)) or not spot, self._add),
        ]
        return [way for wanted, way in table if wanted]

    def _find(self, quote: str) -> Spot | None:
        wanted = words.plain(quote)
        if not wanted:
            return None
        for spot in self.spots:
            here = words.plain(spot.text)
            if here and (wanted in here or here in wanted) and spot.text not in self.gone:
                return spot
        return None

    # The ways

    def _swap(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        swap, use = _SWAP.search(text), _USE_INSTEAD.search(text)
        if swap:
            old, new = swap[1], swap[2]
        elif use and spot:
            old, new = use[2] or spot.bare, use[1]
        else:
            return []
        where = spot if spot and old in spot.text else next((s for s in self.spots if old in s.text), None)
        if where is None:
            return []
        return [
            self._replace(
                number, where, [where.text.replace(old, new)], f"Replaced “{old}” by “{new}”, as asked."
            )
        ]

    def _rename(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        title = _RENAME.search(text)
        if title is None:
            return []
        return [
            Change(
                request=number,
                action="retitle",
                new=[Sentence(text=title[1])],
                answer=f"The title is now “{title[1]}”.",
            )
        ]

    def _side_with(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        """A person decided which source holds in a dispute: its sentence stays, the other side goes."""
        match = _USE_SOURCE.search(text)
        wanted = int(match[1] or match[2]) if match else 0
        changes = []
        for dispute in self.material.get("contradictions", []):
            right = next((s for s in dispute["statements"] if s["source"] == wanted), None)
            if right is None:
                continue
            for s in self.spots:
                if s.text in self.gone or not self._tells(s, dispute):
                    continue
                if words.plain(s.bare) == words.plain(right["text"]):
                    continue
                told = words.plain(right["text"]) in self.used
                change = (
                    self._remove(
                        number, s, f"Took out the figure that source {wanted} contradicts, as decided."
                    )
                    if told
                    else self._line(
                        number,
                        s,
                        self._line_of(right),
                        f"The article now gives the figure of source {wanted}, as decided.",
                    )
                )
                changes.append(change)
        return changes

    def _tells(self, spot: Spot, dispute: Mapping[str, Any]) -> bool:
        """Whether a sentence of the draft states one side of a dispute."""
        return any(states(spot.bare, side, self.corpus) for side in dispute["statements"])

    def _line_of(self, statement: Mapping[str, Any]) -> Line:
        return next(
            line for _, line in self.corpus.best(statement["text"]) if line.source == statement["source"]
        )

    def _back_or_drop(self, number: int, text: str, spot: Spot) -> list[Change]:
        """Put the closest sourced sentence in place of one that no source supports; else take it out."""
        for score, line in self.corpus.best(spot.bare)[:6]:
            if score < 0.3:
                break
            if words.plain(line.text) in self.used:
                return [
                    self._remove(
                        number,
                        spot,
                        f"No source has it, so the sentence is gone. What source {line.source} says "
                        f"about it is in the article already: “{line.text}”",
                    )
                ]
            if line.opens:
                return [
                    self._line(
                        number,
                        spot,
                        line,
                        f"No source has it. In its place stands what source {line.source} says: "
                        f"“{line.text}”",
                    )
                ]
        return [self._remove(number, spot, "No source says anything like it, so the sentence is gone.")]

    def _cut(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        if spot:
            return [self._remove(number, spot, "The sentence is gone.")]
        return []

    def _shorten(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        """Take out the least central sentences: half of a paragraph, or what is over the limit."""
        near = [s for s in self.spots if s.paragraph == spot.paragraph] if spot else []
        if spot and len(near) == 1:
            return []
        pool = near[1:] or [
            s for s in self.spots if s.section.lower() not in ("in short",) and not self._first(s)
        ]
        goal = sum(words.count(s.bare) for s in near) // 2 if near else self._over()
        changes, saved = [], 0
        for s in sorted(pool, key=self._weight):
            if saved >= goal:
                break
            saved += words.count(s.bare)
            changes.append(self._remove(number, s, f"Shortened: “{s.bare}” is gone."))
        return changes

    def _first(self, spot: Spot) -> bool:
        """Whether the rest of a paragraph or section hangs on this sentence."""
        return next(s for s in self.spots if s.paragraph == spot.paragraph) is spot

    def _weight(self, spot: Spot) -> float:
        line = next(
            (line for line in self.corpus.lines if words.plain(line.text) == words.plain(spot.bare)), None
        )
        return self.corpus.rank[line.index] if line else 1.0

    def _over(self) -> int:
        most = int((self.material.get("words") or {}).get("max", 0))
        count = sum(words.count(s.bare) for s in self.spots)
        return max(count - most, count // 10) if most else count // 6

    def _lengthen(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        least = int((self.material.get("words") or {}).get("min", 0))
        missing = max(30, least + 20 - sum(words.count(s.bare) for s in self.spots))
        changes: list[Change] = []
        headings = [
            p.heading
            for p in article.parts(self.draft)
            if p.heading.lower() not in ("in short", "sources", "")
        ]
        for passage in sorted(passages(self.corpus), key=lambda p: -self.corpus.rank[p.lines[0].index]):
            if missing <= 0 or not headings:
                break
            if len(passage.lines) < 2 or any(words.plain(line.text) in self.used for line in passage.lines):
                continue
            vector = words.vector(passage.text, self.corpus.idf)
            heading = max(
                headings, key=lambda h: words.alike(vector, words.vector(themes.expand(h), self.corpus.idf))
            )
            new = [self._use(line) for line in passage.lines]
            changes.append(
                Change(
                    request=number,
                    action="insert",
                    heading=heading,
                    new=new,
                    answer=f"Added to “{heading}”: “{new[0].text}”",
                )
            )
            missing -= passage.words
        return changes

    def _both_sides(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        for dispute in self.material.get("contradictions", []):
            sides = dispute["statements"]
            told = next((s for s in self.spots if self._tells(s, dispute)), None)
            if told is None or (spot and told is not spot):
                continue
            missing = [side for side in sides if side["source"] not in told.citations]
            new = [Sentence(text=side["text"], sources=[side["source"]]) for side in missing]
            if new:
                return [
                    Change(
                        request=number,
                        action="insert",
                        after=told.text,
                        new=new,
                        answer=f"The article now gives both figures: {sides[0]['value']} and "
                        f"{sides[1]['value']}.",
                    )
                ]
        return []

    def _add_section(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        match = _SECTION.search(text)
        heading = (match[1] or match[2]).strip(" .:") if match else ""
        if not heading or any(p.heading.lower() == heading.lower() for p in article.parts(self.draft)):
            return []
        new = self._advice() if themes.is_advice_heading(heading) else self._about(heading)
        if not new:
            return [
                Change(
                    request=number,
                    action="none",
                    answer=f"No source says anything that would fill “{heading}”.",
                )
            ]
        return [
            Change(
                request=number,
                action="section",
                heading=heading,
                new=new,
                answer=f"Added “{heading}” with what sources {_list(new)} say.",
            )
        ]

    def _advice(self) -> list[Sentence]:
        def worth(line: Line) -> float:
            told = 0.5 if themes.is_advice_heading(line.heading) else 0
            return themes.advises(line.text) + told + self.corpus.rank[line.index]

        advice = [p.lines[0] for p in passages(self.corpus, most=1) if themes.advises(p.lines[0].text)]
        advice.sort(key=lambda line: -worth(line))
        chosen: list[Line] = []
        for most in (1, 2, STEPS):
            for line in advice:
                fresh = words.plain(line.text) not in self.used
                if fresh and len(chosen) < STEPS and sum(o.source == line.source for o in chosen) < most:
                    chosen.append(line)
                    self._use(line)
        return [Sentence(text=line.text, sources=[line.source]) for line in chosen]

    def _about(self, heading: str) -> list[Sentence]:
        question = words.vector(themes.expand(heading), self.corpus.idf)
        ranked = sorted(
            passages(self.corpus), key=lambda p: -sum(self.corpus.fit(question, line) for line in p.lines)
        )
        for passage in ranked:
            if self.corpus.fit(question, passage.lines[0]) < 0.08:
                break
            if not any(words.plain(line.text) in self.used for line in passage.lines):
                return [self._use(line) for line in passage.lines]
        return []

    def _add(self, number: int, text: str, spot: Spot | None) -> list[Change]:
        """Add what a source says about what the request names."""
        asked = re.sub(
            r"\b(?:please|sentence|paragraph|draft|article|source|reader|section|figure|number)s?\b",
            " ",
            text,
            flags=re.I,
        )
        if len(words.content(asked)) < 1:
            asked = spot.bare if spot else ""
        wants_number = bool(re.search(r"\b(?:number|figure|how (?:much|many|long)|percent)\b", text, re.I))
        question = f"{asked} {spot.bare if spot else ''}"
        wanted = set(words.content(asked))
        for score, line in self.corpus.best(question)[:40]:
            fits = score >= 0.12 and wanted & set(words.content(line.text)) and line.opens
            if (
                not fits
                or words.plain(line.text) in self.used
                or (wants_number and not figures.numbers(line.text))
            ):
                continue
            place = spot or self._closest(line)
            return [
                Change(
                    request=number,
                    action="insert",
                    after=place.text,
                    new=[self._use(line)],
                    answer=f"Added what source {line.source} says: “{line.text}”",
                )
            ]
        return []

    def _closest(self, line: Line) -> Spot:
        vector = self.corpus.vectors[line.index]
        body = [s for s in self.spots if s.section.lower() != "in short"] or self.spots
        return max(body, key=lambda s: words.alike(vector, words.vector(s.bare, self.corpus.idf)))

    def _cannot(self, number: int, quote: str, spot: Spot | None) -> Change:
        if quote and spot is None:
            reason = "The quoted sentence is not in this draft any more, so nothing was changed."
        else:
            reason = (
                "Nothing was changed: the built-in engine only chooses sentences of the sources, and "
                "none of them answers "
                "this. Edit the sentence, name the words to replace, or ask for it to be removed."
            )
        return Change(request=number, action="none", answer=reason)

    # The changes

    def _use(self, line: Line) -> Sentence:
        self.used.add(words.plain(line.text))
        return Sentence(text=line.text, sources=[line.source])

    def _line(self, number: int, spot: Spot, line: Line, answer: str) -> Change:
        return self._replace(number, spot, [self._use(line)], answer)

    def _replace(self, number: int, spot: Spot, new: list[Any], answer: str) -> Change:
        self.gone.add(spot.text)
        made = [
            s if isinstance(s, Sentence) else Sentence(text=article.bare(s), sources=list(spot.citations))
            for s in new
        ]
        return Change(request=number, action="replace", old=spot.text, new=made, answer=answer)

    def _remove(self, number: int, spot: Spot, answer: str) -> Change:
        self.gone.add(spot.text)
        return Change(request=number, action="remove", old=spot.text, answer=answer)


def _list(sentences: list[Sentence]) -> str:
    numbers = sorted({number for sentence in sentences for number in sentence.sources})
    return ", ".join(map(str, numbers[:-1])) + (" and " if len(numbers) > 1 else "") + str(numbers[-1])
