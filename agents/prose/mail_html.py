"""The words of an HTML mail that its reader sees: laid out line by line, without what its style hides.

Style sheets are read by tinycss2 and cssselect2. What hides words follows CSS: `display` and `opacity` take
all that is inside with them; a size or a visibility is inherited and may be set anew further in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from agents.prose.clean import clean

MOST_CSS = 100_000  # characters of style sheets
MOST_MATCHES = 100_000  # rules times elements
TINY = 1.5  # pixels: below this nobody can read it

_SKIP = re.compile(r"script|style|head|title|template|noscript|svg|select|textarea|object|audio|video")
_BREAK = re.compile(r"p|div|br|tr|li|table|h[1-6]|blockquote|hr|[uo]l|pre|section|article|dd|dt|center")
_HIDING = re.compile(
    r"display|visibility|opacity|font|font-size|(?:max-)?(?:height|width)|overflow|color|background"
    r"|background-(?:color|image)|text-indent|left|position"
)
_AT_SIZE = re.compile(r"\s*(-?\d*\.?\d+)\s*([a-z%]*)", re.I)
Style = dict[str, str]


def html_to_text(html: str) -> str:
    """The visible words of an HTML mail. Raises nothing: what is no HTML is its own text."""
    from lxml import etree  # only where a mail is HTML
    from lxml import html as tree

    parser = tree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        root = tree.document_fromstring(clean(html, len(html) + 1).encode(), parser=parser)
    except (etree.ParserError, ValueError):
        return ""
    page = _Page(root)
    for event, element in etree.iterwalk(root, events=("start", "end")):
        page.enter(element) if event == "start" else page.leave(element)
    return clean("".join(page.parts))


class _Page:
    """What has been read so far, and how the open elements look."""

    def __init__(self, root: Any) -> None:
        self.parts: list[str] = []
        self.depth = 0  # of quotations
        self.sheet = _sheet(root)
        plain = not root.xpath("//link[@rel='stylesheet']")
        self.looks = [_Look(background=(1.0, 1.0, 1.0, 1.0) if plain else None)]

    def enter(self, element: Any) -> None:
        """An element begins: its break, and the words before its first child."""
        own = dict(_declared(element.get("style", "")))
        look = _Look.inside(self.looks[-1], element, _cascaded([self.sheet(element), own]))
        self.looks.append(look)
        if _BREAK.fullmatch(element.tag) and not look.gone:
            self.depth += _is_quotation(element)
            self._break("- " if element.tag == "li" else "")
        elif element.tag in ("td", "th"):
            self.parts.append(" ")
        self._say(element.text, look)

    def leave(self, element: Any) -> None:
        """An element ends: the words after it look as its parent says."""
        look = self.looks.pop()
        if _BREAK.fullmatch(element.tag) and not look.gone:
            self.depth -= _is_quotation(element)
            if element.tag not in ("br", "hr"):
                self._break()
        self._say(element.tail, self.looks[-1])

    def _break(self, mark: str = "") -> None:
        self.parts.append("\n" + "> " * min(self.depth, 20) + mark)

    def _say(self, text: str | None, look: _Look) -> None:
        if text and look.is_seen():
            broken = text.splitlines() if look.pre else [text]
            self.parts.append(re.sub(r"\s+", " ", broken[0] if broken else ""))
            for line in broken[1:]:
                self._break()
                self.parts.append(line)


def _is_quotation(element: Any) -> bool:
    marks = f"{element.get('class', '')} {element.get('id', '')}".lower()
    return element.tag == "blockquote" and (element.get("type") == "cite" or "quote" in marks)


class _Look:
    """How an element looks, as far as that decides whether its words are seen."""

    def __init__(self, *, background: Any, color: Any = (0.0, 0.0, 0.0, 1.0)) -> None:
        self.gone = self.unseen = self.tiny = self.pre = False
        self.background, self.color = background, color  # RGBA; None: nobody knows

    def is_seen(self) -> bool:
        """Whether words that look so can be read."""
        same = self.color is not None and self.color == self.background
        return not (self.gone or self.unseen or self.tiny or same)

    @classmethod
    def inside(cls, parent: _Look, element: Any, style: Style) -> _Look:
        """The look of an element inside another."""
        style = {name: value.removesuffix("!") for name, value in style.items()}
        own = cls(background=parent.background, color=parent.color)
        shown = style.get("display")
        own.gone = parent.gone or bool(_SKIP.fullmatch(element.tag)) or shown == "none" or _is_shut(style)
        own.gone = own.gone or ("hidden" in element.attrib and not shown)
        own.unseen = style.get("visibility", "hidden" if parent.unseen else "") in ("hidden", "collapse")
        own.tiny = _is_tiny(style.get("font-size") or style.get("font", ""), parent.tiny)
        own.pre = parent.pre or element.tag == "pre"
        if color := _color(style.get("color") or element.get("color", "")):
            own.color = None if color == "currentColor" else color if color[3] else parent.background
        painted = style.get("background-color") or style.get("background") or element.get("bgcolor", "")
        if "(" in style.get("background-image", "") or "url(" in painted or element.get("background"):
            own.background = None
        elif painted and (color := next(filter(None, map(_color, [painted, *painted.split()])), None)):
            own.background = None if color == "currentColor" else color if color[3] else own.background
        return own


def _is_shut(style: Style) -> bool:
    """Whether an element is there and shows nothing: no opacity, no room, or off the page."""
    if _size(style.get("opacity", "")) == 0:
        return True
    rooms = [style.get(name, "") for name in ("max-height", "height", "max-width", "width")]
    if "hidden" in style.get("overflow", "") and any(_size(room) == 0 for room in rooms):
        return True
    away = [style.get("text-indent", ""), style.get("left", "") if "position" in style else ""]
    return any((_size(one) or 0) < -500 for one in away)


def _is_tiny(given: str, inherited: bool) -> bool:
    match = _AT_SIZE.match(given) or re.search(r"(?<!\S)(\d*\.?\d+)(px|pt)", given)
    if match is None:
        return inherited and not re.search(r"small\b|medium|large\b", given)
    size, unit = float(match[1]), match[2].lower()
    return size < TINY if unit in ("px", "pt", "") else size == 0 or (inherited and unit in ("em", "%", "ex"))


def _size(given: str) -> float | None:
    match = _AT_SIZE.match(given)
    return float(match[1]) if match else None


def _color(given: str) -> Any:
    from tinycss2.color3 import parse_color

    return parse_color(given) if given else None


def _declared(content: Any) -> Iterator[tuple[str, str]]:
    """Those declarations that may hide something; an important one ends with `!`."""
    import tinycss2

    source = content[:5_000] if isinstance(content, str) else content
    for one in tinycss2.parse_blocks_contents(source, skip_comments=True, skip_whitespace=True):
        if one.type == "declaration" and _HIDING.fullmatch(one.lower_name):
            yield one.lower_name, tinycss2.serialize(one.value).strip().lower() + "!" * one.important


def _sheet(root: Any) -> Callable[[Any], Style]:
    """What the mail's style sheets say of an element. Rules for some screens only do not count, and nothing
    does in a mail that would take long: words are rather shown than lost."""
    sheets = [one for one in root.iter("style") if one.get("media", "all").strip() in ("all", "screen", "")]
    if not sheets:
        return lambda element: {}
    import cssselect2
    import tinycss2

    matcher, rules = cssselect2.Matcher(), 0
    css = "\n".join(one.text or "" for one in sheets)[:MOST_CSS]
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        style = dict(_declared(rule.content)) if rule.type == "qualified-rule" else {}
        with suppress(cssselect2.SelectorError):
            for selector in cssselect2.compile_selector_list(rule.prelude) if style else ():
                rules += 1
                if not re.search(r"\S[ >+~]+\S.*\S[ >+~]+\S", tinycss2.serialize(rule.prelude)):
                    matcher.add_selector(selector, style)
    if rules * sum(1 for _ in root.iter()) > MOST_MATCHES:
        return lambda element: {}
    wrapped = {
        one.etree_element: one for one in cssselect2.ElementWrapper.from_html_root(root).iter_subtree()
    }
    return lambda element: _cascaded(style for *_, style in matcher.match(wrapped[element]))


def _cascaded(styles: Iterable[Style]) -> Style:
    """Later ones win, but against `!important`."""
    found: Style = {}
    for style in styles:
        kept = {name for name, value in found.items() if value.endswith("!")}
        found |= {name: value for name, value in style.items() if name not in kept or value.endswith("!")}
    return found
