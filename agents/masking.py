"""Takes secrets out of what people and programs write beside the work: titles, reasons, remarks, errors.

Called where such words are stored, logged or shown; never on the texts that are the work itself, so that an
article about keys keeps its samples. Shapes of well-known tokens are enough to know them; the secrets of our
own settings are known by their values (`know`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")
MASK = "[secret]"
#: shorter values of settings would take ordinary words out
SHORTEST = 12

#: (what must stand in a text before the pattern is tried, the pattern; its group 1 stays)
SHAPES: list[tuple[str, re.Pattern[str]]] = [
    ("sk-", re.compile(r"(\b)sk-[A-Za-z0-9_-]{16,}")),
    ("k_", re.compile(r"(\b)[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}")),
    ("xox", re.compile(r"(\b)xox[a-z]-[A-Za-z0-9-]{8,}")),
    ("xapp-", re.compile(r"(\b)xapp-[A-Za-z0-9-]{8,}")),
    ("gh", re.compile(r"(\b)gh[pousr]_[A-Za-z0-9]{16,}")),
    ("github_pat_", re.compile(r"(\b)github_pat_[A-Za-z0-9_]{16,}")),
    ("glpat-", re.compile(r"(\b)glpat-[A-Za-z0-9_-]{16,}")),
    ("npm_", re.compile(r"(\b)npm_[A-Za-z0-9]{20,}")),
    ("AIza", re.compile(r"(\b)AIza[A-Za-z0-9_-]{30,}")),
    ("KIA", re.compile(r"(\b)AKIA[A-Z0-9]{12,}")),
    ("SIA", re.compile(r"(\b)ASIA[A-Z0-9]{12,}")),
    ("eyJ", re.compile(r"(\b)eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")),
    ("clawbot_", re.compile(r"(\b)clawbot_[A-Za-z0-9_-]{30,}")),
    ("earer", re.compile(r"(\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{8,}")),
    ("://", re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s:/@]{0,200}:)[^\s/@]{1,300}(?=@)")),
    ("-----BEGIN", re.compile(
        r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:(?!-----END).){0,20000}(?:-----END [A-Z ]{0,40}-----)?",
        re.DOTALL)),
]  # fmt: skip

_known: list[str] = []


def know(values: Iterable[str]) -> None:
    """Mask these values from now on, whatever they look like; what is shorter than SHORTEST is left alone."""
    _known[:] = sorted({*_known, *(one for one in values if len(one) >= SHORTEST)}, key=len, reverse=True)


def mask(text: str) -> str:
    """The text with `[secret]` in place of every secret."""
    for value in _known:
        if value in text:
            text = text.replace(value, MASK)
    for hint, pattern in SHAPES:
        if hint in text:
            text = pattern.sub(rf"\1{MASK}", text)
    return text


def mask_deep(value: T) -> T:
    """Plain values of any depth with every text in them masked, names of fields too."""
    found: Any = value
    if isinstance(value, str):
        masked = mask(value)
        found = value if masked == value else masked  # a choice's word stays the choice
    elif isinstance(value, dict):
        found = {mask(name) if isinstance(name, str) else name: mask_deep(one) for name, one in value.items()}
    elif isinstance(value, list):
        found = [mask_deep(one) for one in value]
    elif isinstance(value, tuple) and type(value) is tuple:
        found = tuple(mask_deep(one) for one in value)
    return found


class Formatter(logging.Formatter):
    """Writes log lines, tracebacks included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as always, masked."""
        return mask(super().format(record))
