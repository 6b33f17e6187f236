"""One-time sign-in links. The token is shown once and only its hash is kept; a link lasts a day,
works once, and dies with its account.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from agents.contract import Refused
from tasks import log
from tasks.clock import now

from .models import SignInLink, User

LIFETIME = timedelta(hours=24)


def make(username: str) -> str:
    """A new link's full address. Raises Refused where no active account has this name."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise Refused(f"Cannot make a sign-in link for {username!r}: {_missing()}")
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        link = SignInLink.objects.create(user=user, token_sha256=_hash(token), expires_at=now() + LIFETIME)
        log.record("link.made", by="clawbot:people", link=link.pk, name=user.username)
    return f"{settings.BASE_URL}/sign-in/{token}/"


def _missing() -> str:
    known = ", ".join(User.objects.filter(is_active=True).values_list("username", flat=True)[:20])
    if known:
        return f"no active account has this name. Known: {known}."
    return "nobody has an account yet. `./manage.py first_admin NAME` makes the first one."


def find(token: str) -> SignInLink | None:
    """The usable link behind a token: unused, not expired, of an active account."""
    return (
        SignInLink.objects.filter(
            token_sha256=_hash(token), used_at__isnull=True, expires_at__gt=now(), user__is_active=True
        )
        .select_related("user")
        .first()
    )


def consume(token: str) -> User | None:
    """Use a link up and return its person; None where it is no longer usable. Two clicks: one wins."""
    link = find(token)
    if link is None:
        return None
    with transaction.atomic():
        used = SignInLink.objects.filter(pk=link.pk, used_at__isnull=True).update(used_at=now())
        if used:
            log.record("link.used", by=f"user:{link.user.username}", link=link.pk)
    return link.user if used else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
