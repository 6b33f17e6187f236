"""What pages call whoever did something: `user:ana` is Ana, `agent:writer` is writer."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache

from agents import staff

from .models import User

CACHE_SECONDS = 30
CLAWBOT = "Clawbot"


@dataclass(frozen=True)
class Who:
    """A person, an agent or Clawbot itself, as pages show them."""

    kind: str  # person, agent, clawbot
    name: str  # short: Ana, writer, Clawbot
    full_name: str
    initials: str = ""


def who(by: str) -> Who:
    """Read a `by` string. A person who was erased keeps the name in the log."""
    kind, _, name = by.partition(":")
    if kind == "agent":
        return Who("agent", name, name)
    if kind != "user":
        return Who("clawbot", CLAWBOT, CLAWBOT)
    return people().get(name) or Who("person", name, name, name[:2].upper())


def people() -> dict[str, Who]:
    """Everybody by user name, at most half a minute old: pages name people in every row."""
    known: dict[str, Who] = cache.get("people") or {}
    if not known:
        known = {user.username: _person(user) for user in User.objects.all()}
        cache.set("people", known, CACHE_SECONDS)
    return known


def role(agent: str) -> str:
    """The role of an agent by its name, at most half a minute old; empty for one that is gone."""
    known: dict[str, str] = cache.get("roles") or {}
    if not known:
        known = {name: one.role for name, one in staff.definitions().items()}
        cache.set("roles", known, CACHE_SECONDS)
    return known.get(agent, "")


def _person(user: User) -> Who:
    return Who("person", user.first_name or user.username, user.name, user.initials)
