"""One paragraph of a document, and what is done to every one of them whatever it was written in."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERED = re.compile(
    r"^(?:(?:Chapter|Section|Part) \d{1,2}[.:]?|\d{1,2}(?:\.\d{1,2}){0,3}[.)]?|[A-Z][.)]"
    r"|[IVX]{1,5}\.)\s+(?=[A-Z])"
)


@dataclass(frozen=True)
class Block:
    """One paragraph, list item or table row and the heading it stands under (empty above the first)."""

    text: str
    heading: str = ""
    kind: str = "paragraph"  # or "item", "row", "heading" (without text)


def said(text: str) -> str:
    """A paragraph on one line, without the marks of its own notes: they are not our citations."""
    text = re.sub(r"\s*\[\d{1,3}\]_?", "", text)
    return " ".join(text.replace(" -- ", " – ").split())


def unnumbered(text: str) -> str:
    """A heading without "2.1" or "Chapter 3" in front."""
    return _NUMBERED.sub("", text)


def heading_name(text: str) -> str:
    """A heading as it is shown: no number, no colon, not in capitals."""
    text = said(unnumbered(text.strip())).rstrip(":")
    return (text.capitalize() if text.isupper() and len(text) > 5 else text)[:120]
