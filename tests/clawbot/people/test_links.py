"""One-time links let one person in, once, within a day."""

from datetime import timedelta

import pytest

from agents.contract import Refused
from clawbot.people import links
from clawbot.people.models import SignInLink
from tasks import clock


@pytest.fixture(autouse=True)
def _real_time():
    yield
    clock.reset()


def token_of(link):
    return link.rstrip("/").rpartition("/")[2]


def test_lets_its_person_in_once(ana):
    token = token_of(links.make("ana"))

    assert links.consume(token) == ana
    assert links.consume(token) is None


def test_keeps_only_the_hash_of_the_token(ana):
    token = token_of(links.make("ana"))

    assert token not in str(SignInLink.objects.values().get())


def test_expires_after_a_day(ana):
    token = token_of(links.make("ana"))
    clock.move(links.LIFETIME + timedelta(seconds=1))

    assert links.consume(token) is None


def test_dies_with_its_account(ana):
    token = token_of(links.make("ana"))
    ana.is_active = False
    ana.save()

    assert links.find(token) is None
    assert links.consume(token) is None


def test_names_the_accounts_there_are_where_nobody_has_the_name(ana):
    with pytest.raises(Refused, match="ana"):
        links.make("anna")


@pytest.mark.django_db
def test_knows_no_invented_token():
    assert links.consume("x" * 43) is None
