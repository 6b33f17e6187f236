"""Markdown from agents, people and docs as safe HTML: no raw HTML passes the parser, and what the
parser makes passes an allow-list. Both walls stand by themselves.
"""

from __future__ import annotations

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from agents.prose.markdown import parser

# markdown-it takes seconds on hostile text of this size; nobody writes a longer draft.
MAX_CHARACTERS = 200_000
MAX_NESTING = 20

ALLOWED = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, "h2": {"id"}, "h3": {"id"}}

_parser = parser(nesting=MAX_NESTING)


def markdown(text: str) -> SafeString:
    """Render untrusted Markdown. Text over the cap is shown as it was written, escaped."""
    if len(text) > MAX_CHARACTERS:
        return format_html("<pre>{}</pre>", text)
    html = nh3.clean(
        _parser.render(text),
        tags=ALLOWED,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return mark_safe(html)
