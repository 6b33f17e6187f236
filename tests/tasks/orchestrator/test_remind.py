"""The ladder of a review that nobody answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks.models import Event, Notice, Review
from tasks.orchestrator import remind
from tests.tasks.builders import a_task, a_worker, work_until

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LADDER = [
    {"after": 0, "remind": "owner", "escalate": ""},
    {"after": 7200, "remind": "", "escalate": "operators"},
]


def a_review(owner: str = "") -> Review:
    task = a_task(owner=owner)
    a_worker()
    work_until(task, "approve")
    Review.objects.update(ladder=LADDER)
    return Review.objects.get()


def told() -> list[str]:
    return list(Notice.objects.filter(kind="overdue").order_by("id").values_list("recipient", flat=True))


def test_reminds_the_owner_when_it_is_due_and_not_before() -> None:
    review = a_review("user:ana")

    early = remind.remind(review.due_at - HOUR)
    late = remind.remind(review.due_at)

    assert (early, late) == (0, 1)
    assert told() == ["user:ana"]
    assert "waited 4 h 0 min for ana" in Notice.objects.get(kind="overdue").text


def test_reminds_all_who_may_decide_where_nobody_owns_it() -> None:
    review = a_review()

    remind.remind(review.due_at)

    assert told() == ["editors"]


def test_brings_in_the_next_group_after_the_pause_of_its_rung() -> None:
    review = a_review("user:ana")
    remind.remind(review.due_at)

    early = remind.remind(review.due_at + HOUR)
    late = remind.remind(review.due_at + 2 * HOUR)

    assert (early, late) == (0, 1)
    assert told() == ["user:ana", "operators"]


def test_climbs_each_rung_once() -> None:
    review = a_review("user:ana")

    for hours in (0, 1, 2, 3, 300):
        remind.remind(review.due_at + hours * HOUR)

    assert told() == ["user:ana", "operators"]
    assert Event.objects.filter(kind="review.reminded").count() == 2


def test_climbs_all_rungs_in_order_after_a_long_stop() -> None:
    review = a_review("user:ana")

    assert remind.remind(review.due_at + 300 * HOUR) == 2
    assert told() == ["user:ana", "operators"]


def test_leaves_a_rung_to_the_one_who_climbed_it_first() -> None:
    review = a_review("user:ana")
    Review.objects.update(rung=1)

    assert remind._climb(review, 0, review.due_at) == 0
    assert told() == []


def test_lets_an_answer_given_meanwhile_count() -> None:
    review = a_review()

    remind.remind(review.due_at)

    assert Review.objects.get().version == review.version


def test_says_nothing_about_what_is_decided() -> None:
    review = a_review()
    Review.objects.update(open=None, closed_at=review.opened_at)

    assert remind.remind(review.due_at + 300 * HOUR) == 0
