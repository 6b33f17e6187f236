"""Tokens by which programs act for a person. A token never has more power than its owner has when it is
used: it names the owner, and `tasks/access.py` decides as for any other door.

The secret is 256 random bits, shown once; only its SHA-256 is kept. A token ends by its date, by being
revoked, or with its owner's account.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from agents.contract import Refused
from tasks import access, database, log
from tasks.clock import now

from .models import Token, User

#: in front of every secret, so that people and scanners recognise one that lies about
PREFIX = "clawbot_"
HINT = len(PREFIX) + 4
MOST_DAYS = 3650
USED_EVERY = timedelta(minutes=1)


class Made(NamedTuple):
    """A new token and its secret, which nobody can read again."""

    token: Token
    secret: str


def make(
    owner: str, name: str, *, by: str, scope: str = Token.Scope.ACT, expires_at: datetime | None = None
) -> Made:
    """A new token for the account `owner`. People make their own; who may configure makes anybody's.

    Raises Refused for an account that is not there, a name that is empty or taken, or a date in the past.
    """
    _require(owner, by)
    user = User.objects.filter(username=owner, is_active=True).first()
    name = " ".join(name.split())
    what = f"Cannot make a token for {owner}"
    if user is None:
        raise Refused(f"{what}: no active account has this name.")
    if not name or len(name) > 80:
        raise Refused(f"{what}: name what will use it, in at most 80 letters, as “nightly import”.")
    if scope not in Token.Scope.values:
        raise Refused(f"{what}: {scope!r} is no scope. Use one of {', '.join(Token.Scope.values)}.")
    if expires_at and expires_at <= now():
        raise Refused(f"{what}: it would end before it begins. Choose a later date.")
    secret = PREFIX + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            token = Token.objects.create(
                user=user, name=name, scope=scope, sha256=_hash(secret), hint=secret[:HINT], created_at=now(),
                created_by=by, expires_at=expires_at,
            )  # fmt: skip
            log.record(
                "token.made", by=by, token=token.pk, name=name, owner=owner, scope=scope,
                expires_at=expires_at.isoformat() if expires_at else None,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"{what}: there is one named “{name}”. Revoke it, or choose another name.") from None
    return Made(token, secret)


def ends(days: int) -> datetime:
    """The end of a token that works for so many days. Raises Refused below one and above ten years."""
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"Cannot make a token for {days} days: choose 1 to {MOST_DAYS}.")
    return now() + timedelta(days=days)


def find(secret: str) -> Token | None:
    """The token behind a secret, with its owner; None where it is unknown, over, or revoked."""
    usable = Q(expires_at__isnull=True) | Q(expires_at__gt=now())
    found = Token.objects.filter(usable, sha256=_hash(secret), live=1, user__is_active=True)
    return found.select_related("user").first()


def used(token: Token) -> None:
    """Note the use, at most once a minute: reading must not cost a write each time."""
    moment = now()
    if token.used_at is None or token.used_at <= moment - USED_EVERY:
        database.spare(lambda: Token.objects.filter(pk=token.pk).update(used_at=moment))


def revoke(token: Token, *, by: str) -> Token:
    """End a token at once, for good. The second call changes nothing."""
    owner = token.user.username
    _require(owner, by)
    with transaction.atomic():
        if Token.objects.filter(pk=token.pk, live=1).update(live=None, revoked_at=now()):
            log.record("token.revoked", by=by, token=token.pk, name=token.name, owner=owner)
    token.refresh_from_db()
    return token


def of(owner: User) -> QuerySet[Token]:
    """An owner's tokens that were not revoked, newest first."""
    return Token.objects.filter(user=owner, live=1)


def _require(owner: str, by: str) -> None:
    """People handle their own tokens; who may configure handles anybody's."""
    if by != f"user:{owner}":
        access.require(by, "configure")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
