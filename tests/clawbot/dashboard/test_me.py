"""A person's own settings."""

import pytest

from clawbot.people import tokens


@pytest.fixture
def page(client, ana):
    client.force_login(ana)
    return client


def settings(**more):
    return {
        "first_name": "Ana",
        "last_name": "Novak",
        "zone": "",
        "theme": "auto",
        "single_keys": "on",
    } | more


def test_saves_what_was_changed(page, ana):
    answer = page.post("/me/", settings(zone="America/New_York", theme="dark"))

    ana.refresh_from_db()
    assert answer.status_code == 302
    assert (ana.name, ana.zone, ana.theme) == ("Ana Novak", "America/New_York", "dark")
    assert answer.cookies["theme"].value == "dark"


def test_refuses_a_zone_that_does_not_exist(page, ana):
    answer = page.post("/me/", settings(zone="Mars/Olympus"))

    ana.refresh_from_db()
    assert answer.status_code == 422
    assert "is not a time zone" in answer.text
    assert ana.zone == ""


def test_switches_single_keys_off(page, ana):
    given = settings()
    del given["single_keys"]

    page.post("/me/", given)

    assert 'data-keys="off"' in page.get("/me/").text


def test_nobody_raises_themselves(page, ana):
    page.post("/me/", settings(is_superuser="on", groups="4", username="admin"))

    ana.refresh_from_db()
    assert (ana.username, ana.is_superuser) == ("ana", False)


def test_sets_the_first_password_and_stays_signed_in(page, ana):
    secret = "four plain little words"

    page.post("/me/password/", {"new_password1": secret, "new_password2": secret})

    ana.refresh_from_db()
    assert ana.check_password(secret)
    assert page.get("/me/").status_code == 200


def test_asks_for_the_old_password_before_the_next(page, ana):
    ana.set_password("four plain little words")
    ana.save()
    page.force_login(ana)

    answer = page.post(
        "/me/password/", {"new_password1": "another fine secret", "new_password2": "another fine secret"}
    )

    ana.refresh_from_db()
    assert answer.status_code == 422
    assert ana.check_password("four plain little words")


@pytest.mark.parametrize("weak", ["short", "password123", "8274619300"])
def test_refuses_a_weak_password(page, ana, weak):
    answer = page.post("/me/password/", {"new_password1": weak, "new_password2": weak})

    ana.refresh_from_db()
    assert answer.status_code == 422
    assert not ana.has_usable_password()


def test_remembers_the_theme_of_the_menu(page, ana):
    answer = page.post("/me/theme/", {"theme": "light", "next": "/activity/"})

    ana.refresh_from_db()
    assert ana.theme == "light"
    assert answer["Location"] == "/activity/"


def test_shows_a_new_token_once(page, ana):
    answer = page.post("/me/tokens/", {"name": "nightly import", "scope": "read", "days": "90"})

    (token,) = ana.tokens.all()
    secret = answer.context["made"].secret
    assert answer.status_code == 201
    assert secret in answer.text
    assert answer["Cache-Control"] == "no-store"
    assert (token.name, token.scope, token.expires_at is None) == ("nightly import", "read", False)
    assert secret not in page.get("/me/").text
    assert token.hint in page.get("/me/").text


def test_says_why_there_is_no_token_and_keeps_what_was_typed(page, ana):
    page.post("/me/tokens/", {"name": "ci", "scope": "act", "days": ""})
    answer = page.post("/me/tokens/", {"name": "ci", "scope": "act", "days": ""})

    assert answer.status_code == 422
    assert "choose another name" in answer.text
    assert 'value="ci"' in answer.text
    assert ana.tokens.count() == 1


def test_revokes_ones_own_tokens_and_nobody_elses(page, ana, ben):
    own, other = tokens.make("ana", "ci", by="user:ana"), tokens.make("ben", "ci", by="user:ben")

    done = page.post(f"/me/tokens/{own.token.pk}/revoke/")
    again = page.post(f"/me/tokens/{own.token.pk}/revoke/")
    refused = page.post(f"/me/tokens/{other.token.pk}/revoke/")

    assert (done.status_code, again.status_code, refused.status_code) == (302, 302, 404)
    assert tokens.find(own.secret) is None
    assert tokens.find(other.secret)
