"""Reads HTML by its tree: the prose that a reader sees, whatever tags are missing, and why there is none.

lxml builds the tree. On a long page trafilatura, else readability, tells the main text from what surrounds
it; they only choose among the paragraphs of our tree, so that a sentence stays as the page has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.entities import html5

from lxml import etree

from agents.addresses import joined
from agents.prose import plain_text
from agents.prose.block import Block, heading_name, said
from agents.prose.clean import UNREAD, clean, one_line
from agents.prose.words import count

LONG = 300  # words from which on a page has a main text and surroundings
LEAST_MAIN = 0.4  # of all words, or it was not the main text that was found
LITTLE = 40  # words below which it is worth saying why there are so few

_NEVER = frozenset([
    "script", "style", "template", "svg", "math", "select", "option", "textarea", "object", "audio", "video",
    "canvas", "rt", "rp", "iframe", "noframes",
])  # fmt: skip
_AROUND = frozenset([
    "nav", "header", "footer", "aside", "noscript", "button", "dialog", "head", "del", "s",
    "strike",
])  # fmt: skip
_INLINE = frozenset([
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "dfn", "em", "font", "i",
    "img", "ins", "kbd", "label", "mark", "nobr", "q", "ruby", "samp", "small", "span", "strong", "sub",
    "sup", "time", "tt", "u", "var", "wbr", "del", "s", "strike", "rt", "rp",
])  # fmt: skip
_CODE = frozenset(["code", "kbd", "samp", "tt"])
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.I)
_NOTES = re.compile(r"\b(?:footnotes?|endnotes?|doc-endnotes|doc-footnote)\b")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z]\w*;)")
_UNIT = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,3}$")  # or a formula: words with notes are mostly longer
_SENTENCE = re.compile(r"(?:\S+\s+){4,}\S+[.!?]")
_WALL = re.compile(r"\b(?:cookies?|consent|sign in|log in|subscribe|subscription|captcha|are human)\b", re.I)


@dataclass(frozen=True)
class Page:
    """What a page says. `why` tells why it says so little; empty if it says enough."""

    title: str
    blocks: tuple[Block, ...]
    why: str = ""


def read(markup: str, address: str = "", *, alone: bool = False) -> Page:
    """Read a page or a piece of one; `address` resolves where it leads on to. `alone` says that nothing
    surrounds the text."""
    root = _tree(markup)
    if root is None:
        return Page("", (), "it is empty")
    everything = [*_blocks(root, _AROUND)]
    if not _size(everything):
        everything = [*_blocks(root, frozenset(["head"]))]
    found = everything if alone or _size(everything) <= LONG else _main(markup, everything)
    why = _why(root, address, found) if _size(found) < LITTLE else ""
    return Page(_title(root), tuple(found), why)


def _tree(markup: str) -> etree._Element | None:
    """The tree; XHTML as XML if it is well-formed, because `<script/>` ends there and nowhere else."""
    text = markup.replace("\0", UNREAD).lstrip("\ufeff \t\r\n")
    if "</title" not in text.lower():
        text = re.sub(r"(<title\b[^>]*>[^<]*)<", r"\1</title><", text, count=1, flags=re.I)
    bare = re.sub(r"\A<\?xml[^>]*\?>", "", text)
    if "http://www.w3.org/1999/xhtml" in text[:2_000] and "<!ENTITY" not in text:
        known = _ENTITY.sub(lambda match: html5.get(match[1], match[0]), bare)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            return etree.fromstring(known.encode(), parser)
        except etree.XMLSyntaxError:
            pass
    try:
        return etree.fromstring(bare.encode(), etree.HTMLParser(encoding="utf-8", huge_tree=True))
    except etree.XMLSyntaxError:
        return None


def _name(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2].lower()


def _title(root: etree._Element) -> str:
    for tag in ("title", "h1"):
        for node in root.iter(f"{{*}}{tag}"):
            if (text := one_line("".join(node.itertext()))) and not _inside(node, "svg"):
                return text
    return ""


def _is_inline(node: etree._Element) -> bool:
    """Whether an element stands in a line; what no standard knows does, as in a browser."""
    tag = _name(node)
    return tag in _INLINE or "-" in tag or ":" in tag


def _inside(node: etree._Element, *tags: str) -> bool:
    return any(_name(above) in tags for above in node.iterancestors())


# The prose of a tree


def _blocks(root: etree._Element, left_out: frozenset[str]) -> Iterator[Block]:
    """Paragraphs, items and rows in order, each with its heading. Without recursion: pages nest deeply."""
    reader = _Reader()
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    passed: etree._Element | None = None
    for event, node in walk:
        if event == "start":
            if _is_passed(node, left_out) or reader.takes(node):
                passed = node
                walk.skip_subtree()
                if not _is_inline(node):
                    yield from reader.flush()
                yield from reader.found()
                continue
            if not _is_inline(node):
                yield from reader.flush()
            reader.begin(node)
        else:
            if event == "end" and node is not passed:
                if not _is_inline(node):
                    yield from reader.flush()
                reader.end(node)
            if node is not root:
                reader.add(node.tail)
    yield from reader.flush()


def _is_passed(node: etree._Element, left_out: frozenset[str]) -> bool:
    """Whether nothing of an element is prose that a reader sees."""
    tag = _name(node)
    if tag in left_out:
        return not (tag == "header" and _inside(node, "article", "main", "section")) and not (
            tag == "dialog" and "open" in node.attrib
        )
    if tag == "template":
        return "shadowrootmode" not in node.attrib
    told = f"{node.get('class', '')} {node.get('role', '')}"
    return (
        tag in _NEVER
        or "hidden" in node.attrib
        or bool(_UNSEEN.search(node.get("style", "")))
        or (tag in ("section", "div", "ol", "aside") and bool(_NOTES.search(told)))
        or (tag == "pre" and node.find("{*}code") is not None)
        or node.get("role") == "doc-noteref"
    )


class _Reader:
    """Collects the text of a block while its tree is walked."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.heading = ""
        self.kind = "paragraph"
        self.ready: list[Block] = []

    def begin(self, node: etree._Element) -> None:
        tag = _name(node)
        if tag == "li":
            self.kind = "item"
            above = node.getparent()
            start = above.get("start", "") if above is not None else ""
            if len(start) > 2 and start.isdigit() and above is not None and len(above) == 1:
                self.parts.append(f"{start}. ")  # a sentence that begins with a year is no list
        elif tag in _HEADINGS:
            self.kind = "heading"
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "q":
            self.parts.append("“")
        elif tag in _CODE:
            self.parts.append("`")
        elif "-" in tag:
            self.parts.append(" ")  # a custom element may be a block: two of them are no one word
        self.add(node.text)

    def end(self, node: etree._Element) -> None:
        tag = _name(node)
        if tag == "q":
            self.parts.append("”")
        elif tag in _CODE:
            self.parts.append("`")
        elif tag == "li" or tag in _HEADINGS:
            self.kind = "paragraph"

    def add(self, text: str | None) -> None:
        """More of the block's text; the line breaks of the markup are spaces."""
        if text:
            self.parts.append(re.sub(r"\s+", " ", re.sub(r"(\w)-\n\s*(?=[a-z])", r"\1-", text)))

    def takes(self, node: etree._Element) -> bool:
        """Whether an element is read as a whole: raised text, a row of data, preformatted text."""
        tag = _name(node)
        if tag == "sup":
            self.parts.append(self._raised(node))
        elif tag == "table" and _is_data(node):
            for caption in node.iter("{*}caption"):
                self.ready += _blocks(caption, _AROUND)
            for row in node.iter("{*}tr"):
                cells = [" ".join(block.text for block in _blocks(cell, _AROUND)) for cell in row]
                self.ready.append(Block(" | ".join(cells), self.heading, "row"))
        elif tag == "pre":
            self.ready += plain_text.read("".join(node.itertext()), self.heading)
        else:
            return False
        return True

    def found(self) -> list[Block]:
        """What `takes` has read."""
        ready, self.ready = self.ready, []
        return [block for block in ready if block.text.strip(" |")]

    def _raised(self, node: etree._Element) -> str:
        """`40 m²` and `10^6` are told; the mark of a note is not."""
        text = "".join(node.itertext()).strip()
        before = "".join(self.parts[-3:]).rstrip()
        if node.find(".//{*}a[@href]") is not None or "reference" in node.get("class", ""):
            return ""
        if before[-1:].isdigit() and text.lstrip("-−").isdigit():
            return f"^{text}"
        return text if text.strip("[]()*†‡,0123456789") or _UNIT.search(before) else ""

    def flush(self) -> Iterator[Block]:
        """The block that ends here; two line breaks divide it."""
        text, self.parts = "".join(self.parts), []
        for piece in re.split(r"\n\s*\n", text):
            if not (told := said(piece)):
                continue
            if self.kind == "heading" and not _is_prose(told):
                self.heading = heading_name(told)
                yield Block("", self.heading, "heading")
            else:
                told = re.sub(r"^\[[ xX]\] ", "", told) if self.kind == "item" else told
                yield Block(told, self.heading, "item" if self.kind == "item" else "paragraph")
                self.kind = "paragraph"


def _is_prose(text: str) -> bool:
    """Whether a heading is a sentence of the text: a line of dashes below a paragraph makes it a heading."""
    return len(text) > 120 or (text.endswith(".") and count(text) > 5)


def _is_data(table: etree._Element) -> bool:
    """A table of short cells; one whose cells hold sentences, headings or tables only lays out a page."""
    if any(table.find(f".//{{*}}{tag}") is not None for tag in ("table", "h1", "h2", "h3", "ul", "ol")):
        return False
    rows = [row for row in table.iter("{*}tr") if len(row) > 1]
    cells = [" ".join("".join(cell.itertext()).split()) for row in rows for cell in row]
    return len(rows) > 1 and not any(len(cell) > 160 or _SENTENCE.match(cell) for cell in cells)


# The main text


def _main(markup: str, everything: list[Block]) -> list[Block]:
    """Those paragraphs that belong to the article of a long page; all if it cannot be told apart."""
    for text in _articles(markup):
        letters = _letters(text)
        kept = [block for block in everything if block.text and _letters(block.text) in letters]
        if _size(kept) >= LEAST_MAIN * _size(everything):
            known = set(kept)
            headings = {block.heading for block in kept}
            return [one for one in everything if one in known or (not one.text and one.heading in headings)]
    return everything


def _articles(markup: str) -> Iterator[str]:
    import readability  # these two load for half a second, and only a long page needs them
    import trafilatura

    bare = re.sub(r"\A\s*<\?xml[^>]*\?>", "", markup)
    yield trafilatura.extract(bare, include_comments=False, include_tables=True, favor_recall=True) or ""
    try:
        found = etree.fromstring(readability.Document(bare).summary(), etree.HTMLParser())
        yield "" if found is None else "".join(found.itertext())
    except (readability.readability.Unparseable, etree.Error, ValueError):
        yield ""


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _size(blocks: list[Block]) -> int:
    return sum(count(block.text) for block in blocks)


# Why there is so little


def _why(root: etree._Element, address: str, found: list[Block]) -> str:
    base = root.find(".//{*}base[@href]")
    address = joined(address, base.get("href", "") if base is not None else "")
    for node in root.iter("{*}meta"):
        target = re.search(r"url\s*=\s*[\"']?([^\"'\s]+)", node.get("content", ""), re.I)
        if node.get("http-equiv", "").lower() == "refresh" and target:
            return f"it leads on to {one_line(joined(address, target[1]), 300)}: name that address"
    if any(node.get("type", "").lower() == "password" for node in root.iter("{*}input")):
        return "it asks for a sign-in: save what stands behind it as a file"
    if not found or len(found) < 2:
        for tag in ("frame", "iframe"):
            for node in root.iter(f"{{*}}{tag}"):
                if source := node.get("src"):
                    where = one_line(joined(address, source), 300)
                    return f"its text stands in a frame from {where}: name that address"
    if _WALL.search(clean(" ".join(block.text for block in found), 5_000)):
        return "it shows a notice (cookies, sign-in or the like) instead of its text: save the page as a file"
    if not found and root.find(".//{*}script") is not None:
        return "it holds no text but scripts that make one in a browser: save the page from there as a file"
    return "" if found else "it holds no text"
