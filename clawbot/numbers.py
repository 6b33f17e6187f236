"""Whole numbers in addresses and forms, as strangers may write them."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 2**63 - 1  # what a column of keys holds


def whole(text: str, most: int = MOST) -> int | None:
    """The number that a word is; None for anything else and above `most`.

    The length is looked at first: Python refuses to read numbers of thousands of digits.
    """
    if not text.isdecimal() or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None


def whole_ones(words: Iterable[str]) -> list[int]:
    """The numbers among these words, in their order."""
    return [number for word in words if (number := whole(word)) is not None]
