"""Who may do what: one question for every door.

Roles are four groups; each contains the one before it. Agents and sweeps have their own short list
and never approve. `reason()` is the sentence a page shows beside a control that is not allowed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q

from .machine import Refused

GROUPS = ("viewers", "editors", "operators", "admins")

#: verb -> the least group that may use it
LEAST: dict[str, str] = {
    "read": "viewers",
    "inject": "editors",
    "start": "editors",
    "comment": "editors",
    "edit": "editors",
    "judge": "editors",
    "approve": "editors",
    "send_back": "editors",
    "take": "editors",
    "undo": "editors",
    "assign": "operators",
    "retry": "operators",
    "skip": "operators",
    "cancel": "operators",
    "override": "operators",
    "rerun_from": "operators",
    "pause": "operators",
    "resume": "operators",
    "resend": "operators",
    "configure": "admins",
    "sync": "admins",
}

#: what parts of the system may do by themselves; "agent:" is absent on purpose
SYSTEM = {
    "clawbot": frozenset({"inject", "start", "sync", "configure"}),
    "orchestrator": frozenset({"inject", "start", "retry"}),
}


def _user(by: str) -> Any:
    name = by.removeprefix("user:")
    return get_user_model().objects.filter(username=name, is_active=True).first()


def level(user: Any) -> int:
    """Place of a person's highest group in GROUPS; -1 for nobody, the top for a superuser."""
    if user is None or not user.is_authenticated or not user.is_active:
        return -1
    if user.is_superuser:
        return len(GROUPS) - 1
    if not hasattr(user, "_clawbot_level"):
        names = set(user.groups.values_list("name", flat=True))
        user._clawbot_level = max((i for i, group in enumerate(GROUPS) if group in names), default=-1)
    return int(user._clawbot_level)


def in_group(user: Any, group: str) -> bool:
    """Whether this person belongs to a group or to one above it."""
    return group in GROUPS and level(user) >= GROUPS.index(group)


def how_many(group: str) -> int:
    """How many active people belong to a group or to one above it."""
    names = GROUPS[GROUPS.index(group) :]
    users = get_user_model().objects.filter(Q(groups__name__in=names) | Q(is_superuser=True), is_active=True)
    return int(users.distinct().count())


def reason(who: Any, verb: str, thing: Any = None) -> str:
    """Why `who` (a user, or "user:ana") may not use `verb`; empty where they may."""
    if isinstance(who, str) and not who.startswith("user:"):
        allowed = SYSTEM.get(who.partition(":")[0], frozenset())
        return "" if verb in allowed else f"{who} is not a person; only people may {_words(verb)}."
    user = _user(who) if isinstance(who, str) else who
    least = LEAST.get(verb)
    if least is None:
        return f"There is no verb {verb!r}."
    if user is None:
        return f"{who} is not an active user. Use the name of one who is."
    if level(user) >= GROUPS.index(least):
        return _review_reason(user, verb, thing)
    return f"Only {least} may {_words(verb)}; ask an admin for that role."


def _review_reason(user: Any, verb: str, thing: Any) -> str:
    """A review names its deciders; four eyes keeps the author of a draft from deciding alone."""
    deciders = getattr(thing, "deciders", None)
    if not deciders or verb not in {"approve", "send_back"}:
        return ""
    group = deciders.get("group")
    if group and not in_group(user, group):
        return f"Only {group} decide this review."
    artifact = getattr(thing, "artifact", None)
    if (
        verb == "approve"
        and deciders.get("four_eyes")
        and artifact
        and artifact.made_by == f"user:{user.username}"
    ):
        return "You edited this draft, and this workflow asks for a second person to approve it."
    return ""


@lru_cache
def _words(verb: str) -> str:
    return {"send_back": "return work", "rerun_from": "run stages again"}.get(verb, verb.replace("_", " "))


def can(who: Any, verb: str, thing: Any = None) -> bool:
    """Whether `who` may use `verb` on `thing`."""
    return not reason(who, verb, thing)


def require(who: Any, verb: str, thing: Any = None) -> None:
    """Raise Refused with the reason where `who` may not use `verb`."""
    why_not = reason(who, verb, thing)
    if why_not:
        what = f" {thing}" if thing is not None else ""
        raise Refused(f"Cannot {_words(verb)}{what}: {why_not}")
