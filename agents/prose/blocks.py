"""Reads a document (Markdown, HTML, reStructuredText, plain text) as headings and paragraphs.

`tidy` turns any of them into the one readable form that research keeps: `## Heading` lines and
paragraphs on one line each. `blocks` reads that form back. Markdown and HTML are read by their parsers; a
plain text has none, so how its lines look tells headings, items and code. Code is left out, because an
article quotes prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agents import front_matter
from agents.prose.block import Block, heading_name, said, unnumbered
from agents.prose.markdown import to_html, words_of

_UNDERLINE = re.compile(r"^([=\-~^\"'#*+.])\1{2,}\s*$")
_HASH = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_ITEM = re.compile(r"^(\s*)(?:[-*+•·o]|\(?\d{1,2}[.)])\s+(?=\S)")
_CODE_LINE = re.compile(
    r"^\s*(?:[$#>%] |\.\. |:[\w-]+:|@\w+|\||\+[-=+]+|//|/\*|\*/|\w+\s*=\s*\S+$|</?\w)|[{};]\s*$"
)
_FENCE = re.compile(r"^\s*(?:```[^`]*|~~~[^~]*)$")
_HTML_NAME = re.compile(r"\.x?html?(?:\.gz)?$", re.I)
_MARKDOWN_NAME = re.compile(r"\.(?:md|markdown|mdown|mkdn?)(?:\.gz)?$", re.I)
_PLAIN_NAME = re.compile(r"\.(?:te?xt|rst|log)(?:\.gz)?$", re.I)
#: What only Markdown has and a reading as plain text would get wrong.
_MARKDOWN = re.compile(r"^\[\^[^\]]+\]: |^```\w*$|\]\(https?:|^\|? ?:?-{3,}:? *\||<(?:br|sup|p|div)\b", re.M)

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
class Document:
    """A document that was read. `why` tells why it says so little; empty if it says enough."""

    title: str
    blocks: tuple[Block, ...]
    why: str = ""

    @property
    def text(self) -> str:
        """Headings and one-line paragraphs, in the form that `blocks` reads back."""
        lines: list[str] = []
        heading = ""
        for block in self.blocks:
            if block.heading != heading:
                heading = block.heading
                lines.append(f"## {heading}")
            if block.text:
                lines.append(f"- {block.text}" if block.kind == "item" else block.text)
        return "\n\n".join(lines)


@lru_cache(maxsize=8)  # its title, its text and why it is short are asked for one after the other
def read(text: str, name: str = "", kind: str = "") -> Document:
    """Read a document. `kind` (a content type) and the ending of `name` tell what it is, else its text."""
    if "html" in kind or _HTML_NAME.search(name) or is_html(text):
        from agents.prose import html  # loads trafilatura: half a second, and many runs read no page

        page = html.read(text, name if "://" in name else "")
        return Document(_named(page.title, name), page.blocks, page.why)
    head, body = front_matter.described(text)
    if _is_markdown(body, name, kind):
        from agents.prose import html

        found = html.read(to_html(body)).blocks
        title = next((block.heading for block in found if block.heading), "")
    else:
        found = (*plain_blocks(body),)
        title = _letterhead(body) or next((one.heading for one in found if one.heading), "")
    return Document(_named(str(head.get("title") or title), name), found)


def tidy(text: str, name: str = "") -> str:
    """Any document as headings and one-line paragraphs."""
    return read(text, name).text


def title_of(text: str, name: str = "") -> str:
    """The document's own title: front matter, <title>, first heading, else a readable file name."""
    return read(text, name).title


def is_html(text: str) -> bool:
    """Whether a text is an HTML document, by how it begins."""
    start = re.sub(r"\A(?:\s+|<\?xml[^>]*>|<!--.*?-->)+", "", text[:4_000], flags=re.S)
    return bool(re.match(r"<(?:!doctype\s+html|html|head|body|title|meta)\b", start, re.I))


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


def _is_markdown(text: str, name: str, kind: str) -> bool:
    if _MARKDOWN_NAME.search(name) or kind == "text/markdown":
        return True
    return not _PLAIN_NAME.search(name) and not kind.startswith("text/") and bool(_MARKDOWN.search(text))


def _named(title: str, name: str) -> str:
    """A title, or the file name where there is none or it says too little ("Introduction"); a file without
    an ending ("README", "NEWS.gz") keeps its name beside it."""
    base = "" if "://" in name else re.sub(r"\.gz$", "", name.rsplit("/", 1)[-1])
    if not title:
        stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", re.sub(r"\.gz$", "", name.rsplit("/", 1)[-1]))
        title = re.sub(r"[-_]+", " ", stem).strip().capitalize() or "Untitled source"
    if title.lower() in _EMPTY or (base and not _ENDING.search(base)):
        return base if title.lower() in {*_EMPTY, base.lower()} else f"{title} ({base})"
    return title


# Plain text


def plain_blocks(text: str, heading: str = "") -> Iterator[Block]:
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


def _letterhead(text: str) -> str:
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
