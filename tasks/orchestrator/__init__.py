"""What happens by itself as time passes: one sweep per file, all of them once per tick.

Every change that a sweep makes is guarded in the WHERE or by a unique row, so any number of
orchestrators may tick at once, and one that dies between two steps leaves nothing half done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from tasks import clock, database

from . import (
    answers,
    children,
    deliver,
    head,
    release,
    remind,
    rescue,
    schedule,
    seal,
    silent,
    stalled,
    trust,
)

#: Delivering comes last: it is the only one that waits for somebody else.
SWEEPS: dict[str, Callable[[datetime], int]] = {
    "rescue": lambda now: rescue.rescue(),  # by the database's clock alone
    "schedule": schedule.fire,
    "children": children.inject,
    "answers": answers.overdue,
    "release": release.release,
    "stalled": stalled.alert,
    "silent": silent.alert,
    "remind": remind.remind,
    "seal": seal.seal,
    "head": head.send,
    "trust": trust.review,
    "deliver": deliver.deliver,
}

_logger = logging.getLogger(__name__)


def tick(now: datetime | None = None) -> dict[str, int]:
    """Run every sweep once; returns how much each has done.

    1. Each sweep in turn, in this order.
    2. One that raises is logged and does not keep the others from their turn.
    """
    done: dict[str, int] = {}
    for name, sweep in SWEEPS.items():
        try:
            done[name] = sweep(now or clock.now())
        except Exception as error:
            if database.ails(error) is not None:
                continue  # it says so itself
            _logger.exception("The sweep %s failed; it runs again with the next tick.", name)
    return done
