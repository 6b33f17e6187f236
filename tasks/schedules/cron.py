"""A cron line in a time zone: when it is due, in words, and what a change of the clocks does to it.

Debian's cron is the model: an hour that is skipped runs right after it, an hour that comes twice runs
once. A line with a star for the hour follows the real clock instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

YEAR = timedelta(days=366)
#: A date that no month has would make CronSim look for 50 years at every tick.
FAR = 200


def readable(cron: str) -> str:
    """The line as it is kept. Raises ValueError with what would be right."""
    fields = cron.split()
    try:
        if len(fields) != 5:  # CronSim takes a sixth, for seconds
            raise CronSimError(f"it has {len(fields)} fields")
        CronSim(cron, datetime(2026, 1, 1))
    except CronSimError as error:
        raise ValueError(f"{cron!r} is not a cron line ({error}). Five fields, e.g. 0 4 * * 1-5") from None
    return " ".join(fields)


def in_words(cron: str) -> str:
    """The line as people say it: "At 04:00 on Monday through Friday"."""
    return CronSim(cron, datetime(2026, 1, 1)).explain()


def after(cron: str, zone: str, moment: datetime) -> datetime | None:
    """The first time after `moment`, in UTC; None where there is none within 50 years."""
    # cronsim counts wall-clock time, so in an hour that comes twice it may name a moment already past.
    upcoming = (found.astimezone(UTC) for found in CronSim(cron, moment.astimezone(ZoneInfo(zone))))
    return next((found for found in islice(upcoming, FAR) if found > moment), None)


def between(cron: str, zone: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """Every time from `first` to `last`, both included, in UTC and in order."""
    moment = after(cron, zone, first - timedelta(seconds=1))
    while moment is not None and moment <= last:
        yield moment
        moment = after(cron, zone, moment)


@dataclass(frozen=True)
class Change:
    """One change of a zone's clocks, and what it does to a line."""

    at: datetime  # UTC
    sentence: str


def changes(cron: str, zone: str, since: datetime) -> list[Change]:
    """The changes of the coming year that this line notices."""
    day = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = [Change(at, _effect(cron, zone, at)) for at in _clocks(zone, day) if at >= since]
    return [change for change in found if change.sentence]


def has_changes(zone: str, since: datetime) -> bool:
    """Whether the zone's clocks change at all in the coming year."""
    day = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return bool(_clocks(zone, day))


@lru_cache(maxsize=64)
def _clocks(zone: str, since: datetime) -> tuple[datetime, ...]:
    """The moments within a year at which a zone's distance from UTC changes."""
    info, found = ZoneInfo(zone), []
    for days in range(YEAR.days):
        low, high = since + timedelta(days=days), since + timedelta(days=days + 1)
        if _offset(low, info) == _offset(high, info):
            continue
        while high - low > timedelta(minutes=1):
            middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
            low, high = (middle, high) if _offset(middle, info) == _offset(low, info) else (low, middle)
        found.append(high)
    return tuple(found)


def _offset(moment: datetime, info: ZoneInfo) -> timedelta:
    return moment.astimezone(info).utcoffset() or timedelta(0)


def _effect(cron: str, zone: str, at: datetime) -> str:
    info = ZoneInfo(zone)
    before, behind = _offset(at - timedelta(seconds=1), info), _offset(at, info)
    wall = at.replace(tzinfo=None)
    if behind > before:
        return _skipped(cron, zone, at, wall + before, wall + behind)
    return _twice(cron, zone, at, wall + behind, wall + before)


def _skipped(cron: str, zone: str, at: datetime, start: datetime, end: datetime) -> str:
    missing = _on_the_wall(cron, start, end + timedelta(minutes=1))
    runs_anyway = bool(missing) and missing[-1] == end
    missing = missing[:-1] if runs_anyway else missing
    if not missing:
        return ""
    what = f"On {start.day} {start:%b %Y} the clocks go forward from {start:%H:%M} to {end:%H:%M}"
    if runs_anyway or after(cron, zone, at - timedelta(seconds=1)) != at:
        return f"{what}: {_times(missing)} {_s(missing, 'falls', 'fall')} away that day."
    skipped = f"{_times(missing)} {_s(missing, 'is', 'are')} skipped"
    return f"{what}: {skipped}, so it runs right after, at {end:%H:%M}."


def _twice(cron: str, zone: str, at: datetime, start: datetime, end: datetime) -> str:
    double = _on_the_wall(cron, start, end)
    if not double:
        return ""
    length = end - start
    real = list(between(cron, zone, at - length, at + length - timedelta(seconds=1)))
    how_often = "once" if len(real) == len(double) else "both times"
    return (
        f"On {start.day} {start:%b %Y} the clocks go back from {end:%H:%M} to {start:%H:%M}: "
        f"{_times(double)} {_s(double, 'comes', 'come')} twice and {_s(double, 'runs', 'run')} {how_often}."
    )


def _on_the_wall(cron: str, start: datetime, end: datetime) -> list[datetime]:
    """The times that a clock on the wall without changes would show, `end` not included."""
    upcoming = CronSim(cron, start - timedelta(seconds=1))
    return list(takewhile(lambda found: found < end, islice(upcoming, FAR)))


def _times(moments: list[datetime]) -> str:
    words = [f"{moment:%H:%M}" for moment in moments]
    return words[0] if len(words) == 1 else f"{words[0]} {'and' if len(words) == 2 else 'to'} {words[-1]}"


def _s(moments: list[datetime], one: str, many: str) -> str:
    return one if len(moments) == 1 else many
