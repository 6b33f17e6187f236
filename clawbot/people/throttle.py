"""Slows down guessing of passwords: failures are counted in the database, by account and by address,
so that every web process sees the same count. One-time links still open a blocked account.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tasks.clock import now

from .models import FailedSignIn

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 8
PER_ADDRESS = 30


def blocked_for(username: str, address: str) -> timedelta | None:
    """How long this account or address must wait before its next try; None where it need not."""
    ends = [_ends(PER_ACCOUNT, username=_name(username)), _ends(PER_ADDRESS, address=address)]
    latest = max((end for end in ends if end), default=None)
    return latest - now() if latest else None


def failed(username: str, address: str) -> None:
    """Count one failure, and forget those that no longer count."""
    FailedSignIn.objects.filter(at__lte=now() - WINDOW).delete()
    FailedSignIn.objects.create(username=_name(username), address=address, at=now())


def succeeded(username: str) -> None:
    """Forget an account's failures."""
    FailedSignIn.objects.filter(username=_name(username)).delete()


def _name(username: str) -> str:
    return username.strip().lower()[:150]


def _ends(limit: int, **of: str) -> datetime | None:
    """When the failures within the window will again be fewer than `limit`; None where they are."""
    recent = FailedSignIn.objects.filter(at__gt=now() - WINDOW, **of).order_by("-at")
    moments = list(recent.values_list("at", flat=True)[:limit])
    return moments[-1] + WINDOW if len(moments) == limit else None
