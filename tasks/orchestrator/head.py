"""Sends the head of the sealed log outside, once an hour: whoever keeps it can prove what was there."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from tasks import outbox
from tasks.history import seal

GROUP = "admins"


def send(now: datetime) -> int:
    """Return how many places it was owed to.

    1. The newest seal; none while nothing was sealed, or nothing since the last hour's.
    2. One notice per hour and place of CLAWBOT_HEAD_TO: its key decides, whoever comes first.
    """
    newest = seal.head()
    if newest is None or not settings.HEAD_TO:
        return 0
    places = [(carrier, to or GROUP) for carrier, _, to in (one.partition(":") for one in settings.HEAD_TO)]
    return outbox.owe_house(
        "head", places=places, content=seal.head_facts(newest), key=f"head:{now:%Y-%m-%dT%H}"
    )
