"""Texts that have brought a page or a parser down, of any size."""

from __future__ import annotations

import random
from collections.abc import Callable

MEGABYTES = 2_000_000
_WORDS = [
    "agents", "work", "at", "night", "and", "people", "decide", "in", "the", "morning", "with", "care",
    "over", "many", "orders", "of", "paper",
]  # fmt: skip


def prose(size: int) -> str:
    """Paragraphs of sentences with citations, the same every time."""
    dice, out, length = random.Random(1), list[str](), 0
    while length < size:
        sentence = " ".join(dice.choice(_WORDS) for _ in range(14)).capitalize()
        out.append(f"{sentence} [1].{dice.choice([' ', ' ', ' ', chr(10) * 2])}")
        length += len(out[-1])
    return "".join(out)[:size]


def table(size: int) -> str:
    """A table of short rows."""
    rows = "".join(f"| {place} | a word | some text here |\n" for place in range(size // 33 + 1))
    return f"| a | b | c |\n|---|---|---|\n{rows}"[:size]


def _again(piece: str) -> Callable[[int], str]:
    return lambda size: (piece * (size // len(piece) + 1))[:size]


def _nested(size: int) -> str:
    depth = int((2 * size) ** 0.5)
    return "\n".join(" " * place + "- a" for place in range(depth))[:size].ljust(size, "a")


TEXTS: dict[str, Callable[[int], str]] = {
    "prose": prose,
    "one line": lambda size: prose(size).replace("\n", " "),
    "table": table,
    "nested lists": _nested,
    "ticks": lambda size: "".join("`" * (place % 200) + " " for place in range(size // 90))[:size].ljust(
        size, "a"
    ),
    "footnotes": lambda size: "".join(f"a[^{n}]\n\n[^{n}]: b\n\n" for n in range(size // 14))[:size],
    "references": lambda size: ("[a]\n" * (size // 4) + "\n[a]: x\n")[:size],
    "brackets": _again("["),
    "pictures": _again("![["),
    "links": _again("[a](http://b.example) "),
    "open links": _again("[a](b"),
    "escaped brackets": _again("\\["),
    "quotes": _again(">"),
    "bullets": _again("- "),
    "stars": _again("*a "),
    "uneven stars": _again("**a*"),
    "underscores": _again("_a__"),
    "tildes": _again("~~a"),
    "code": _again("`a` "),
    "tags": _again("<a "),
    "addresses": _again("<http://"),
    "entities": _again("&#"),
    "citations": _again("A [1] b. "),
    "initials": _again("A. "),
    "headings": _again("# a\n\n"),
    "fences": _again("```\n"),
    "stops": _again("."),
    "pipes": _again("|"),
    "tabs": _again("\t"),
    "spaces": _again("a" + " " * 4_999),
    "line ends": _again("\n"),
    "one word": _again("a"),
}
