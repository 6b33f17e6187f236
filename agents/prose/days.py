"""Days in a text as days of a calendar; a date without a year is the one nearest to when it was written.

dateparser knows the months of each language and reads the date. Only whole names of months beside a day
count: "Junction 12" and "5 Marketing" are none. Nor is a date in digits that may be read in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

SHORT = ("en", "de")  # in these months are shortened too; elsewhere short names are words of other languages
LONG = ("fr", "es", "it", "nl")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_COUNTED = r"(?!\s*(?:%|percent|people|persons|times|euros?|dollars?|kg|km|miles|met(?:re|er)s|pieces)(?!\w))"
_NUMBERED = re.compile(
    r"\b(?:section|article|chapter|page|room|junction|exit|decision|step|hall|gate|version|no\.?)\s*$|#$",
    re.I,
)


def days(text: str, written: date) -> Iterator[tuple[date, str]]:
    """Every day that a text names, with its words. `written` says which year a date without one is of."""
    for match in _dates().finditer(text):
        before = text[max(0, match.start() - 20) : match.start()]
        numbered = not match["digits"] and _NUMBERED.search(before)
        if not numbered and (found := _day(match[0], bool(match["digits"] or match["year"]), written)):
            yield found, match[0]


@cache
def _dates() -> re.Pattern[str]:
    from dateparser.languages.loader import default_loader  # loads languages

    locales = default_loader.get_locales(languages=[*SHORT, *LONG])
    known = {one.shortname: {name for month in _MONTHS for name in one.info[month]} for one in locales}
    short = set[str]().union(*(known[language] for language in SHORT))
    long = short.union(name for language in LONG for name in known[language] if len(name) > 3)
    first, second = (  # "May 12" is how English says it; "12 mayo" how all do
        rf"(?i:{'|'.join(sorted(names, key=len, reverse=True))})(?!\w)\.?" for names in (short, long)
    )
    day, nth = r"(?:3[01]|[12]\d|0?[1-9])(?!\d)", r"(?:st\b|nd\b|rd\b|th\b|er\b|\.|º)?"
    year = r"(?:,?\s+(?:de\s+)?|-)(?:19|20)\d\d\b(?!:)"
    return re.compile(
        rf"(?<![\w.,/:-])(?:(?P<digits>\d{{4}}([-/.])\d\d?\2\d\d?|\d\d?([-/.])\d\d?\3(?:19|20)\d\d)(?=T\d|[^\w-]|$)"
        rf"|(?:{day}{nth}[\s-]*(?:of\s+|de\s+)?{second}|(?=[A-ZÀ-Þ]){first}\s+{day}{nth}(?![:.,/]?\d){_COUNTED})"
        rf"(?P<year>{year})?)"
    )


def _day(words: str, has_year: bool, written: date) -> date | None:
    numbers = [int(number) for number in re.findall(r"\d+", words)]
    if len(numbers) == 3 and "/" in words and max(numbers[:2]) <= 12 and numbers[0] != numbers[1]:
        return None  # 5/12/2027: December or May
    if has_year:
        return _read(words)
    near = filter(None, (_read(f"{words} {written.year + shift}") for shift in (-1, 0, 1)))
    return min(near, key=lambda one: abs(one - written) + timedelta(hours=one < written), default=None)


@cache
def _read(words: str) -> date | None:
    """A whole date, read by dateparser; None for one that no calendar has."""
    import dateparser  # loads languages

    order = "MDY" if re.match(r"\d\d?/(?:1[3-9]|[23]\d)/", words) else "DMY"
    parts = {"PARSERS": ["absolute-time"], "REQUIRE_PARTS": ["day", "month", "year"], "DATE_ORDER": order}
    found = dateparser.parse(re.sub(r"(?<=[^\W\d])\.", "", words), languages=[*SHORT, *LONG], settings=parts)
    return found.date() if found else None
