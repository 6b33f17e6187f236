"""Lets stages go on whose answer from another system did not come in time."""

from __future__ import annotations

from datetime import datetime

from tasks import lifecycle


def overdue(now: datetime) -> int:
    """Return how many were too late.

    1. Blocked rows whose answer should have come by now.
    2. Each asks again; after its last attempt it fails as its `on_failure` says.
    """
    return lifecycle.overdue_answers(now)
