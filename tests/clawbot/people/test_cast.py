"""The first accounts: four roles, no password, and nothing overwritten."""

import pytest

from clawbot.people.cast import CAST, ensure_cast
from clawbot.people.models import User
from tasks import access

pytestmark = pytest.mark.django_db


def test_makes_one_account_for_each_role():
    made = ensure_cast()

    assert [(user.username, access.GROUPS[access.level(user)]) for user in made] == [
        ("admin", "admins"), ("ana", "editors"), ("ben", "operators"), ("cleo", "viewers"),
    ]  # fmt: skip


def test_gives_nobody_a_password():
    assert not any(user.has_usable_password() for user in ensure_cast())


def test_changes_nothing_the_second_time():
    ensure_cast()
    ana = User.objects.get(username="ana")
    ana.set_password("a sentence of her own")
    ana.groups.clear()
    ana.save()

    assert ensure_cast() == []
    ana.refresh_from_db()
    assert ana.check_password("a sentence of her own")
    assert not ana.groups.exists()
    assert User.objects.count() == len(CAST)
