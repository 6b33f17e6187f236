"""Reads plain text and reStructuredText, which have no parser here: how lines look tells what they are.

A line by itself, underlined or in capitals is a heading; lines that look like code are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents.prose import sentences
from agents.prose.block import Block, heading_name, said, unnumbered
from agents.prose.markdown import words_of

_UNDERLINE = re.compile(r"^([=\-~^\"'#*+.])\1{2,}\s*$")
_HASH = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_ITEM = re.compile(r"^(\s*)(?:[-*+•·o]|\(?\d{1,2}[.)])\s+(?=\S)")
_CODE_LINE = re.compile(
    r"^\s*(?:[$#%] |\.\. |:[\w-]+:|@\w+|\||\+[-=+]+|//|/\*|\*/|\w+\s*=\s*\S+$|</?\w)|[{};]\s*$"
)
_RECORD = re.compile(r"[A-Z][\w ]{1,30}: ")
_FENCE = re.compile(r"^\s*(?:```[^`]*|~~~[^~]*)$")


def read(text: str, heading: str = "") -> Iterator[Block]:
    """The paragraphs of a text without a parser, under a heading."""
    for place, chunk in enumerate(_chunks(text.expandtabs(4))):
        if place == 0 and _is_letterhead(chunk):
            continue
        if found := _heading(chunk):
            heading = found[0]
            chunk = chunk[found[1] :]
            if not chunk:
                yield Block("", heading, "heading")
                continue
        for kind, paragraph in _paragraphs(chunk):
            yield Block(paragraph, heading, kind)


def letterhead(text: str) -> str:
    """The title that a text has in its first lines (sender, subject, date); empty if it has none."""
    first = next(_chunks(text[:6_000]), [])
    if not _is_letterhead(first):
        return ""
    return ": ".join(_title_case(line.strip()) for line in first[:2] if line[-1] != ".")[:160]


def _chunks(text: str) -> Iterator[list[str]]:
    """Runs of lines between blank lines, fenced code left out."""
    chunk: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line) and (fenced or not chunk or "`" in line):
            fenced = not fenced
            line = ""
        if fenced or line.strip() in ("", "."):  # Debian's copyright files mark an empty line by a dot
            if chunk:
                yield chunk
            chunk = []
        else:
            if _HASH.match(line) and chunk:
                yield chunk
                chunk = []
            chunk.append(line.rstrip())
            if _HASH.match(line):
                yield chunk
                chunk = []
    if chunk:
        yield chunk


def _heading(chunk: list[str]) -> tuple[str, int] | None:
    """The heading that a chunk starts with and how many lines it takes."""
    first = chunk[0]
    if match := _HASH.match(first):
        return _name(match[2]), 1
    if len(chunk) >= 3 and _UNDERLINE.match(first) and _UNDERLINE.match(chunk[2]):
        return _name(chunk[1]), 3
    if len(chunk) >= 2 and _UNDERLINE.match(chunk[1]) and len(first) < 90 and not first.startswith(" "):
        return _name(first), 2
    if (
        len(chunk) >= 2
        and first.isupper()
        and len(first) < 40
        and first[0].isalpha()
        and chunk[1].startswith("  ")
    ):
        return _name(first), 1  # manual pages: SYNOPSIS, then everything indented
    if len(chunk) == 1 and _is_title_line(first):
        return _name(first), 1
    return None


def _is_letterhead(chunk: list[str]) -> bool:
    """Whether a document opens with lines like sender, subject, date: records, and no prose."""
    return (
        len(chunk) > 1
        and not _heading(chunk)
        and len(chunk[1]) < 100
        and len(chunk[0]) < 60
        and chunk[0][-1] not in ".,:;-"
        and chunk[0][0].isupper()
        and chunk[1].lstrip()[:1].isupper()
        and (
            chunk[0].isupper()
            or any(_RECORD.match(line) for line in chunk)
            or not any(map(sentences.is_whole, sentences.split(" ".join(chunk))))
        )
    )


def _title_case(text: str) -> str:
    if not text.isupper():
        return text
    small = ("of", "for", "and", "the", "in", "on", "a", "to")
    words = [word if word in small else word.capitalize() for word in text.lower().split()]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def _is_title_line(line: str) -> bool:
    bare = line.strip()
    words = unnumbered(bare).split()
    if (
        not 1 <= len(words) <= 9
        or len(bare) > 70
        or line.startswith(" ")
        or bare[-1] in ".,;!"
        or not bare[0].isalnum()
    ):
        return False
    return (
        words[0][:1].isupper()
        and not _CODE_LINE.search(bare)
        and not re.search(r"[<>@=\\/_]|https?:|\d{4}-\d\d", bare)
    )


def _name(text: str) -> str:
    return heading_name(_words(text))


def _paragraphs(chunk: list[str]) -> Iterator[tuple[str, str]]:
    kind, lines = "paragraph", list[str]()
    indent = min(len(line) - len(line.lstrip()) for line in chunk)
    for line in [re.sub(r"^(?:> ?)+", "", line[indent:]) for line in chunk]:
        if match := _ITEM.match(line):
            yield from _paragraph(kind, lines)
            kind, lines = "item", [line[match.end() :]]
        else:
            lines.append(line)
    yield from _paragraph(kind, lines)


def _paragraph(kind: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    code = sum(bool(_CODE_LINE.search(line)) for line in lines)
    if not lines or code * 2 > len(lines) or _UNDERLINE.match(lines[0]):
        return
    text = said(_words(re.sub(r"(\w)-\n\s*(?=[a-z])", r"\1-", "\n".join(lines))))
    if len(text) > 1:
        yield kind, text


def _words(text: str) -> str:
    """A paragraph without the markup of reStructuredText and Texinfo, then without Markdown's."""
    text = re.sub(r"^[QA][.:]\s+", "", text)
    text = re.sub(r":[a-z]+(?::[a-z]+)?:`~?([^`<]+?)(?:\s*<[^>]*>)?`", r"`\1`", text)
    text = re.sub(r"`([^`<]+?)\s*<[^>]+>`_{1,2}", r"\1", text)
    text = re.sub(r"`([^`]+)`_{1,2}(?!\w)", r"\1", text)
    text = re.sub(r"\|([\w ]+)\||\s*\(?\*note [^:)]*::?\)?", r"\1", text)
    return words_of(text)
