"""Who may do what, and who sees what: one question for every door.

Roles are four, each contains the one before it. A person has one by their group, for everything, and may
have another one as a member of a workflow, for that workflow: the higher counts. Whoever has no group sees
only the workflows they are a member of; `seen()` narrows any rows to that. Agents and sweeps have their own
short list and never approve. `reason()` is the sentence a page shows beside a control that is not allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db.models import Model, Q, QuerySet

from .machine import Refused

M = TypeVar("M", bound=Model)

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
    "answer": "editors",
    "take": "editors",
    "put_back": "editors",
    "undo": "editors",
    "leave": "viewers",
    "assign": "operators",
    "retry": "operators",
    "skip": "operators",
    "cancel": "operators",
    "override": "operators",
    "rerun_from": "operators",
    "pause": "operators",
    "resume": "operators",
    "resend": "operators",
    "schedule": "operators",
    "configure": "admins",
    "sync": "admins",
    "activate": "admins",
    "people": "admins",
}

#: verbs that doors ask about before they know the thing: then a role in any workflow is enough
ANYWHERE = {"read", "leave", "inject"}

#: model -> the way from its rows to the workflow whose members see them
WAYS: dict[str, str] = {
    "workflow": "pk",
    "workflowversion": "workflow",
    "member": "workflow",
    "trust": "workflow",
    "schedule": "workflow",
    "occurrence": "schedule__workflow",
    "task": "workflow",
    "subtask": "workflow",
    "run": "task__workflow",
    "artifact": "task__workflow",
    "finding": "task__workflow",
    "comment": "task__workflow",
    "review": "task__workflow",
    "decision": "review__task__workflow",
    "notice": "task__workflow",
    "message": "task__workflow",
    "event": "task__workflow",
}

#: what parts of the system may do by themselves; "agent:" is absent on purpose
SYSTEM = {
    "clawbot": frozenset({"inject", "start", "sync", "configure"}),
    "orchestrator": frozenset({"inject", "start", "retry"}),
    # The end of a review's ladder, where the workflow's file says so.
    "policy": frozenset({"approve", "send_back", "skip", "cancel"}),
}


class NotAllowed(Refused):
    """This person may not do that, whatever the state of things."""


def user(by: str) -> Any:
    """The active person that "user:ana" names, or None."""
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


def level_in(user: Any, workflow: Any = None) -> int:
    """Place of a person's highest role in GROUPS for one workflow: their group's, or what they are as a
    member of it."""
    highest = level(user)
    if workflow is None or user is None or not user.is_active:
        return highest
    return max(highest, _roles(user).get(getattr(workflow, "pk", workflow), -1))


def _roles(user: Any) -> dict[int, int]:
    """Workflow -> place in GROUPS of what this person is as a member of it; asked once per request."""
    if not user.is_authenticated:
        return {}
    if not hasattr(user, "_clawbot_roles"):
        user._clawbot_roles = {
            pk: GROUPS.index(role) for pk, role in user.memberships.values_list("workflow", "role")
        }
    return dict(user._clawbot_roles)


def workflows(user: Any, verb: str = "read") -> list[int] | None:
    """The workflows in which a person may use `verb`, by key; None where in all."""
    least = GROUPS.index(LEAST[verb])
    if level(user) >= least:
        return None
    if user is None or not user.is_active:
        return []
    return [pk for pk, role in _roles(user).items() if max(role, level(user)) >= least]


def anywhere(user: Any, verb: str) -> bool:
    """Whether a person may use `verb` on something at all: in the house, or in one workflow at least."""
    return workflows(user, verb) != []


def seen(rows: QuerySet[M] | type[M], who: Any) -> QuerySet[M]:
    """Those of these rows that `who` (a user, "user:ana", a part of the system) may see.

    Every page, list, count and answer asks for its rows through this. LookupError for a model of which
    nobody said who may see it.
    """
    found: QuerySet[M] = rows if isinstance(rows, QuerySet) else rows._default_manager.all()
    if isinstance(who, str):
        if not who.startswith("user:"):
            return found
        who = user(who)
    noun = found.model._meta.model_name or ""
    if noun != "hold" and noun not in WAYS:
        raise LookupError(f"Say in access.WAYS how a {noun} belongs to a workflow.")
    mine = workflows(who)
    if mine is None:
        return found
    return found.filter(_holds_seen(mine) if noun == "hold" else Q(**{f"{WAYS[noun]}__in": mine}))


def _holds_seen(mine: list[int]) -> Q:
    """A hold names what it stops in words. One on everything, or on an agent, may stop anybody's work."""
    from .models import Task, Workflow  # which ask this module

    if not mine:
        return Q(pk__in=())
    return (
        Q(scope__in=["all", "agent"])
        | Q(scope="workflow", target__in=Workflow.objects.filter(pk__in=mine).values("slug"))
        | Q(scope="task", target__in=Task.objects.filter(workflow__in=mine).values("key"))
    )


class May:
    """What one person may do to one thing, as templates ask: `may.pause`, `may.why.pause`."""

    def __init__(self, who: Any, thing: Any = None) -> None:
        self.why = {verb: reason(who, verb, thing) for verb in LEAST}

    def __getitem__(self, verb: str) -> bool:
        return not self.why[verb]

    def __iter__(self) -> Iterator[str]:
        return (verb for verb, why in self.why.items() if not why)


def in_group(user: Any, group: str, workflow: Any = None) -> bool:
    """Whether this person belongs to a group or to one above it, in this workflow at least."""
    return group in GROUPS and level_in(user, workflow) >= GROUPS.index(group)


def people(group: str, workflow: Any = None) -> set[str]:
    """The active people who belong to a group or to one above it ("user:ana"), in this workflow at least."""
    names = GROUPS[GROUPS.index(group) :] if group in GROUPS else ()
    within = Q(groups__name__in=names) | Q(is_superuser=True)
    if workflow is not None:
        within |= Q(memberships__workflow=workflow, memberships__role__in=names)
    users = get_user_model().objects.filter(within, is_active=True).distinct()
    return {f"user:{name}" for name in users.values_list("username", flat=True)}


def called(names: Iterable[str]) -> dict[str, str]:
    """What people are called, by "user:ana"; who is no user is left out."""
    bare = {name.removeprefix("user:") for name in names if name.startswith("user:")}
    users = get_user_model().objects.filter(username__in=bare) if bare else ()
    return {f"user:{user.username}": user.first_name or user.username for user in users}


def reason(who: Any, verb: str, thing: Any = None) -> str:
    """Why `who` (a user, or "user:ana") may not use `verb`; empty where they may."""
    if isinstance(who, str) and not who.startswith("user:"):
        allowed = SYSTEM.get(who.partition(":")[0], frozenset())
        return "" if verb in allowed else f"{who} is not a person; only people may {_words(verb)}."
    person = user(who) if isinstance(who, str) else who
    least = LEAST.get(verb)
    if least is None:
        return f"There is no verb {verb!r}."
    if person is None:
        return f"{who} is not an active user. Use the name of one who is."
    workflow = workflow_of(thing)
    held = level_in(person, workflow)
    if thing is None and verb in ANYWHERE:
        held = max([held, *_roles(person).values()])
    if held >= GROUPS.index(least):
        return _review_reason(person, verb, thing)
    if held < 0:
        where = "in this workflow" if workflow is not None or _roles(person) else "here"
        return f"You have no role {where}; ask an admin for one."
    return f"Only {least} may {_words(verb)}; ask an admin for that role."


def workflow_of(thing: Any) -> Any:
    """The workflow, by key, that something belongs to: a task and all that is made for it, a review and its
    decisions, a schedule, a hold, the workflow itself. None for what concerns the whole house."""
    match _noun(thing):
        case "workflow":
            return thing.pk
        case "hold":
            return _held_workflow(thing.scope, thing.target)
        case "decision":
            thing = thing.review
    task = getattr(thing, "task", None) or thing
    return getattr(task, "workflow_id", None)


def _noun(thing: Any) -> str:
    return thing._meta.model_name or "" if isinstance(thing, Model) else ""


def _held_workflow(scope: str, target: str) -> Any:
    from .models import Task, Workflow

    if scope == "workflow":
        return Workflow.objects.filter(slug=target).values_list("pk", flat=True).first()
    if scope == "task":
        return Task.objects.filter(key=target).values_list("workflow", flat=True).first()
    return None


def _review_reason(person: Any, verb: str, thing: Any) -> str:
    """A review names its deciders; with four eyes the author of a text is not its only approver."""
    deciders = getattr(thing, "deciders", None)
    if not deciders or verb not in {"approve", "send_back", "answer"}:
        return ""
    from .people import policy  # asks who belongs to which group

    workflow = workflow_of(thing)
    groups = policy.groups(deciders)
    if not any(in_group(person, group, workflow) for group in groups):
        return f"Only {' or '.join(groups)} decide this review."
    asked = verb == "approve" and policy.several(deciders) and getattr(thing, "open", None)
    if asked and not policy.wants(thing, f"user:{person.username}"):
        return policy.unwanted(thing, f"user:{person.username}")
    if verb == "approve" and deciders.get("four_eyes"):
        name = f"user:{person.username}"
        others = policy.approvers(thing) - policy.authors(thing) - {name}
        alone = not others and int(deciders.get("count") or 1 if deciders.get("count") != "all" else 2) < 2
        if alone and not deciders.get("each") and name in policy.authors(thing):
            return "You edited this draft, and this workflow asks for a second person to approve it."
    return ""


@lru_cache
def _words(verb: str) -> str:
    said = {"send_back": "return work", "rerun_from": "run stages again", "people": "change members"}
    return said.get(verb, verb.replace("_", " "))


def can(who: Any, verb: str, thing: Any = None) -> bool:
    """Whether `who` may use `verb` on `thing`."""
    return not reason(who, verb, thing)


def require(who: Any, verb: str, thing: Any = None) -> None:
    """Raise NotAllowed with the reason where `who` may not use `verb`."""
    why_not = reason(who, verb, thing)
    if why_not:
        raise NotAllowed(f"Cannot {_words(verb)}{_called(thing)}: {why_not}")


def _called(thing: Any) -> str:
    """The key of the task it is about: what people know it by."""
    task = thing if _noun(thing) == "task" else getattr(thing, "task", None)
    return f" {task.key}" if task is not None else ""
