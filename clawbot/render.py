"""Markdown from agents, people and docs as safe HTML: no raw HTML passes the parser, and what the
parser makes passes an allow-list. Both walls stand by themselves.
"""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe

from agents.addresses import parts
from agents.prose.markdown import links_in, parser

#: What a page renders of one text; a longer one can be downloaded. The parser takes half a second for the
#: slowest text of this size, and a page about 20 kB of prose in a hundredth of that.
MOST_SHOWN = 40_000
MOST_PARAGRAPHS = 1_500
MAX_NESTING = 20

ALLOWED = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, "h2": {"id"}, "h3": {"id"}}


def first(text: str) -> str:
    """As much of a text as a page shows, cut between two paragraphs, lines or words."""
    if len(text) <= MOST_SHOWN and text.count("\n\n") <= MOST_PARAGRAPHS:
        return text
    pieces = text[:MOST_SHOWN].split("\n\n", MOST_PARAGRAPHS)
    if len(pieces) > MOST_PARAGRAPHS:
        return "\n\n".join(pieces[:-1])
    cuts = (text.rfind(end, MOST_SHOWN // 2, MOST_SHOWN) for end in ("\n\n", "\n", " "))
    return text[: next((cut for cut in cuts if cut > 0), MOST_SHOWN)]


def rest(text: str) -> str:
    """What a page says about the part of a text that it does not show; empty if it shows all of it."""
    shown = len(first(text))
    if shown == len(text):
        return ""
    return f"Only the first {shown:,} of {len(text):,} characters are shown here."


def _elsewhere(tag: str, name: str, value: str) -> str | None:
    return None if name == "href" and not parts(value).scheme else value


def markdown(text: str, *, ours: bool = False) -> SafeString:
    """Render untrusted Markdown, as much as a page shows; the page must say `rest`.

    A link without a host is one of `ours`, or else leads somewhere on the site that a draft is written for:
    then it has no address here, and no reader leaves a review by it.
    """
    text = first(text)
    html = nh3.clean(
        parser(nesting=MAX_NESTING, links=links_in(text)).render(text),
        tags=ALLOWED,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
        attribute_filter=None if ours else _elsewhere,
    )
    return mark_safe(html)
