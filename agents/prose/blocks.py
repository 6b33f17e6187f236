"""Reads a document (Markdown, HTML, reStructuredText, plain text) as headings and paragraphs.

`tidy` turns any of them into the one readable form that research keeps: `## Heading` lines and
paragraphs on one line each. `blocks` reads that form back. Code is left out, because an article quotes prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from agents import front_matter
from agents.prose import html, plain_text
from agents.prose.block import Block
from agents.prose.markdown import to_html

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
        page = html.read(text, name if "://" in name else "")
        return Document(_named(page.title, name), page.blocks, page.why)
    head, body = front_matter.described(text)
    if _is_markdown(body, name, kind):
        found = html.read(to_html(body), alone=True).blocks
        title = next((block.heading for block in found if block.heading), "")
    else:
        found = (*plain_text.read(body),)
        title = plain_text.letterhead(body) or next((one.heading for one in found if one.heading), "")
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
