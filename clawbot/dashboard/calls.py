"""The call that an agent asks leave for, as a person reads it before allowing it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.models import Review
from tasks.people import grants

MOST_LINES = 300
#: letters that show nothing, or turn what stands beside them around
UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Co", "Cs"}


@dataclass(frozen=True)
class Shown:
    """A call in words and lines: nothing of it is left out of `raw`."""

    agent: str
    tool: str
    method: str  # "POST"; empty where the tool has none
    target: str
    lines: tuple[tuple[str, str], ...]  # each argument by its place: ("data.total", "240")
    more: int  # lines that are only in `raw`
    raw: str


def read(review: Review) -> Shown | None:
    """The call of a review; None where it asks about something else."""
    call = grants.asked(review)
    if call is None or review.artifact is None:
        return None
    method, space, address = call.target.partition(" ")
    lines = list(_lines(call.arguments))
    return Shown(
        agent=review.subtask.agent, tool=call.tool, method=method if space else "",
        target=visible(address if space else call.target), lines=tuple(lines[:MOST_LINES]),
        more=max(0, len(lines) - MOST_LINES), raw=visible(review.artifact.text),
    )  # fmt: skip


def _lines(arguments: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is told first, then the words around it."""
    inner = [pair for pair in arguments.items() if isinstance(pair[1], dict | list)]
    for name, value in [*inner, *(pair for pair in arguments.items() if pair not in inner)]:
        yield from _flat(value, visible(name))


def _flat(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value, start=1)
        for name, one in pairs:
            yield from _flat(one, f"{place}.{visible(str(name))}")
    else:
        yield place, visible(value) if isinstance(value, str) and value else json.dumps(value)


def visible(text: str) -> str:
    """The text with every letter that a reader could not see written out: they approve what they read."""
    return "".join(map(_seen, text))


def _seen(letter: str) -> str:
    unseen = unicodedata.category(letter) in UNSEEN and letter not in "\n\t"
    return f"⟨U+{ord(letter):04X}⟩" if unseen else letter
