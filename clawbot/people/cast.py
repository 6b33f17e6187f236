"""The first people of a house: one admin by name, or in a new, empty house the four of the samples.

Nobody has a default password: people come in by a one-time link (`links.py`) and may set a password
afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from agents.contract import Refused
from agents.models import Agent
from tasks import access, log
from tasks.models import Task, Workflow

from .models import User

BY = "clawbot"


class Member(NamedTuple):
    """One of the sample people."""

    username: str
    first_name: str
    last_name: str
    group: str


CAST = (
    Member("admin", "Admin", "", "admins"),
    Member("ana", "Ana", "Novak", "editors"),
    Member("ben", "Ben", "Reyes", "operators"),
    Member("cleo", "Cleo", "Brandt", "viewers"),
)


def is_new() -> bool:
    """Whether nothing was ever put into this database: no person, no agent, no workflow, no task."""
    return not any(model._default_manager.exists() for model in (User, Agent, Workflow, Task))


def ensure_groups() -> dict[str, Group]:
    """The four groups by name; makes those that are missing."""
    return {name: Group.objects.get_or_create(name=name)[0] for name in access.GROUPS}


def admins() -> list[str]:
    """The names of the active people who may do everything: the sample `admin` first, then the oldest."""
    names = [by.removeprefix("user:") for by in access.people("admins")]
    found = User.objects.filter(username__in=names).order_by("pk").values_list("username", flat=True)
    return sorted(found, key=lambda name: name != CAST[0].username)


@transaction.atomic
def make_cast() -> list[User]:
    """The sample people, in a new, empty house only: who removed or renamed them does not get them back."""
    groups = _alone()
    return [_make(member, groups) for member in CAST] if is_new() else []


@transaction.atomic
def first_admin(username: str) -> User:
    """The first admin of a house that has none. Raises Refused if there is one, or if the name cannot be
    taken."""
    groups = _alone()
    what = f"Cannot make {username!r} the first admin"
    if there := admins():
        raise Refused(
            f"{what}: this house has {'an admin' if len(there) == 1 else 'admins'} already "
            f"({', '.join(there[:20])}). `./manage.py signin {there[0]}` prints a link for {there[0]}, who "
            "can add people under Admin, Users."
        )
    if User.objects.filter(username__iexact=username).exists():
        raise Refused(f"{what}: somebody has this name already. Choose another name.")
    try:
        User(username=username).clean_fields(exclude=["password"])
    except ValidationError as error:
        raise Refused(f"{what}: {' '.join(error.messages)}") from None
    return _make(Member(username, "", "", "admins"), groups)


def _alone() -> dict[str, Group]:
    """The groups, with one of them locked until the transaction ends: two starts at the same moment are
    one after the other."""
    groups = ensure_groups()
    Group.objects.select_for_update().get(pk=groups["admins"].pk)
    return groups


def _make(member: Member, groups: dict[str, Group]) -> User:
    is_admin = member.group == "admins"
    user = User(
        username=member.username, first_name=member.first_name, last_name=member.last_name,
        is_staff=is_admin, is_superuser=is_admin,
    )  # fmt: skip
    user.set_unusable_password()
    user.save()
    user.join(groups[member.group])
    log.record("person.made", by=BY, user=member.username, role=member.group)
    return user
