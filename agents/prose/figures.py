"""Numbers, dates, quotations and names in a sentence: what a reviewer must find again in a source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.prose.clean import UNREAD
from agents.prose.words import STOP, plain

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MONTH = "|".join([*_MONTHS, *(m[:3] for m in _MONTHS if m != "May"), "Sept"])
_DATE = re.compile(
    rf"\b(?:\d{{1,2}}\s+(?:{_MONTH})\.?(?:\s+\d{{4}})?|(?:{_MONTH})\.?\s+\d{{1,2}}(?:,\s*\d{{4}})?"
    rf"|(?:{_MONTH})\s+\d{{4}}"
    r"|\d{4}-\d{2}-\d{2}|(?:Q[1-4]|spring|summer|autumn|winter)\s+(?:of\s+)?\d{4})\b"
)
_YEAR = re.compile(r"\b(?:1[5-9]\d\d|20\d\d)\b")
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-−](?=\d))?(?P<currency>[$€£¥]\s?|(?:USD|EUR|GBP"
    r"|CHF)\s)?(?P<value>\d{1,3}(?:[,\u202f']\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)*)"
    r"(?P<scale>\s?(?:thousand|million|billion|trillion|bn|m|k)\b)?(?P<unit>\s?(?:%"
    r"|percent(?:age points?)?|per cent|°C|[€$£])|(?:-|\s)?(?:[A-Za-zµ]+/?[A-Za-z²³]*))?",
)
#: "5\ufffd8", "\ufffd 40", "40 \ufffd": what may have lost a digit, a dash or a sign.
_BESIDE_UNREAD = re.compile(rf"(?:\d\S*\s)?\S*{UNREAD}\S*(?:\s\d\S*)?")
_UNITS = [
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: float(value) for value, word in enumerate(_UNITS, start=2)}
_WORDS |= {word: 10.0 * value for value, word in enumerate(_TENS, start=2)}
_WORDS |= {"hundred": 100, "dozen": 12, "half": 0.5, "quarter": 0.25, "twice": 2}
_SCALE = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12}
_QUOTE = re.compile(r"“([^“”]{8,600})”|\"([^\"]{8,600})\"")
_NAME = re.compile(
    r"\b[A-ZÀ-Þ][\w’'-]*[a-zà-ÿ][\w’'-]*(?:\s+(?:(?:of|de|van|von|der|la|du)\s+)?[A-ZÀ-Þ][\w’'-]+)*"
    r"|\b[A-Z]{2,}[\w-]*\b"
)


@dataclass(frozen=True)
class Number:
    """One number as written and as a value; `unit` is lower case, "%" for every spelling of percent."""

    text: str
    value: float
    unit: str = ""

    def same_as(self, other: Number) -> bool:
        """Equal to the last digit given; "4.20" and "4.2" are equal, "4" and "4.2" are not."""
        return abs(self.value - other.value) <= 1e-9 * max(1.0, abs(self.value))


def numbers(text: str) -> list[Number]:
    """Every number in figures, citations left out; dates and years count as numbers too."""
    return [*_numbers(re.sub(r"\[\d{1,3}\]", "", text))]


def _numbers(text: str) -> Iterator[Number]:
    for found in _NUMBER.finditer(text):
        digits = _digits(found["value"])
        if digits is None:
            continue
        scale = (found["scale"] or "").strip()
        unit = (found["unit"] or "").strip(" -").lower()
        if unit in ("percent", "per cent") or unit.startswith("%"):
            unit = "%"
        if unit in STOP:
            unit = ""
        currency = (found["currency"] or "").strip()
        written = f"{currency}{found['value']}{found['scale'] or ''}"
        if unit == "%":
            written += found["unit"] or ""
        yield Number(written.strip(), digits * _SCALE.get(scale, 1), currency or unit)


def _digits(text: str) -> float | None:
    """Read "1,240", "4.5", "4,5" and "2026"; None for versions and addresses ("1.2.3")."""
    if re.fullmatch(r"\d{1,3}(?:[,\u202f']\d{3})+(?:\.\d+)?", text):
        return float(re.sub(r"[,\u202f']", "", text))
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"\d+,\d{1,2}", text):
        return float(text.replace(",", "."))
    return None


def supports(passage: str, number: Number) -> bool:
    """Whether the passage states this number, in figures or in a word ("three"). One beside a character
    that could not be read is not known, so no passage states it."""
    if UNREAD in passage:
        passage = _BESIDE_UNREAD.sub(" ", passage)
    if any(number.same_as(other) for other in numbers(passage)):
        return True
    lower = plain(passage)
    return number.text.lower() in lower or any(
        value == number.value and re.search(rf"\b{word}\b", lower) for word, value in _WORDS.items()
    )


def dates(text: str) -> list[str]:
    """Dates as written: days, months with a year, quarters; bare years where nothing finer is given."""
    found = [match[0] for match in _DATE.finditer(text)]
    return found or [match[0] for match in _YEAR.finditer(text)]


def years(text: str) -> set[str]:
    """The years that a text mentions."""
    return set(_YEAR.findall(text))


def quotations(text: str) -> list[str]:
    """What stands between quotation marks, from three words on (shorter ones are scare quotes)."""
    found = (match[1] or match[2] for match in _QUOTE.finditer(text))
    return [quote for quote in found if len(quote.split()) >= 3]


def names(text: str) -> list[str]:
    """Proper names: capitalised words inside a sentence; a lone capital at its start is no sign of one."""
    text = re.sub(r"`[^`]*`|\[\d{1,3}\]", "", text)
    found: list[str] = []
    for match in _NAME.finditer(text):
        name = match[0].removesuffix("'s").removesuffix("’s")
        opens = not re.search(r"\w", text[: match.start()]) or re.search(
            r"[.!?:“\"]\s*$", text[: match.start()]
        )
        words = name.split()
        if opens and (len(words) == 1 or words[0].lower() in STOP):
            words = words[1:]
        if words and not (len(words) == 1 and (words[0] in _MONTHS or words[0].lower() in STOP)):
            found.append(" ".join(words))
    return found
