"""`./manage.py token`."""

from __future__ import annotations

import json

import pytest

from clawbot.people import tokens
from clawbot.people.models import Token

pytestmark = pytest.mark.usefixtures("admin", "ana")


def test_prints_a_new_token_once(manage) -> None:
    said = manage("token", "create", "nightly import", "--for", "ana", "--scope", "read", "--days", "30")

    token = tokens.find(said.out.strip())
    assert token is not None
    assert (token.user.username, token.name, token.scope, token.created_by) == (
        "ana", "nightly import", "read", "user:admin",
    )  # fmt: skip
    assert token.expires_at
    assert "not shown again" in said.err


def test_lists_tokens_without_their_secrets(manage) -> None:
    secret = tokens.make("ana", "ci", by="user:ana").secret

    said = manage("token", "list")
    rows = json.loads(manage("token", "list", "--for", "ana", "--json").out)

    assert "ci" in said.out
    assert secret not in said.out
    assert [(row["owner"], row["name"], row["used_at"]) for row in rows] == [("ana", "ci", None)]


@pytest.mark.parametrize("by", ["name", "number"])
def test_revokes(manage, by) -> None:
    made = tokens.make("ana", "ci", by="user:ana")

    said = manage("token", "revoke", "ci" if by == "name" else str(made.token.pk), "--for", "ana")

    assert said.code == 0
    assert tokens.find(made.secret) is None
    assert "No tokens" in manage("token", "list").out


def test_says_which_tokens_there_are(manage) -> None:
    tokens.make("ana", "ci", by="user:ana")

    said = manage("token", "revoke", "cj", "--for", "ana")

    assert said.code == 1
    assert "There is: ci" in said.err


def test_refuses_whoever_may_not(manage, ben) -> None:
    said = manage("token", "create", "x", "--for", "ana", "--by", "ben")

    assert said.code == 1
    assert not Token.objects.exists()
