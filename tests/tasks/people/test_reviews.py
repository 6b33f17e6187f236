"""Waits for a person: opened, seen for the first time, closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasks import clock, supervision
from tasks.models import Event, Review
from tasks.people import reviews
from tests.tasks.builders import a_task, work_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def review(ana: Any) -> Any:
    task = a_task()
    work_until(task, "approve")
    yield Review.objects.get(task=task, open=1)
    clock.reset()


def test_the_first_look_of_somebody_who_may_answer_counts(review: Review, person: Any) -> None:
    person("dora", "editors")
    assert reviews.see(review, by="user:ana")
    review.refresh_from_db()
    first = review.first_seen_at
    clock.move(timedelta(minutes=5))

    assert not reviews.see(review, by="user:dora")
    assert not reviews.see(Review(pk=review.pk, open=1, verbs=review.verbs, task=review.task), by="user:ana")

    review.refresh_from_db()
    assert review.first_seen_at == first
    assert [one.by for one in Event.objects.filter(kind="review.seen")] == ["user:ana"]


@pytest.mark.parametrize("by", ["user:cleo", "user:nobody", "agent:writer", "clawbot"])
def test_whoever_may_only_look_does_not_end_the_wait_to_be_opened(review: Review, cleo: Any, by: str) -> None:
    assert not reviews.see(review, by=by)

    review.refresh_from_db()
    assert review.first_seen_at is None


def test_taking_a_review_is_a_look_at_it(review: Review) -> None:
    supervision.take(review, by="user:ana")

    review.refresh_from_db()
    assert review.first_seen_at is not None
