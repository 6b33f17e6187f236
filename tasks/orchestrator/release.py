"""Lets things take effect whose moment has come: decisions after their undo window, the end of holds."""

from __future__ import annotations

from datetime import datetime

from tasks import supervision


def release(now: datetime) -> int:
    """Return how many decisions were released and holds were lifted.

    1. Approvals whose undo window has passed are released.
    2. Holds whose `until` has come are lifted.
    """
    return supervision.release_due(now) + supervision.lift_due(now)
