"""Signing in by link and by password, and where a person lands."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from clawbot.people import links, throttle
from tasks import clock

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _real_time():
    yield
    clock.reset()


def path_of(username):
    return "/sign-in/" + links.make(username).rstrip("/").rpartition("/")[2] + "/"


def who(client):
    return client.session.get("_auth_user_id")


def try_password(client, password, username="ana", address="10.0.0.1", **more):
    given = {"username": username, "password": password} | more
    return client.post("/sign-in/", given, REMOTE_ADDR=address)


@pytest.fixture
def known_ana(ana):
    ana.set_password(PASSWORD)
    ana.save()
    return ana


def test_opening_a_link_signs_nobody_in(client, ana):
    page = client.get(path_of("ana"))

    assert page.status_code == 200
    assert "Sign in as ana" in page.text
    assert who(client) is None


def test_pressing_the_button_signs_in_once(client, ana):
    path = path_of("ana")

    first = client.post(path)
    client.logout()
    second = client.post(path)

    assert first.status_code == 302
    assert second.status_code == 410
    assert "used already" in second.text
    assert who(client) is None


@pytest.mark.parametrize(
    "group, home", [("editors", "/reviews/"), ("operators", "/"), ("viewers", "/"), ("admins", "/")]
)
def test_lands_where_each_role_works(client, person, group, home):
    person("dora", group)

    assert client.post(path_of("dora"))["Location"] == home


def test_lands_on_the_page_that_was_being_opened(client, known_ana):
    page = client.get("/activity/?task=ART-1")

    landed = try_password(client, PASSWORD, next=page["Location"].partition("next=")[2].replace("%3F", "?"))

    assert landed["Location"].startswith("/activity/")


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_never_leads_to_another_site(client, known_ana, evil):
    assert try_password(client, PASSWORD, next=evil)["Location"] == "/reviews/"


def test_signs_in_with_the_right_password(client, known_ana):
    try_password(client, PASSWORD)

    assert who(client) == str(known_ana.pk)


def test_says_the_same_of_a_wrong_name_and_a_wrong_password(client, known_ana):
    wrong = try_password(client, "guess")
    nobody = try_password(client, "guess", username="nobody")

    assert wrong.status_code == nobody.status_code == 422
    assert "do not match" in wrong.text
    assert "do not match" in nobody.text


def test_an_account_without_a_password_has_no_password_to_guess(client, ana):
    assert try_password(client, "").status_code == 422
    assert who(client) is None


def test_makes_an_account_wait_after_too_many_failures_from_anywhere(client, known_ana):
    for number in range(throttle.PER_ACCOUNT):
        try_password(client, "guess", address=f"10.0.0.{number}")

    refused = try_password(client, PASSWORD, address="10.9.9.9")

    assert refused.status_code == 429
    assert "14 min" in refused.text
    assert who(client) is None


def test_makes_an_address_wait_whoever_it_asks_for(client, known_ana):
    for number in range(throttle.PER_ADDRESS):
        try_password(client, "guess", username=f"user{number}")

    assert try_password(client, PASSWORD).status_code == 429
    assert try_password(client, PASSWORD, address="10.0.0.2").status_code == 302


def test_lets_the_account_try_again_after_the_window(client, known_ana):
    for _ in range(throttle.PER_ACCOUNT):
        try_password(client, "guess")
    clock.move(throttle.WINDOW + timedelta(seconds=1))

    assert try_password(client, PASSWORD).status_code == 302


def test_a_link_opens_an_account_that_must_wait(client, known_ana):
    for _ in range(throttle.PER_ACCOUNT):
        try_password(client, "guess")

    client.post(path_of("ana"))

    assert who(client) == str(known_ana.pk)


def test_a_failure_under_another_writing_of_the_name_counts(client, known_ana):
    for name in ["ana", "Ana", "ANA", " ana"] * 2:
        try_password(client, "guess", username=name)

    assert try_password(client, PASSWORD).status_code == 429


def test_signing_out_needs_a_form(client, ana):
    client.force_login(ana)

    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert who(client) is None


def test_the_admin_has_no_door_of_its_own(client, known_ana):
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/sign-in/?next=/admin/"
    assert client.post("/admin/login/", {"username": "ana", "password": PASSWORD})["Location"].startswith(
        "/sign-in/"
    )

    client.force_login(known_ana)

    assert client.get("/admin/login/").status_code == 403


def test_the_command_prints_a_link_and_refuses_a_stranger(ana, capsys):
    call_command("signin", "ana")

    assert "/sign-in/" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no active account"):
        call_command("signin", "zoe")
