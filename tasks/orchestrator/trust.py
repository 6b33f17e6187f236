"""Ends the trust in agents that people no longer agree with."""

from __future__ import annotations

from datetime import datetime

from tasks.people import authority


def review(now: datetime) -> int:
    """Return how much trust ended.

    1. What each trusted agent's newest remarks of that kind came to, once a minute.
    2. Where too few were agreed with, the trust ends, with one event and one notice to the admins.
    """
    return authority.review_trust(now)
