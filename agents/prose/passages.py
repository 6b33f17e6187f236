"""Where quoted words stand in a text."""

from __future__ import annotations

import re

_LETTER = re.compile(r"\[\d{1,3}\]|\w")


def find(quote: str, text: str) -> tuple[int, int] | None:
    """Where `quote` stands in `text`, whatever their spacing, marks and citations; None if nowhere."""
    wanted, _ = _letters(quote)
    letters, spots = _letters(text)
    start = letters.find(wanted) if wanted else -1
    return (spots[start], spots[start + len(wanted) - 1] + 1) if start >= 0 else None


def _letters(text: str) -> tuple[str, list[int]]:
    """The letters and digits of a text, lower case, and where each stood."""
    found = [match for match in _LETTER.finditer(text) if len(match[0]) == 1]
    return "".join(match[0].lower()[:1] for match in found), [match.start() for match in found]
