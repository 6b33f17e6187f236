"""Makes an HTML page and a PHP page of a draft. Agent text goes in as data and can never come out as code.

Markdown is rendered without HTML, then held against an allow-list. In the PHP page every field is a
`json_decode(base64_decode(...))` literal, `<?` cannot occur in the body, and the finished file is scanned:
its PHP tags must be exactly those of the template.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nh3
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it.token import Token

from agents.contract import Refused
from agents.prose.article import SOURCES
from agents.prose.clean import clean, one_line
from agents.prose.markdown import parser

MAX_CHARACTERS = 200_000  # Markdown of this size renders in about a second even where it is made to hurt
MAX_BRACKETS = 4_000  # nested brackets cost the parser quadratic time; an article has a few hundred

_TEMPLATES = Path(__file__).parent / "templates"
_CITATION = re.compile(r"\[(\d{1,3})\]")
_parser = parser(images=False, nesting=20)
_PHP_TAG = re.compile(r"<\?|\?>|<%|%>|<script[^>]*php", re.I)

_TAGS = {
    "p",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "a",
    "em",
    "strong",
    "code",
    "pre",
    "blockquote",
    "hr",
    "br",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "sup",
    "del",
    "s",
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "li": {"id"}, "sup": {"class"}, "code": set[str]()}


@dataclass(frozen=True)
class Look:
    """What the page says about itself."""

    title: str
    lang: str = "en"
    site: str = ""


def html(body: str, fields: Mapping[str, Any], look: Look) -> str:
    """A complete HTML page. Raises `Refused` where the body is too large to render."""
    return _environment().get_template("page.html.j2").render(**_values(body, fields, look))


def php(body: str, fields: Mapping[str, Any], look: Look) -> str:
    """A complete PHP page. Raises `Refused` where it holds a PHP tag that is not the template's."""
    template = _environment().get_template("page.php.j2")
    page = template.render(**_values(body, fields, look))
    empty = template.render(**_values("", {}, Look(title="")))
    if _tags(page) != _tags(empty):
        raise Refused(
            "The PHP page was not written: text of the draft would have become a PHP tag. "
            "Remove `<?`, `?>`, `<%` and the like from the draft."
        )
    return page


def body_html(body: str) -> str:
    """The article's text as safe HTML: no scripts, handlers, styles, images or odd addresses."""
    body = clean(body, MAX_CHARACTERS + 1)
    if len(body) > MAX_CHARACTERS or body.count("[") + body.count("<") > MAX_BRACKETS:
        raise Refused(
            f"The draft is too large to render: at most {MAX_CHARACTERS:,} characters and {MAX_BRACKETS:,} "
            "brackets. Shorten it."
        )
    tokens = _parser.parse(body)
    numbers = _mark_sources(tokens)
    _link_citations(tokens, numbers)
    raw = _parser.renderer.render(tokens, _parser.options, {})
    safe = nh3.clean(
        raw,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_filter,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
        strip_comments=True,
    )
    return safe.replace("<?", "&lt;?").replace("?>", "?&gt;").replace("<%", "&lt;%").replace("%>", "%&gt;")


def _values(body: str, fields: Mapping[str, Any], look: Look) -> dict[str, Any]:
    return {
        "title": one_line(look.title, 300),
        "description": one_line(str(fields.get("description", "")), 400),
        "keyword": one_line(str(fields.get("keyword", "")), 200),
        "date": one_line(str(fields.get("date", "")), 40),
        "lang": look.lang,
        "site": one_line(look.site, 80),
        "body": body_html(body),
    }


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["php_value"] = php_value
    return environment


def php_value(value: Any) -> str:
    """A PHP expression for this value; its text is base64, so no character of it can end the literal."""
    packed = base64.b64encode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")).decode()
    return f"json_decode(base64_decode('{packed}'), true)"


def _mark_sources(tokens: Sequence[Token]) -> set[int]:
    """Give each item of the list of sources the name that citations link to; return their numbers."""
    numbers: set[int] = set()
    inside, number = False, 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            inside = tokens[place + 1].content.strip().lower() == SOURCES.lower()
        elif inside and token.type == "ordered_list_open" and token.level == 0:
            number = int(token.attrGet("start") or 1) - 1
        elif inside and token.type == "list_item_open" and token.level == 1 and number < 999:
            number += 1
            numbers.add(number)
            token.attrSet("id", f"source-{number}")
    return numbers


def _link_citations(tokens: Sequence[Token], numbers: set[int]) -> None:
    """Turn `[3]` in running text into a link to source 3, where there is one."""
    for token in tokens:
        children, depth = [], 0
        for child in token.children or ():
            depth += child.nesting if child.type in ("link_open", "link_close") else 0
            children += _split(child, numbers) if child.type == "text" and not depth else [child]
        if token.children:
            token.children = children


def _split(text: Token, numbers: set[int]) -> list[Token]:
    pieces, last = [], 0
    for match in _CITATION.finditer(text.content):
        if int(match[1]) not in numbers:
            continue
        before = text.content[last : match.start()]
        pieces.append(Token("text", "", 0, content=before.removesuffix(" ")))
        # Rendered verbatim, and made of digits only: nothing of the draft's text is in it.
        link = f'<sup class="cite"><a href="#source-{int(match[1])}">[{int(match[1])}]</a></sup>'
        pieces.append(Token("html_inline", "", 0, content=link))
        last = match.end()
    return [*pieces, Token("text", "", 0, content=text.content[last:])]


def _filter(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "id":
        return value if re.fullmatch(r"source-\d{1,3}", value) else None
    if attribute == "class":
        return value if value == "cite" else None
    if attribute == "start":
        return value if re.fullmatch(r"\d{1,4}", value) else None
    return value


def _tags(page: str) -> list[str]:
    return [match[0].lower() for match in _PHP_TAG.finditer(page)]
