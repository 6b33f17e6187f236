"""Days in a text as days of a calendar; a date without a year is the one nearest to when it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?\b"
    rf"|\b{_MONTH.replace('month', 'month2')}\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b"
    r"(?:,?\s+(?P<year2>\d{4}))?"
    r"|\b(?P<iso>\d{4}-\d{2}-\d{2})\b"
)


def days(text: str, written: date) -> Iterator[tuple[date, str]]:
    """Every day that a text names, with its words."""
    for match in _DAY.finditer(text):
        found = _day(match, written)
        if found:
            yield found, match[0]


def _day(match: re.Match[str], written: date) -> date | None:
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        month = _NAMES.index((match["month"] or match["month2"])[:3].lower()) + 1
        day = int(match["day"] or match["day2"])
        if year := match["year"] or match["year2"]:
            return date(int(year), month, day)
        near = (date(written.year + shift, month, day) for shift in (-1, 0, 1))
        return min(near, key=lambda one: abs(one - written) + timedelta(hours=one < written))
    except ValueError:  # the 31st of June; the 29th of February in most years
        return None
