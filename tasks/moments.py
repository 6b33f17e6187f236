"""Moments as people read them; nothing else writes one.

A page shows them in its reader's zone, and names that zone once. A message, a terminal and a refusal do not
know who reads them: they use the site's zone, and name it beside each moment.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime


def day(at: datetime, now: datetime) -> str:
    """The date in the reader's zone: "21 Nov", with the year if it is another one."""
    return _day(timezone.localtime(at), timezone.localtime(now))


def clock(at: datetime, now: datetime) -> str:
    """The time of day in the reader's zone, with the date unless it is today: "14:00", "21 Nov, 14:00"."""
    return _clock(timezone.localtime(at), timezone.localtime(now))


def with_weekday(at: datetime, now: datetime) -> str:
    """A moment to come, as a calendar has it, in the zone that `at` bears: "Mon 21 Nov, 14:00"."""
    return f"{at:%a} {_day(at, now)}, {at:%H:%M}"


def to_the_second(at: datetime, now: datetime) -> str:
    """The time of day in the reader's zone with seconds, with the date unless it is today: "14:00:05"."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    return f"{local:%H:%M:%S}" if local.date() == today.date() else f"{_day(local, today)}, {local:%H:%M:%S}"


def named(at: datetime, now: datetime) -> str:
    """A moment for an unknown reader, in the site's zone: "14:00 CET", "21 Nov, 14:00 CET"."""
    local = _at_the_site(at)
    return f"{_clock(local, _at_the_site(now))} {local:%Z}"


def exact(at: datetime) -> str:
    """A moment for a terminal, in the site's zone: "2026-11-21 14:00:05 CET"."""
    return f"{_at_the_site(at):%Y-%m-%d %H:%M:%S %Z}"


def line(at: datetime) -> str:
    """The time of day for one line of a terminal that follows the log, in the site's zone: "14:00:05"."""
    return f"{_at_the_site(at):%H:%M:%S}"


def read(text: str) -> datetime | None:
    """A moment as somebody wrote it; None for what is none."""
    try:
        return parse_datetime(text.strip())
    except ValueError:  # written like a time, but of a day that is none
        return None


def _at_the_site(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(settings.SITE_ZONE))


def _day(local: datetime, now: datetime) -> str:
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}"


def _clock(local: datetime, now: datetime) -> str:
    return f"{local:%H:%M}" if local.date() == now.date() else f"{_day(local, now)}, {local:%H:%M}"
