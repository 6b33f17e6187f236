"""The header `Retry-After` (RFC 9110, 10.2.3): seconds or a date. Servers send fractions too."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def seconds(text: str, now: datetime | None = None) -> float | None:
    """How long to wait from `now`, in seconds, at least 0; None if the header cannot be read."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
