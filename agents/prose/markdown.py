"""The one Markdown parser, for reading documents and for rendering drafts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

NESTING = 100  # of lists and quotes
MOST_BRACKETS = 1_000  # in one paragraph; nested ones cost the parser quadratic time


@cache
def parser(
    *,
    html: bool = False,
    notes: bool = False,
    links: bool = True,
    images: bool = True,
    nesting: int = NESTING,
) -> MarkdownIt:
    """CommonMark with tables. `html` lets tags through, `notes` reads footnotes and definition lists."""
    markdown = MarkdownIt("commonmark", {"html": html, "maxNesting": nesting})
    markdown.enable(["table", "strikethrough"])
    if notes:
        markdown.use(footnote_plugin).use(deflist_plugin)
    return markdown.disable(["link"] * (not links) + ["image"] * (not links or not images))


def links_in(text: str) -> bool:
    """Whether links are looked for: not if a paragraph has more brackets than any that somebody wrote."""
    return max(part.count("[") for part in text.split("\n\n")) <= MOST_BRACKETS


def to_html(text: str) -> str:
    """A document as HTML, tags and all: for reading by its tree, never for a page."""
    markdown = parser(html=True, notes=True, links=links_in(text))
    tokens = markdown.parse(text)
    if opened := _never_closed(tokens, text):
        text = "\n".join(line for place, line in enumerate(text.split("\n")) if place != opened - 1)
        tokens = markdown.parse(text)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _never_closed(tokens: list[Token], text: str) -> int:
    """The line (from 1) of a fence that nobody closed: what follows it would be lost as code. 0 if none."""
    last = next((token for token in reversed(tokens) if token.nesting >= 0), None)
    if last is None or last.type != "fence" or last.map is None or last.level:
        return 0
    ending = text.rstrip().rpartition("\n")[2].strip()
    return 0 if ending.startswith(last.markup) and last.map[1] - last.map[0] > 1 else last.map[0] + 1


def words_of(line: str) -> str:
    """One paragraph of a plain text without the markup that is common there."""
    inline = parser(links=links_in(line)).parseInline(line)
    return "".join(_words(inline[0].children or ()))


def _words(tokens: list[Token] | tuple[()]) -> Iterator[str]:
    struck = 0
    for token in tokens:
        struck += token.nesting if token.type in ("s_open", "s_close") else 0
        if struck:
            continue
        if token.type == "code_inline":
            yield f"`{token.content}`"
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type != "image":
            yield token.content
