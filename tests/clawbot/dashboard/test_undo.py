"""The undo window of a decision made on a page begins when its Undo was seen, within bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tasks import clock, supervision
from tasks.models import Decision, Review
from tests.clawbot.dashboard import desk
from tests.tasks.builders import statuses

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    yield
    clock.reset()


@pytest.fixture
def editor(client: Client, ana) -> Client:
    """Ana, whose browser runs our scripts."""
    client.force_login(ana)
    client.cookies["scripts"] = "on"
    return client


def approved(client: Client) -> Review:
    review = desk.waiting()
    client.post(reverse("review_approve", args=[review.pk]), desk.bound(review))
    return review


def later(seconds: float) -> int:
    clock.move(timedelta(seconds=seconds))
    return supervision.release_due()


def test_nothing_is_released_before_the_undo_was_seen(editor: Client):
    review = approved(editor)
    assert later(30) == 0
    html = editor.get(reverse("reviews")).text
    decision = Decision.objects.get()
    assert f'data-seen="{reverse("decision_seen", args=[decision.pk])}"' in html
    assert 'data-seconds="10"' in html  # all of them are left, although half a minute has gone
    # However long this test itself has taken by now.
    assert re.search("at most (30|2[0-9]) s", editor.get(f"/tasks/{review.task.key}/").text)

    assert editor.post(reverse("decision_seen", args=[decision.pk])).text == "10"
    assert later(9) == 0
    editor.post(reverse("decision_undo", args=[decision.pk]))
    assert statuses(review.task)["approve"] == "waiting"


def test_it_is_released_ten_seconds_after_it_was_seen(editor: Client):
    review = approved(editor)
    later(5)
    editor.post(reverse("decision_seen", args=[Decision.objects.get().pk]))
    assert "data-seen" not in editor.get(reverse("reviews")).text
    assert later(9) == 0
    assert later(2) == 1
    assert statuses(review.task)["approve"] == "done"


def test_reporting_it_again_does_not_make_it_longer(editor: Client):
    approved(editor)
    address = reverse("decision_seen", args=[Decision.objects.get().pk])
    editor.post(address)
    later(6)
    assert editor.post(address).text == "4"


def test_it_waits_a_minute_for_the_report_and_no_longer(editor: Client):
    approved(editor)
    assert later(59) == 0
    assert editor.post(reverse("decision_seen", args=[Decision.objects.get().pk])).text == "1"
    assert later(2) == 1


def test_without_scripts_it_begins_with_the_page_that_shows_it(editor: Client):
    del editor.cookies["scripts"]
    approved(editor)
    later(20)
    html = editor.get(reverse("reviews")).text
    assert 'data-seconds="10"' in html
    assert "data-seen" not in html
    assert later(11) == 1


def test_nobody_else_can_say_that_it_was_seen(editor: Client, ben):
    approved(editor)
    decision = Decision.objects.get()
    other = Client()
    other.force_login(ben)
    assert other.post(reverse("decision_seen", args=[decision.pk])).status_code == 404
    assert Decision.objects.get().release_at == decision.release_at


def test_each_of_several_approvals_reports_its_own(editor: Client):
    first, second = desk.waiting(), desk.waiting(title="Another")
    form: dict[str, object] = {"pick": [first.pk, second.pk]}
    for one in (first, second):
        form |= {f"sha-{one.pk}": one.artifact_sha256, f"version-{one.pk}": one.version}
    html = editor.post(reverse("bulk_approve"), form).text
    for decision in Decision.objects.all():
        assert f'data-seen="{reverse("decision_seen", args=[decision.pk])}"' in html
    assert later(30) == 0


def test_through_the_other_doors_it_takes_effect_at_once(editor: Client, ana):
    review = desk.waiting()
    supervision.approve(review, by="user:ana", request_id="api", channel="api", undo_seconds=0)
    assert statuses(review.task)["approve"] == "done"


def test_an_undo_that_was_seen_is_reported_no_second_time(editor: Client):
    approved(editor)
    for number in range(2):
        desk.waiting(title=f"Another draft {number}")  # rows of the page, whose numbers are no address
    decision = Decision.objects.get()
    editor.post(reverse("decision_seen", args=[decision.pk]))

    html = editor.get(reverse("reviews")).text

    assert f'action="{reverse("decision_undo", args=[decision.pk])}"' in html
    assert "data-seen" not in html
