"""What no database can store is refused at the door, in words, and nothing else is lost by it."""

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize(
    "ask",
    [
        lambda browser: browser.get("/tasks/ART-1%00/"),
        lambda browser: browser.get("/activity/?task=%00"),
        lambda browser: browser.get("/?%00=1"),
        lambda browser: browser.post("/sign-in/", {"username": "ana\0", "password": "x"}),
        lambda browser: browser.post("/sign-in/", {"username": "ana", "next\0": "x"}),
        lambda browser: browser.get("/", headers={"cookie": 'clawbot-session="\\000abc"'}),
        lambda browser: browser.get("/sign-in/%00/"),
        lambda browser: browser.get("/static/%00.css"),
    ],
)
def test_a_nul_is_refused_in_words_before_any_page_sees_it(ask):
    answer = ask(Client())

    assert answer.status_code == 400
    assert "holds a NUL or half a character. Leave it out." in answer.text


@pytest.mark.django_db
def test_every_letter_that_can_be_stored_passes():
    answer = Client().post("/sign-in/", {"username": "Zoë 🎈 \x0b\u2028", "password": "x"})

    assert answer.status_code == 422  # no such person: the page itself says so


@pytest.mark.django_db
def test_pages_are_compressed_for_whoever_reads_that():
    answer = Client().get("/sign-in/", headers={"accept-encoding": "gzip"})

    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.django_db
def test_an_address_longer_than_any_of_ours_is_refused_in_words():
    page = Client().get(f"/?q={'x' * 6_000}")
    program = Client().get(f"/api/v1/tasks?q={'x' * 6_000}")

    assert (page.status_code, program.status_code) == (414, 414)
    assert "This address is too long" in page.text
    assert program.json()["title"] == "The address is too long"
