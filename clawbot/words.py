"""Figures as pages write them: durations, distances in time, money.

`static/js/ticker.js` writes the same distances; `tests/clawbot/test_words.py` names the examples.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from tasks import costs
from tasks.costs import Cost
from tasks.moments import day

MINUTE, HOUR, DAY, MONTH = 60, 3600, 86_400, 30 * 86_400


def duration(value: float | timedelta | None) -> str:
    """A length of time in at most two units: 4 s, 12 min, 1 h 12 min, 3 days. Takes seconds."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 1:
        return "under 1 s"
    if seconds < MINUTE:
        return f"{int(seconds)} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < DAY:
        hours, minutes = divmod(int(seconds // MINUTE), 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days = int(seconds // DAY)
    return "1 day" if days == 1 else f"{days} days"


def distance(moment: datetime, now: datetime, *, short: bool = False) -> str:
    """How long ago or how soon: "4 min ago", "in 2 days"; a date from a day ago and from a month ahead.
    `short` leaves out the minutes of hours."""
    seconds = (now - moment).total_seconds()
    if seconds >= DAY or seconds <= -MONTH:
        return day(moment, now)
    if abs(seconds) < 1:
        return "now"
    words = duration(abs(seconds) // HOUR * HOUR if short and abs(seconds) >= HOUR else abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def money(value: Cost | Decimal | float | None) -> str:
    """US dollars with cents: "$0.41", "under $0.01"; of a cost also whether it is known."""
    return str(value) if isinstance(value, Cost) else costs.money(Decimal(value or 0))
