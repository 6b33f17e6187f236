"""Sends the notices that are due."""

from __future__ import annotations

from datetime import datetime

from tasks import outbox


def deliver(now: datetime) -> int:
    """Return how many notices arrived.

    1. The outbox delivers what is due (`tasks/outbox.py` says how).

    A notice that may have arrived stays *uncertain* for as long as nobody can find out.
    """
    return outbox.send_due(now)
