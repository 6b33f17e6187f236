"""The one seam for the time: tests move it here, nothing else asks the system clock for a rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

_offset = timedelta(0)


def now() -> datetime:
    """The present moment, aware, UTC."""
    return timezone.now() + _offset


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises ValueError, with what would be right, for anything else."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the zone database, as Europe
        raise ValueError(f"{name!r} is not a time zone. Use a name like Europe/Berlin or UTC") from None


def move(by: timedelta) -> None:
    """Move the clock of this process (tests only); `move(-total)` moves it back."""
    global _offset
    _offset += by


def reset() -> None:
    """Back to the real time."""
    global _offset
    _offset = timedelta(0)
