"""What changed between two texts: blocks first, then words inside the blocks that changed.

Works on plain text and knows neither Markdown nor HTML, except how one changed piece is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from clawbot import render

# A fully rewritten block of 3,000 words took difflib 4.5 s; above this a block is simply replaced.
MOST_WORDS = 400
# Comparing each of so many blocks with each other takes a tenth of a second; beyond, none is looked for.
MOST_PAIRS = 100_000
MOST_LIKENESSES = 10_000
# Below this share of common words two blocks are two texts: confetti would explain nothing.
LEAST_LIKENESS = 0.3

_TOKEN = re.compile(r"(\w(?:[\w'’.,-]*\w)?%?|[^\w\s])(\s*)")
_BLANK_LINES = re.compile(r"\n\s*\n")

Pair = tuple[int | None, int | None]


@dataclass(frozen=True)
class Piece:
    """A run of words with one fate: same, added or removed. Same and added pieces make the new text."""

    kind: str
    text: str

    @property
    def html(self) -> SafeString:
        """The piece with its fate in the markup and, for those who listen, in words."""
        return written(self.kind, self.text)


def written(kind: str, text: str, number: int | None = None) -> SafeString:
    """One piece as HTML; `number` makes it the start of that change, for jumping there."""
    if kind == "same":
        return format_html("{}", text)
    anchor = format_html(' id="change-{}" data-change', number) if number else ""
    tag, word = ("ins", "added") if kind == "added" else ("del", "removed")
    # Space outside the mark: a struck-through or underlined blank looks like a word.
    body = text.rstrip()
    return format_html(
        '<{}{}><span class="hidden-text">{}: </span>{}</{}>{}',
        tag,
        anchor,
        word,
        body,
        tag,
        text[len(body) :],
    )


@lru_cache(maxsize=64)
def words(old: str, new: str) -> tuple[tuple[Piece, ...], ...]:
    """Every block of two whole texts, each as its pieces. The pair of texts is the cache's key."""
    before, after = _BLANK_LINES.split(old.strip()), _BLANK_LINES.split(new.strip())
    return tuple(
        block(before[i] if i is not None else "", after[j] if j is not None else "")
        for i, j in pairs(before, after)
    )


def changed_words(old: str, new: str) -> int | None:
    """How many words differ between two whole texts; None if one is longer than a page shows, because
    nothing would be said about the rest."""
    if max(len(old), len(new)) > render.MOST_SHOWN:
        return None
    return changed(words(old, new))


def changed(blocks: Sequence[Sequence[Piece]]) -> int:
    """How many words differ: a replaced word counts once, whatever it was replaced with."""
    count = 0
    for pieces in blocks:
        added = sum(_length(piece.text) for piece in pieces if piece.kind == "added")
        removed = sum(_length(piece.text) for piece in pieces if piece.kind == "removed")
        count += max(added, removed)
    return count


def _length(text: str) -> int:
    return sum(1 for word in text.split() if any(letter.isalnum() for letter in word))


def pairs(old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Which old block became which new one, in reading order; None where there is no partner."""
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    left, right = range(start, len(old) - end), range(start, len(new) - end)
    found: list[Pair] = [(place, place) for place in range(start)]
    found += _middle(old, new, left, right)
    return found + [(len(old) - place, len(new) - place) for place in range(end, 0, -1)]


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many blocks are the same from the beginning."""
    unlike = (place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    return next(unlike, min(len(old), len(new)))


def _middle(old: Sequence[str], new: Sequence[str], left: range, right: range) -> list[Pair]:
    if len(left) * len(right) > MOST_PAIRS:
        return [(i, None) for i in left] + [(None, j) for j in right]
    found: list[Pair] = []
    matcher = SequenceMatcher(None, [old[i] for i in left], [new[j] for j in right], autojunk=False)
    for word, i1, i2, j1, j2 in matcher.get_opcodes():
        if word == "equal":
            found += zip(left[i1:i2], right[j1:j2], strict=True)
        else:
            found += _partners(old, new, left[i1:i2], right[j1:j2])
    return found


def _partners(old: Sequence[str], new: Sequence[str], left: range, right: range) -> list[Pair]:
    """Pair each new block with the first later old one that is like it; the rest came or went."""
    found: list[Pair] = []
    start = left.start
    if len(left) * len(right) > MOST_LIKENESSES:
        return [(i, None) for i in left] + [(None, j) for j in right]
    words = {i: set(old[i].split()) for i in left}
    for j in right:
        mine = set(new[j].split())
        like = next((i for i in range(start, left.stop) if _likeness(words[i], mine) >= LEAST_LIKENESS), None)
        if like is not None:
            found += [(i, None) for i in range(start, like)]
            start = like + 1
        found.append((like, j))
    return found + [(i, None) for i in range(start, left.stop)]


def _likeness(left: set[str], right: set[str]) -> float:
    """Share of common words, 0 to 1; cheap, because it is asked for every pair."""
    return len(left & right) / (max(len(left), len(right)) or 1)


@lru_cache(maxsize=1024)
def block(old: str, new: str) -> tuple[Piece, ...]:
    """The pieces of one block."""
    if old == new:
        return (Piece("same", new),)
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if not before or not after or max(len(before), len(after)) > MOST_WORDS:
        return _whole(old, new)
    matcher = SequenceMatcher(None, [word for word, _ in before], [word for word, _ in after], autojunk=False)
    if matcher.ratio() < LEAST_LIKENESS:
        return _whole(old, new)
    lead = new[: len(new) - len(new.lstrip())]
    pieces = [Piece("same", lead)] if lead else []
    for same, i1, i2, j1, j2 in _runs(matcher):
        if same:
            pieces.append(Piece("same", _text(after[j1:j2])))
            continue
        if i1 < i2:
            pieces.append(Piece("removed", _gap(before, i1, pieces) + _text(before[i1:i2])))
        if j1 < j2:
            pieces.append(Piece("added", _text(after[j1:j2])))
    return tuple(pieces)


def _whole(old: str, new: str) -> tuple[Piece, ...]:
    return tuple(Piece(kind, text) for kind, text in (("removed", old), ("added", new)) if text.strip())


def _text(tokens: Sequence[tuple[str, str]]) -> str:
    return "".join(word + space for word, space in tokens)


def _gap(before: Sequence[tuple[str, str]], start: int, pieces: Sequence[Piece]) -> str:
    """The blank that stood before removed words, where the new text has none to lend."""
    stood = start > 0 and before[start - 1][1]
    return " " if stood and pieces and not pieces[-1].text[-1:].isspace() else ""


def _runs(matcher: SequenceMatcher[str]) -> list[tuple[bool, int, int, int, int]]:
    """The matcher's opcodes, with a lone common word between two changes taken into them."""
    codes = matcher.get_opcodes()
    runs: list[tuple[bool, int, int, int, int]] = []
    for place, (word, i1, i2, j1, j2) in enumerate(codes):
        lone = word == "equal" and i2 - i1 == 1 and 0 < place < len(codes) - 1
        same = word == "equal" and not lone
        if runs and not same and not runs[-1][0]:
            _, first_i, _, first_j, _ = runs.pop()
            i1, j1 = first_i, first_j
        runs.append((same, i1, i2, j1, j2))
    return runs
