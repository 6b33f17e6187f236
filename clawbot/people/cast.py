"""The four groups and the first four accounts. Nobody has a default password: people come in by
a one-time link (`links.py`) and may set a password afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.auth.models import Group
from django.db import transaction

from tasks.access import GROUPS

from .models import User


class Member(NamedTuple):
    """One of the first accounts."""

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


@transaction.atomic
def ensure_cast() -> list[User]:
    """Create what is missing of the groups and the first accounts, and return the new ones.

    An account that exists keeps its name, its groups and its password.
    """
    groups = {name: Group.objects.get_or_create(name=name)[0] for name in GROUPS}
    return [user for member in CAST if (user := _ensure(member, groups[member.group]))]


def _ensure(member: Member, group: Group) -> User | None:
    is_admin = member.group == "admins"
    user, is_new = User.objects.get_or_create(
        username=member.username,
        defaults={
            "first_name": member.first_name,
            "last_name": member.last_name,
            "is_staff": is_admin,
            "is_superuser": is_admin,
        },
    )
    if not is_new:
        return None
    user.set_unusable_password()
    user.save(update_fields=["password"])
    user.groups.add(group)
    return user
