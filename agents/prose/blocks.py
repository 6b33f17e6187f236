"""Reads a document (Markdown, reStructuredText, plain text, HTML) as headings and paragraphs.

`tidy` turns any of them into the one readable form that research keeps: `## Heading` lines and
paragraphs on one line each. `blocks` reads that form back. Code, tables and boilerplate are left out,
because an article quotes prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

_UNDERLINE = re.compile(r"^([=\-~^\"'#*+.])\1{2,}\s*$")
_HASH = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_NUMBERED = re.compile(
    r"^(?:(?:Chapter|Section|Part) \d{1,2}[.:]?|\d{1,2}(?:\.\d{1,2}){0,3}[.)]?|[A-Z][.)]"
    r"|[IVX]{1,5}\.)\s+(?=[A-Z])"
)
_ITEM = re.compile(r"^(\s*)(?:[-*+•·o]|\(?\d{1,2}[.)])\s+(?=\S)")
_CODE_LINE = re.compile(
    r"^\s*(?:[$#>%] |\.\. |:[\w-]+:|@\w+|\||\+[-=+]+|//|/\*|\*/|\w+\s*=\s*\S+$|</?\w)|[{};]\s*$"
)
_FENCE = re.compile(r"^\s*(```|~~~)")

_ENDING = re.compile(r"\.(?:md|markdown|txt|text|rst|html?|xhtml)$|^https?:|^$", re.I)
_EMPTY = frozenset(
    [
        "introduction",
        "overview",
        "contents",
        "notes",
        "description",
        "readme",
        "news",
        "changelog",
        "copyright",
        "license",
        "name",
        "synopsis",
    ]
)


@dataclass(frozen=True)
class Block:
    """One paragraph or list item and the heading it stands under (empty above the first)."""

    text: str
    heading: str = ""
    kind: str = "paragraph"  # or "item"


def tidy(text: str, name: str = "") -> str:
    """Any document as headings and one-line paragraphs; `name` tells HTML by its ending."""
    if name.lower().endswith((".html", ".htm", ".xhtml")) or re.match(
        r"\s*(?:<!doctype html|<html)", text, re.I
    ):
        text = html_text(text)
    lines: list[str] = []
    heading = ""
    for block in _read(text):
        if block.heading != heading:
            heading = block.heading
            lines.append(f"## {heading}")
        if block.text:
            lines.append(f"- {block.text}" if block.kind == "item" else block.text)
    return "\n\n".join(lines)


def blocks(text: str) -> list[Block]:
    """The paragraphs and items of a tidy text, each with its heading."""
    found: list[Block] = []
    heading = ""
    for line in text.split("\n\n"):
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("- "):
            found.append(Block(line[2:], heading, "item"))
        elif line.strip():
            found.append(Block(line, heading))
    return found


def title_of(text: str, name: str = "") -> str:
    """The document's own title: front matter, <title>, first heading, else a readable file name.

    A file without an ending ("README", "NEWS.gz") keeps its name beside the heading, which says too little.
    """
    title, base = _title(text, name), "" if "://" in name else re.sub(r"\.gz$", "", name.rsplit("/", 1)[-1])
    if title.lower() in _EMPTY or (base and not _ENDING.search(base)):
        return base if not title or title.lower() in {*_EMPTY, base.lower()} else f"{title} ({base})"
    return title


def _title(text: str, name: str) -> str:
    head = text[:6000]
    if match := re.match(r"---\n(?:.*\n)*?title:\s*[\"']?(.+?)[\"']?\s*\n", head):
        return match[1]
    if match := re.search(r"<h1[^>]*>(.*?)</h1>|<title[^>]*>(.*?)</title>", head, re.I | re.S):
        return html_text(f"<p>{match[1] or match[2]}</p>").strip()
    first = next(_chunks(head), [])
    if _is_letterhead(first):
        return ": ".join(_title_case(line.strip()) for line in first[:2] if line[-1] != ".")[:160]
    for block in _read(head[:800]):
        if block.heading:
            return block.heading
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", re.sub(r"\.gz$", "", name.rsplit("/", 1)[-1]))
    return re.sub(r"[-_]+", " ", stem).strip().capitalize() or "Untitled source"


def strip_markup(text: str) -> str:
    """One paragraph without Markdown and reStructuredText markup; the words and code words stay."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", re.sub(r"^[QA][.:]\s+", "", text))
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)|\[([^\]]+)\]\[[^\]]*\]", lambda m: m[1] or m[2], text)
    text = re.sub(r":[a-z]+(?::[a-z]+)?:`~?([^`<]+?)(?:\s*<[^>]*>)?`", r"`\1`", text)
    text = re.sub(r"`([^`<]+?)\s*<[^>]+>`_{1,2}", r"\1", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r"`([^`]+)`_{1,2}(?!\w)", r"\1", text)
    text = re.sub(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)([^*_\n]+?)(?<=\S)\1(?![\w*])", r"\2", text)
    text = re.sub(r"<(?:https?://|mailto:)[^>]+>", "", text)
    text = re.sub(r"\s*\[\d{1,3}\]_?", "", text)  # a source's own footnotes are not our citations
    text = re.sub(r"\|([\w ]+)\|", r"\1", text)
    text = re.sub(r"\s*\(?\*note [^:)]*::?\)?", "", text)  # Texinfo's cross references
    return " ".join(text.replace(" -- ", " – ").split())


def _read(text: str) -> Iterator[Block]:
    text = re.sub(r"\A---\n.*?\n---\n", "", text.expandtabs(4), count=1, flags=re.S)
    heading = ""
    for place, chunk in enumerate(_chunks(text)):
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


def _chunks(text: str) -> Iterator[list[str]]:
    """Runs of lines between blank lines, fenced code left out."""
    chunk: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line):
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
    )


def _title_case(text: str) -> str:
    if not text.isupper():
        return text
    small = ("of", "for", "and", "the", "in", "on", "a", "to")
    words = [word if word in small else word.capitalize() for word in text.lower().split()]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def _is_title_line(line: str) -> bool:
    bare = line.strip()
    words = _NUMBERED.sub("", bare).split()
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
    text = strip_markup(_NUMBERED.sub("", text.strip())).rstrip(":")
    if text.isupper() and len(text) > 5:
        text = text.capitalize()
    return text[:120]


def _paragraphs(chunk: list[str]) -> Iterator[tuple[str, str]]:
    kind, lines = "paragraph", list[str]()
    indent = min(len(line) - len(line.lstrip()) for line in chunk)
    for line in [line[indent:] for line in chunk]:
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
    text = strip_markup(re.sub(r"(\w)-\n\s*(?=[a-z])", r"\1-", "\n".join(lines)))
    if len(text) > 1:
        yield kind, text


def html_text(html: str) -> str:
    """The readable part of an HTML page as Markdown-like text, without navigation, scripts and notes."""
    reader = _Html()
    reader.feed(html)
    reader.close()
    reader.flush()
    return "\n\n".join(reader.lines)


class _Html(HTMLParser):
    _SKIP = frozenset(
        [
            "script",
            "style",
            "nav",
            "header",
            "footer",
            "aside",
            "form",
            "button",
            "svg",
            "noscript",
            "template",
            "iframe",
            "select",
            "head",
            "figure",
            "table",
            "pre",
        ]
    )
    _BREAK = frozenset(
        [
            "p",
            "div",
            "section",
            "article",
            "main",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "li",
            "ul",
            "ol",
            "blockquote",
            "br",
            "tr",
            "dt",
            "dd",
            "body",
            "html",
            "address",
        ]
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.buffer: list[str] = []
        self.prefix = ""
        self.skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipping:
            if tag == self.skipping[-1]:
                self.skipping.append(tag)
            return
        if tag in self._SKIP:
            self.flush()
            self.skipping.append(tag)
        elif tag in self._BREAK:
            self.flush()
            self.prefix = "# " if tag in ("h1", "h2", "h3", "h4") else "- " if tag == "li" else ""

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            if tag == self.skipping[-1]:
                self.skipping.pop()
        elif tag in self._BREAK:
            self.flush()

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.buffer.append(data)

    def flush(self) -> None:
        text = " ".join("".join(self.buffer).split())
        self.buffer = []
        if text:
            self.lines.append(self.prefix + text)
        self.prefix = ""
