"""Faults for the tests of the tests: each removes one guard from this process, and the race must go red."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any


def apply(name: str) -> None:
    """Break one guard in this process, or none."""
    if name:
        FAULTS[name]()


def without_fence() -> None:
    """Whoever comes with a result is believed, also one that was given up meanwhile."""
    from django.db.models import F

    from tasks import store
    from tasks.models import Subtask

    def settle(held: Sequence[Any], now: datetime) -> set[int]:
        ids = {one.subtask_id for one in held}
        Subtask.objects.filter(pk__in=ids).update(
            status=Subtask.Status.DONE, worker=None, finished_at=now, version=F("version") + 1
        )
        return ids

    store.settle = settle


def without_guard() -> None:
    """A claim takes what it saw, whoever has it by now."""
    from tasks.store import portable, postgres

    postgres.CLAIM = postgres.CLAIM.replace(" FOR UPDATE SKIP LOCKED", "").replace(
        " AND s.status = 'ready'", ""
    )
    assert not re.search(r"SKIP LOCKED|s\.status = 'ready'", postgres.CLAIM)
    portable._locked = lambda rows, **_: rows


def without_key() -> None:
    """The same message owed again is another message."""
    from tasks import outbox

    owe: Callable[..., None] = outbox.owe

    def owe_anew(kind: str, *, key: str, **more: Any) -> None:
        owe(kind, key=f"{uuid.uuid4().hex}:{key}", **more)

    outbox.owe = owe_anew


FAULTS: dict[str, Callable[[], None]] = {"fence": without_fence, "guard": without_guard, "key": without_key}
