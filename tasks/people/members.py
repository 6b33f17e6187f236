"""Who has which role in which workflow, beside the role of their groups."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from tasks import access, clock, log
from tasks.machine import Refused
from tasks.models import Member, Review, Workflow
from tasks.workflow import HUMAN

from . import policy


def give(flow: Workflow, name: str, role: str, *, by: str) -> Member:
    """Make a person a member of a workflow, or give a member another role. Twice the same changes nothing.

    Refused for who is nobody, for what is no role, and where nobody would be left to decide (see `take`).
    """
    access.require(by, "people", flow)
    person = _person(name)
    if role not in access.GROUPS:
        raise Refused(f"Cannot make {name} {role!r}: the roles are {', '.join(access.GROUPS)}.")
    with transaction.atomic():
        unmet = _locked(flow)
        there = Member.objects.filter(user=person, workflow=flow).first()
        if there and there.role == role:
            return there
        values = {"role": role, "added_by": by, "added_at": clock.now()}
        member, _ = Member.objects.update_or_create(user=person, workflow=flow, defaults=values)
        _follow(flow, person, role, unmet, by)
    return member


def take(flow: Workflow, name: str, *, by: str) -> None:
    """Take a person's role in a workflow away; the role of their groups stays. Twice is once.

    Reviews of the workflow that they had in hand and may not decide any more become anybody's. Refused where
    too few would be left to ever decide one of its gates.
    """
    access.require(by, "people", flow)
    person = _person(name)
    with transaction.atomic():
        unmet = _locked(flow)
        if Member.objects.filter(user=person, workflow=flow).delete()[0]:
            _follow(flow, person, "", unmet, by)


def consequences(flow: Workflow, person: Any, role: str) -> list[str]:
    """What changes for a person and their work with this role in the workflow (empty: with none), in
    sentences to read before it is done."""
    was, now = access.level_in(person, flow), max(access.level(person), _place(role))
    if was == now:
        return ["Nothing changes now: the role of their group is as high."] if role else []
    said = []
    if was < 0:
        said.append(f"{person.name} sees the tasks, reviews and files of {flow.title}.")
    if now < 0:
        said.append(f"{flow.title} is not there for {person.name} any more: no page, no search.")
    gained, lost = _verbs(was, now), _verbs(now, was)
    if gained:
        said.append(f"{person.name} may {_list(gained)}.")
    if lost:
        said.append(f"{person.name} may not {_list(lost)} any more.")
    if lost and (held := _held(flow, f"user:{person.username}").count()):
        said.append(f"{held} open review{'s' if held != 1 else ''} in their hands may become anybody's.")
    return said


def _follow(flow: Workflow, person: Any, role: str, unmet: dict[str, str], by: str) -> None:
    """In the same transaction: the event, reviews that change hands, the promise that gates can be met."""
    name = f"user:{person.username}"
    log.record("member.set", by=by, user=name, workflow=flow.slug, role=role, member=f"{flow.pk}/{person.pk}")
    for stage, why in _unmet(flow).items():
        if stage not in unmet:
            raise Refused(f"Cannot change the role of {person.username}: {stage} {why}")
    for review in _held(flow, name):
        if access.reason(name, "approve", review):
            Review.objects.filter(pk=review.pk, open=1, owner=name).update(owner="", taken_until=None)
            why = f"{person.username} has no role for it any more."
            log.record("review.assigned", by=by, task=review.task, review=review.pk, to="", why=why)


def _held(flow: Workflow, name: str) -> Any:
    return Review.objects.filter(task__workflow=flow, open=1, owner=name).select_related("task", "artifact")


def _locked(flow: Workflow) -> dict[str, str]:
    """Of two changes at once the later one counts who is left after the first. Returns what is unmet."""
    Workflow.objects.select_for_update().get(pk=flow.pk)
    return _unmet(flow)


def _unmet(flow: Workflow) -> dict[str, str]:
    """The gates that nobody could ever pass, by stage, with what would help."""
    found = {
        stage["name"]: policy.impossible(stage["deciders"], lambda group: access.people(group, flow.pk))
        for stage in (flow.active.stages if flow.active else []) if stage["agent"] == HUMAN
    }  # fmt: skip
    return {stage: why for stage, why in found.items() if why}


def _person(name: str) -> Any:
    person = access.user(name)
    if person is None:
        bare = name.removeprefix("user:")
        raise Refused(f"There is no active person {bare!r}. Add them in the admin first.")
    return person


def _place(role: str) -> int:
    return access.GROUPS.index(role) if role else -1


def _verbs(low: int, high: int) -> list[str]:
    """What the higher role may and the lower one may not, in the order of the table."""
    return [
        verb.replace("_", " ") for verb, least in access.LEAST.items()
        if low < access.GROUPS.index(least) <= high and verb not in {"read", "leave"}
    ]  # fmt: skip


def _list(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
