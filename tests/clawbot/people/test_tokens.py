"""Tokens: shown once, kept as a hash, never stronger than their owner, over by date or by hand."""

from datetime import timedelta

import pytest

from agents.contract import Refused
from clawbot.people import tokens
from clawbot.people.models import Token
from tasks import clock
from tasks.access import NotAllowed
from tasks.models import Event


@pytest.fixture(autouse=True)
def _real_time():
    yield
    clock.reset()


def test_finds_its_owner_by_the_secret(ana):
    made = tokens.make("ana", "nightly import", by="user:ana")

    assert tokens.find(made.secret).user == ana
    assert tokens.find(made.secret + "x") is None


def test_keeps_only_the_hash_and_the_first_letters(ana):
    made = tokens.make("ana", "nightly import", by="user:ana")

    stored = {str(value) for value in Token.objects.values().get().values()}
    assert made.secret not in stored
    assert made.secret.startswith(made.token.hint)
    assert len(made.secret) - len(made.token.hint) > 32


def test_ends_by_its_date(ana):
    secret = tokens.make("ana", "ci", by="user:ana", expires_at=tokens.ends(2)).secret
    clock.move(timedelta(days=1, hours=23))
    assert tokens.find(secret)

    clock.move(timedelta(hours=2))
    assert tokens.find(secret) is None


def test_ends_at_once_when_it_is_revoked_and_only_once(ana):
    made = tokens.make("ana", "ci", by="user:ana")

    tokens.revoke(made.token, by="user:ana")
    tokens.revoke(made.token, by="user:ana")

    assert tokens.find(made.secret) is None
    told = Event.objects.filter(kind__startswith="token.").order_by("id")
    assert [event.kind for event in told] == ["token.made", "token.revoked"]
    assert told[0].data["name"] == "ci"


def test_ends_with_its_owners_account(ana):
    secret = tokens.make("ana", "ci", by="user:ana").secret
    ana.is_active = False
    ana.save()

    assert tokens.find(secret) is None


def test_of_somebody_else_is_only_an_admins_to_make_and_revoke(admin, ana, ben):
    made = tokens.make("ana", "ci", by="user:admin")

    with pytest.raises(NotAllowed):
        tokens.make("ana", "mine now", by="user:ben")
    with pytest.raises(NotAllowed):
        tokens.revoke(made.token, by="user:ben")
    assert tokens.find(made.secret)


def test_of_an_account_that_is_closed_can_still_be_revoked(admin, ana):
    made = tokens.make("ana", "ci", by="user:ana")
    ana.is_active = False
    ana.save()

    assert tokens.revoke(made.token, by="user:admin").revoked_at


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"name": "  "}, "name what will use it"),
        ({"name": "x" * 81}, "at most 80"),
        ({"name": "ci"}, "Revoke it"),
        ({"scope": "admin"}, "read, act"),
        ({"owner": "nobody", "by": "user:admin"}, "no active account"),
    ],
)
def test_is_refused_with_what_would_work(admin, ana, more, sentence):
    tokens.make("ana", "ci", by="user:ana")

    with pytest.raises(Refused, match=sentence):
        tokens.make(**({"owner": "ana", "name": "second", "by": "user:ana"} | more))


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_is_refused_an_end_that_makes_no_sense(days):
    with pytest.raises(Refused, match="1 to 3650"):
        tokens.ends(days)


def test_frees_its_name_when_it_is_revoked(ana):
    tokens.revoke(tokens.make("ana", "ci", by="user:ana").token, by="user:ana")

    assert tokens.make("ana", "ci", by="user:ana")


def test_notes_its_use_once_a_minute(ana, django_assert_num_queries):
    token = tokens.make("ana", "ci", by="user:ana").token
    tokens.used(token)
    token.refresh_from_db()

    with django_assert_num_queries(0):
        tokens.used(token)
    before = clock.now()
    clock.move(timedelta(minutes=2))
    tokens.used(token)

    token.refresh_from_db()
    assert token.used_at > before
