"""Brakes against work that goes in circles: a draft that comes back nearly the same goes to a person.

How alike two texts are is measured on their shingles (every run of five words), as the share that both
have of all that either has (Jaccard, 0 to 1): quick enough to be asked of every returned draft.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from . import artifacts
from .models import Subtask
from .results import Result

SHINGLE = 5
#: So alike, and every sentence that was to change still there word by word: nothing was done.
NEARLY = 0.95

_WORD = re.compile(r"\w+")


def similarity(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1; 1 where both have the same words in the same order."""
    left, right = _shingles(one), _shingles(other)
    return len(left & right) / len(left | right) if left | right else 1.0


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[start : start + SHINGLE]) for start in range(max(1, len(words) - SHINGLE + 1))} - {()}


def stubborn(result: Result) -> str:
    """Why a returned piece of work goes to a person instead of on: it came back nearly the same. Empty
    where it was changed, or was never returned."""
    row = result.claimed.subtask
    if not row.requests or row.item or not _was_asked(row):
        return ""
    for made in result.outcome.made:
        # The newest, whichever stage made it: that is what was returned, and what the next number follows.
        before = artifacts.latest(result.claimed.task, made.kind)
        if before is None or not before.text:
            continue
        alike = similarity(before.text, made.text)
        if alike == 1.0 or (alike >= NEARLY and _all_still_there(row.requests, made.text)):
            asked = "one change was" if len(row.requests) == 1 else f"{len(row.requests)} changes were"
            return (
                f"{made.kind.capitalize()} {before.number + 1} is {_percent(alike)} the same as "
                f"{made.kind} {before.number}, although {asked} asked for. A person decides how to go on."
            )
    return ""


def _was_asked(row: Subtask) -> bool:
    """Whether the work was returned to this very stage: a later one, that judges or renders what was
    changed, may well come to the same."""
    of_round = Subtask.objects.filter(task=row.task_id, round=row.round).order_by("position")
    return bool(of_round.values_list("stage", flat=True).first() == row.stage)


def _all_still_there(requests: Sequence[dict[str, Any]], text: str) -> bool:
    quotes = [str(request.get("quote") or "") for request in requests]
    return all(quotes) and all(_plain(quote) in _plain(text) for quote in quotes)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _percent(share: float) -> str:
    # Rounded down: 99.7 percent the same is not the same.
    return f"{int(share * 100)} percent"
