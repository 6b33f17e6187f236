"""A draft as an editor reads it: blocks with anchors, word changes, citations, and remarks at their sentence.

The text is hostile. It becomes HTML in `clawbot/render.py` only; this module takes that safe HTML
apart and puts marks around stretches of its text, never across a tag, so the result stays well formed.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from html.parser import HTMLParser
from typing import Any

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from agents.prose import article
from agents.prose.passages import find

from . import diff, render

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z_][\w-]*):[ \t]*(.*)$")
_CITATION = re.compile(r"\[(\d{1,3})\]")
# A sentence ends at its stop, the quote mark that closes it and the citations that follow it.
_STOP = re.compile(r"[.!?…][\"”’)]*(?:\s*\[\d{1,3}\])*\s+(?=[\"“‘(]?[A-Z0-9])")
# In a list or a table a line's end is one too.
_STOP_OR_LINE = re.compile(rf"{_STOP.pattern}|\n+")
# Text directly inside these is blank; an element put there would be invalid.
_FRAMES = {"ul", "ol", "table", "thead", "tbody", "tr"}
_VOID = {"br", "hr"}
# A remark about a sentence that was rewritten is shown at the sentence that shares most of its words.
LEAST_LIKENESS = 0.5

Cite = Callable[[int, str], str]


@dataclass(frozen=True)
class Token:
    """A tag as it was written, or a stretch of text; `start` is its place in the block's text."""

    kind: str  # open, close, text
    name: str
    html: str
    start: int


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list, quote or table: its tags and the text a reader sees."""

    name: str
    tokens: tuple[Token, ...]
    text: str

    def sentences(self) -> list[tuple[int, int]]:
        """Where each sentence starts and ends in the text."""
        stop = _STOP_OR_LINE if self.name in _FRAMES else _STOP
        spans: list[tuple[int, int]] = []
        start = 0
        for end in [*(match.end() for match in stop.finditer(self.text.rstrip())), len(self.text)]:
            if self.text[start:end].strip():
                spans.append((start, end))
                start = end
        return spans


@dataclass(frozen=True)
class Draft:
    """A draft's front matter as written, line by line, and its blocks."""

    front: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    rest: str = ""  # what a page must say about the part that it does not show

    def sentence(self, anchor: str) -> str:
        """The text of the sentence with this anchor ("p4s2"); empty where there is none."""
        match = re.fullmatch(r"p(\d{1,4})s(\d{1,4})", anchor)
        if not match or not 0 < int(match[1]) <= len(self.blocks):
            return ""
        block = self.blocks[int(match[1]) - 1]
        spans = block.sentences()
        start, end = spans[int(match[2]) - 1] if 0 < int(match[2]) <= len(spans) else (0, 0)
        return block.text[start:end].strip()


@dataclass(frozen=True)
class Remark:
    """Something said about the words `quote`: a finding, a comment, the answer to one."""

    id: str  # anchor of the full remark: "finding-3"
    kind: str  # finding, comment, answer, evidence
    quote: str
    label: str | SafeString = ""  # what its pin shows: a finding's number, an icon
    words: str = ""  # what its pin is called
    instead: str = ""  # words that may stand in its place now
    said: Any = None  # the row it stands for


@dataclass
class Row:
    """One block on the page, with what belongs beside and under it."""

    id: str
    kind: str  # same, changed, added, removed
    number: int  # place of the paragraph, 1..n; 0 for what was removed
    html: SafeString
    remarks: list[Remark] = field(default_factory=list)

    @property
    def has_notes(self) -> bool:
        """Whether something belongs beside it, not only under it."""
        return any(remark.kind in {"comment", "answer"} for remark in self.remarks)


@dataclass(frozen=True)
class Reading:
    """A whole draft, ready for the page."""

    rows: list[Row]
    unplaced: list[Remark]  # about the whole draft, or about words it no longer has
    front: tuple[tuple[diff.Piece, ...], ...]
    changes: int
    rest: str = ""  # what the page must say about the part that it does not show


@lru_cache(maxsize=64)
def read(text: str) -> Draft:
    """Take a Markdown draft apart, as much of it as a page shows. Never raises: what is not front matter is
    body."""
    text = text.replace("\r\n", "\n")
    shown = render.first(text)
    match = _FRONT.match(shown)
    splitter = _Splitter()
    splitter.feed(render.markdown(body(shown)))
    splitter.close()
    return Draft(_fields(match[1]) if match else (), tuple(splitter.blocks), render.rest(text))


def length(text: str) -> str:
    """How long a text is: in words, or in characters if counting words would take a page too long."""
    if len(text) > render.MOST_SHOWN:
        return f"{len(text):,} characters"
    count = article.word_count(text)
    return f"{count:,} word{'' if count == 1 else 's'}"


def body(text: str) -> str:
    """The Markdown below the front matter."""
    return _FRONT.sub("", text.replace("\r\n", "\n"), count=1)


def _fields(text: str) -> tuple[tuple[str, str], ...]:
    """`key: value` lines; a line that is none continues the value above it."""
    fields: list[tuple[str, str]] = []
    for line in text.splitlines():
        if match := _FIELD.match(line):
            fields.append((match[1], match[2].strip().strip("\"'")))
        elif fields and line.strip():
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}".strip())
    return tuple(fields)


class _Splitter(HTMLParser):
    """Collects the top-level elements of cleaned HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._tokens: list[Token] = []
        self._text = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        html = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs)
        self._add("open", tag, f"<{tag}{html}>")
        if tag in _VOID:
            self._finish_block(tag)
        else:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        self._add("close", tag, f"</{tag}>")
        self._depth -= 1
        self._finish_block(tag)

    def handle_data(self, data: str) -> None:
        if self._depth:
            self._add("text", "", data)
            self._text += data

    def _add(self, kind: str, name: str, html: str) -> None:
        self._tokens.append(Token(kind, name, html, len(self._text)))

    def _finish_block(self, tag: str) -> None:
        if self._depth == 0:
            self.blocks.append(Block(tag, tuple(self._tokens), self._text))
            self._tokens, self._text = [], ""


def reading(
    new: Draft, old: Draft | None, remarks: Iterable[Remark] = (), cite: Cite | None = None, at: str = ""
) -> Reading:
    """Put a draft together for the page: changes since `old`, remarks at their words.

    `cite(number, sentence id)` is the address of a source; `at` is the id of the sentence whose
    evidence is open.
    """
    waiting = list(remarks)
    places = _places(new, waiting)
    pairs = diff.pairs([b.text for b in old.blocks], [b.text for b in new.blocks]) if old else None
    rows: list[Row] = []
    changes = 0
    at_block: dict[int, list[tuple[Remark, tuple[int, int]]]] = {}
    for remark, (place, span) in places.items():
        at_block.setdefault(place, []).append((remark, span))
    for i, j in pairs or [(None, j) for j in range(len(new.blocks))]:
        before = old.blocks[i] if old and i is not None else None
        if j is None:
            changes += 1
            rows.append(_removed(before.text if before else "", changes))
            continue
        here = sorted(at_block.get(j, []), key=lambda placed: placed[1])  # as the words stand
        pen = _Pen(new.blocks[j], j + 1, changes, cite, at)
        if old is not None:
            pen.compare(before.text if before else "")
        for remark, span in here:
            pen.remark(remark, span)
        kind = "same" if pen.changes == changes else "changed" if before else "added"
        changes = pen.changes
        rows.append(Row(f"p{j + 1}", kind, j + 1, pen.html(), [remark for remark, _ in here]))
    unplaced = [remark for remark in waiting if remark not in places]
    return Reading(rows, unplaced, _front(new, old), changes, new.rest or (old.rest if old else ""))


def _removed(text: str, change: int) -> Row:
    html = mark_safe(f"<p>{diff.written('removed', text.strip(), change)}</p>")
    return Row(f"gone-{change}", "removed", 0, html)


def _front(new: Draft, old: Draft | None) -> tuple[tuple[diff.Piece, ...], ...]:
    """Each field of the front matter as its name and the pieces of its value."""
    before = dict(old.front) if old else {}
    fields = [(name, before.get(name, "") if old else value, value) for name, value in new.front]
    fields += [(name, value, "") for name, value in before.items() if name not in dict(new.front)]
    return tuple((diff.Piece("name", name), *diff.block(was, value)) for name, was, value in fields)


# -- Finding words ------------------------------------------------------------------------------------


def likest(
    quote: str, text: str, spans: Sequence[tuple[int, int]], least: float
) -> tuple[tuple[int, int], float] | None:
    """The span of `text` that holds most of the words of `quote`, and how much of them (0 to 1); None
    where none holds more than `least`. A figure counts three times."""
    wanted = _weights(quote)
    total = sum(wanted.values()) or 1
    best, score = None, least
    for start, end in spans:
        share = sum(weight for word, weight in wanted.items() if word in _weights(text[start:end])) / total
        if share > score:
            best, score = (start, end), share
    return (best, score) if best else None


@lru_cache(maxsize=4096)
def _weights(text: str) -> dict[str, int]:
    found = re.findall(r"\d[\d.,]*\d|\w+", _CITATION.sub("", text).lower())
    return {word: 3 if word[0].isdigit() else 1 for word in found if len(word) > 3 or word[0].isdigit()}


def _places(draft: Draft, remarks: Sequence[Remark]) -> dict[Remark, tuple[int, tuple[int, int]]]:
    """Block and span of each remark whose words, or nearly, are in the draft."""
    found = {}
    for remark in remarks:
        quotes = [quote for quote in (remark.quote, remark.instead) if quote]
        place = next(
            filter(None, (look(draft, quote) for look in (_exact, _nearly) for quote in quotes)), None
        )
        if place:
            found[remark] = place
    return found


def _exact(draft: Draft, quote: str) -> tuple[int, tuple[int, int]] | None:
    spans = ((j, find(quote, block.text)) for j, block in enumerate(draft.blocks))
    return next(((j, span) for j, span in spans if span), None)


def _nearly(draft: Draft, quote: str) -> tuple[int, tuple[int, int]] | None:
    best, score = None, LEAST_LIKENESS
    for j, block in enumerate(draft.blocks):
        for start, end in block.sentences():
            share = _share(quote, block.text[start:end])
            if share > score:
                best, score = (j, (start, len(block.text[:end].rstrip()))), share
    return best


def _share(left: str, right: str) -> float:
    a, b = set(_weights(left)), set(_weights(right))
    return len(a & b) / (max(len(a), len(b)) or 1)


# -- Writing ------------------------------------------------------------------------------------------


class _Pen:
    """Writes one block with marks around stretches of its text and elements put between them."""

    def __init__(self, block: Block, number: int, changes: int, cite: Cite | None, at: str) -> None:
        self.block = block
        self.number = number
        self.changes = changes
        self._cite = cite
        self._at = at
        self._last = len(block.text.rstrip())
        self._marks: list[tuple[int, int, str, int]] = []  # start, end, kind, change number or 0
        self._begun: set[tuple[int, int, str, int]] = set()
        self._pins: deque[tuple[int, str]] = deque()
        self._sentences = block.sentences()
        self._starts = [start for start, _ in self._sentences]
        self._upcoming = 0  # the first mark that has not begun
        self._current: list[tuple[int, int, str, int]] = []
        self._edges: list[int] = []  # every place where something begins or ends, in order
        self._citations = {match.start(): match for match in _CITATION.finditer(block.text)} if cite else {}
        self._seen: set[str] = set()

    def compare(self, before: str) -> None:
        """Mark what was added since `before` and put in what was removed."""
        place, touching = 0, False
        for piece in diff.block(before, self.block.text):
            if piece.kind == "same":
                place += len(piece.text)
                touching = False
                continue
            first = 0 if touching else self.changes + 1
            self.changes, touching = self.changes + bool(first), True
            if piece.kind == "removed":
                self._pins.append(
                    (min(place, self._last), str(diff.written("removed", piece.text, first or None)))
                )
            else:
                self._marks.append((place, place + len(piece.text.rstrip()), "ins", first))
                place += len(piece.text)

    def remark(self, remark: Remark, span: tuple[int, int]) -> None:
        """Underline the words a remark is about and pin the way to it at their end."""
        self._marks.append((*span, remark.kind, 0))
        self._pins.append((min(span[1], self._last), _pin(remark)))

    def html(self) -> SafeString:
        """The block; every stretch of text escaped, every tag as the renderer wrote it."""
        self._pins = deque(sorted(self._pins, key=lambda pin: pin[0]))
        self._marks.sort()
        self._edges = self._places()
        out: list[str] = []
        open_tags: list[str] = []
        for token in self.block.tokens:
            if token.kind == "text":
                framed = open_tags and open_tags[-1] in _FRAMES
                out.append(escape(token.html) if framed else self._stretch(token, "a" in open_tags))
                continue
            if token.kind == "open" and token.name not in _VOID:
                open_tags.append(token.name)
            elif token.kind == "close" and open_tags:
                open_tags.pop()
            out.append(token.html)
        out += [html for _, html in self._pins]
        return mark_safe("".join(out))

    def _places(self) -> list[int]:
        """Every place where a mark, a sentence, a citation or a pin begins or ends."""
        places = {edge for mark in self._marks for edge in mark[:2]}
        places |= {edge for sentence in self._sentences for edge in sentence}
        places |= {edge for match in self._citations.values() for edge in match.span()}
        return sorted(places | {place for place, _ in self._pins})

    def _stretch(self, token: Token, in_link: bool) -> str:
        start, end = token.start, token.start + len(token.html)
        out: list[str] = []
        inside = self._edges[bisect_right(self._edges, start) : bisect_left(self._edges, end)]
        for a, b in itertools.pairwise([start, *inside, end]):
            out.append(self._drop_pins(a))
            out.append(self._wrap(a, b, in_link))
        out.append(self._drop_pins(end))
        return "".join(out)

    def _marks_over(self, a: int, b: int) -> list[tuple[int, int, str, int]]:
        """The marks around a stretch, in the order they begin. Those that have ended are dropped."""
        while self._upcoming < len(self._marks) and self._marks[self._upcoming][0] <= a:
            self._current.append(self._marks[self._upcoming])
            self._upcoming += 1
        self._current = [mark for mark in self._current if mark[1] > a]
        return [mark for mark in self._current if b <= mark[1]]

    def _drop_pins(self, place: int) -> str:
        """Write the pins that are due up to here, each once."""
        due = []
        while self._pins and self._pins[0][0] <= place:
            due.append(self._pins.popleft()[1])
        return "".join(due)

    def _wrap(self, a: int, b: int, in_link: bool) -> str:
        html = escape(self.block.text[a:b])
        place = bisect_right(self._starts, a)
        sentence = f"p{self.number}s{place}" if place and a < self._sentences[place - 1][1] else ""
        match = self._citations.get(a)
        href = self._cite(int(match[1]), sentence) if match and self._cite and not in_link else ""
        if match and href:
            html = _citation(int(match[1]), href, sentence)
        for mark in self._marks_over(a, b):
            html = _marked(mark[2], html, None if mark in self._begun else mark[3])
            self._begun.add(mark)
        anchor = "" if sentence in self._seen else f' id="{sentence}"'
        self._seen.add(sentence)
        here = ' data-at="here"' if sentence and sentence == self._at else ""
        return f'<span class="draft__sentence"{anchor}{here} data-sentence="{sentence}">{html}</span>'


def _citation(number: int, href: str, sentence: str) -> str:
    return (
        f'<a class="cite" href="{escape(href)}" data-cite="{number}" data-for="{sentence}"'
        f' aria-label="source {number}">{number}</a>'
    )


def _marked(kind: str, html: str, first: int | None) -> str:
    """`first` is None inside a mark that a tag or another mark has cut, else the change's number or 0."""
    if kind == "ins":
        anchor = f' id="change-{first}" data-change' if first else ""
        word = "" if first is None else '<span class="hidden-text">added: </span>'
        return f"<ins{anchor}>{word}{html}</ins>"
    return f'<mark class="remarked remarked--{kind}">{html}</mark>'


def _pin(remark: Remark) -> str:
    return (
        f'<a class="pin pin--{remark.kind}" href="#{escape(remark.id)}" data-pin>'
        f'<span class="hidden-text">{escape(remark.words)}</span>'
        f'<span aria-hidden="true">{conditional_escape(remark.label)}</span></a>'
    )
