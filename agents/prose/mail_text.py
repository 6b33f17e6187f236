"""What a person wrote in a message: plain text without markup, hidden words, quoted mail and signature.

Also two questions about such a text that decide whether a machine may answer it at all: is it written in
English, and does it give orders to a machine. Both only ever send work to a person; nothing rests on them.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from agents.prose import words
from agents.prose.clean import clean

_MARKUP = re.compile(
    r"<(?:!doctype|html|body|div|p|br|span|table|td|a|img|b|i|u|font|ul|li|h\d|script|style)\b", re.I
)
_HIDES = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$)"
    r"|max-height\s*:\s*0|mso-hide\s*:\s*all", re.I,
)  # fmt: skip
# "On Tuesday, 4 March, Ana wrote:" and its kin: from there on it is somebody else's mail.
_BEFORE = re.compile(
    r"^(?:On\b.{5,200}\bwrote:|Am\b.{5,200}\bschrieb\b.{0,80}:|Le\b.{5,200}\ba écrit ?:"
    r"|-{2,} ?(?:Original Message|Forwarded message) ?-{2,}|_{20,})\s*$",
    re.I | re.M | re.S,
)
_SIGNATURE = re.compile(r"^-- ?$", re.M)
_ORDERS = re.compile(
    r"\b(?:(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}"
    r"\b(?:previous|prior|above|earlier|your|all|any)\b"
    r"[^.!?\n]{0,40}\b(?:instruction|prompt|rule|polic|guideline|direction|order)\w*"
    r"|system prompt|developer mode|jailbreak|you are now (?:a|an|in|the|my)\b|act as (?:a|an|the|if you)\b"
    r"|pretend (?:to be|you are)|new instructions?\s*:"
    r"|(?:as|you are) an? (?:ai|language model|assistant|llm)\b"
    r"|(?:reveal|print|repeat|show)\b[^.!?\n]{0,30}\b(?:your|the) (?:\w+ )?(?:prompt|instructions)"
    r")|(?:^|\n)\s*(?:system|assistant|developer)\s*:|<\|[a-z_]+\|>|\[/?(?:INST|SYS)\]|</?(?:system|tool_call|function_calls?|material)\b",
    re.I,
)
# Words that nearly every English sentence has and that few other languages share.
_ENGLISH = frozenset(
    [
        "the",
        "and",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "you",
        "your",
        "we",
        "our",
        "they",
        "this",
        "that",
        "these",
        "those",
        "it",
        "its",
        "of",
        "to",
        "for",
        "with",
        "not",
        "have",
        "has",
        "had",
        "do",
        "does",
        "did",
        "can",
        "could",
        "would",
        "should",
        "will",
        "my",
        "me",
        "i'm",
        "i've",
        "it's",
        "don't",
        "can't",
        "what",
        "when",
        "where",
        "how",
        "why",
        "who",
        "which",
        "from",
        "but",
        "if",
        "there",
        "please",
        "hello",
        "hi",
        "thanks",
        "thank",
        "no",
        "yes",
        "get",
        "got",
        "need",
        "want",
        "would",
        "like",
        "about",
        "after",
        "before",
        "on",
        "at",
    ]
)


def readable(text: str, limit: int = 20_000) -> str:
    """The part of a message that its writer wrote, as text; at most `limit` characters."""
    text = clean(text[: limit * 4], limit * 4)
    if _MARKUP.search(text):
        text = html_to_text(text)
    text = _own(text)
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:limit]


def html_to_text(html: str) -> str:
    """The visible words of an HTML mail, line by line; scripts, styles and hidden parts are left out."""
    reader = _Mail()
    reader.feed(html)
    reader.close()
    return clean("".join(reader.parts))


def is_english(text: str) -> bool:
    """Whether a text reads as English. A handful of words is given the benefit of the doubt."""
    found = words.tokens(text)
    letters = [char for char in text if char.isalpha()]
    if letters and sum(char.isascii() for char in letters) / len(letters) < 0.9:
        return False
    plain = [word for word in found if word[0].isalpha()]
    return len(plain) < 6 or sum(word in _ENGLISH for word in plain) / len(plain) >= 0.12


def orders_a_machine(text: str) -> str:
    """The words with which a message tries to give orders to a machine; empty where it does not."""
    match = _ORDERS.search(text)
    return " ".join(match[0].split())[:120] if match else ""


def _own(text: str) -> str:
    """Without the mail that is quoted below and the signature."""
    if (match := _BEFORE.search(text)) and text[: match.start()].strip():
        text = text[: match.start()]
    if (match := _SIGNATURE.search(text)) and text[: match.start()].strip():
        text = text[: match.start()]
    own = [line for line in text.split("\n") if not line.lstrip().startswith(">")]
    return "\n".join(own) if any(line.strip() for line in own) else text


class _Mail(HTMLParser):
    """Mails are laid out with tables and hide words in styles, so other rules hold than for pages."""

    _SKIP = frozenset(
        ["script", "style", "head", "title", "template", "noscript", "svg", "select", "textarea"]
    )
    _BREAK = frozenset(["p", "div", "br", "tr", "li", "table", "h1", "h2", "h3", "h4", "blockquote", "hr"])
    _VOID = frozenset(
        ["br", "img", "hr", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr"]
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden: list[str] = []  # the open elements from the first hidden one on

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hides = tag in self._SKIP or "hidden" in given or bool(_HIDES.search(given.get("style") or ""))
        if tag not in self._VOID and (self.hidden or hides):
            self.hidden.append(tag)
        elif tag in self._BREAK and not self.hidden:
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag == "td" and not self.hidden:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:
            while self.hidden.pop() != tag:
                pass
        elif not self.hidden and tag in self._BREAK - {"br", "hr"}:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(re.sub(r"\s+", " ", data))
