"""Pausing and resuming from the pages."""

import pytest

from tasks import supervision
from tasks.models import Hold


def place(client, **more):
    return client.post("/holds/", {"scope": "all", "why": "bad feed", "next": "/agents/"} | more)


def test_pauses_everything_until_its_time(client, ben):
    client.force_login(ben)

    answer = place(client, minutes="30")

    hold = Hold.objects.get(open=1)
    assert answer["Location"] == "/agents/"
    assert (hold.scope, hold.why, hold.placed_by) == ("all", "bad feed", "user:ben")
    assert 1790 < (hold.until - hold.placed_at).total_seconds() <= 1801


def test_says_why_it_was_refused(client, ana):
    client.force_login(ana)

    answer = client.post("/holds/", {"scope": "all", "why": "no", "next": "/me/"}, follow=True)

    assert not Hold.objects.exists()
    assert "Only operators may pause" in answer.text


def test_asks_for_a_reason(client, ben):
    client.force_login(ben)

    place(client, why=" ")

    assert not Hold.objects.exists()


def test_resumes(client, ben):
    hold = supervision.pause("all", by="user:ben", why="x")
    client.force_login(ben)

    client.post(f"/holds/{hold.pk}/lift/", {"next": "/"})

    assert not Hold.objects.filter(open=1).exists()


def test_gives_the_banner_as_a_part(client, cleo, ben):
    supervision.pause("all", by="user:ben", why="bad feed")
    client.force_login(cleo)

    part = client.get("/holds/", headers={"HX-Request": "true"}).text

    assert part.lstrip().startswith('<div id="banners"')
    assert "Everything is paused" in part


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", ""])
def test_leads_back_only_to_our_own_pages(client, ben, evil):
    client.force_login(ben)

    assert place(client, next=evil)["Location"] == "/"
