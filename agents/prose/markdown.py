"""The one Markdown parser, for reading documents and for rendering drafts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

NESTING = 20  # of lists and quotes
MOST_BRACKETS = 1_000  # in one paragraph; nested ones cost the parser quadratic time


@cache
def parser(*, html: bool = False, notes: bool = False, links: bool = True) -> MarkdownIt:
    """CommonMark with tables. `html` lets tags through, `notes` reads footnotes and definition lists."""
    markdown = MarkdownIt("commonmark", {"html": html, "maxNesting": NESTING})
    markdown.enable(["table", "strikethrough"])
    if notes:
        markdown.use(footnote_plugin).use(deflist_plugin)
    return markdown if links else markdown.disable(["link", "image"])


def to_html(text: str) -> str:
    """A document as HTML, tags and all: for reading by its tree, never for a page."""
    brackets = max(part.count("[") for part in text.split("\n\n"))
    return str(parser(html=True, notes=True, links=brackets <= MOST_BRACKETS).render(text))


def words_of(line: str) -> str:
    """One paragraph of a plain text without the markup that is common there."""
    links = line.count("[") <= MOST_BRACKETS
    inline = parser(links=links).parseInline(line)
    return "".join(_words(inline[0].children or ()))


def _words(tokens: list[Token] | tuple[()]) -> Iterator[str]:
    for token in tokens:
        if token.type == "code_inline":
            yield f"`{token.content}`"
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type != "image":
            yield token.content
