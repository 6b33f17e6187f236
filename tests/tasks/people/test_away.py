"""Somebody is out: their reviews go to who stands in, and a stand-in gains no power by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.contract import Refused
from tasks import clock
from tasks.models import Absence, Event, Review
from tasks.orchestrator import remind
from tasks.people import away
from tests.tasks.builders import a_task, a_worker, work_until

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def leave(by: str, delegate: str = "", **more: Any) -> Absence:
    now = clock.now()
    return away.leave(by, starts_at=now, ends_at=now + DAY, delegate=delegate, **more)


def a_review(owner: str) -> Review:
    task = a_task(owner=owner)
    a_worker()
    work_until(task, "approve")
    return Review.objects.get(task=task)


def test_a_review_of_somebody_who_is_out_opens_with_their_stand_in(ana: Any, ben: Any) -> None:
    leave("user:ana", "user:ben")
    assert a_review("user:ana").owner == "user:ben"


def test_reviews_that_wait_already_are_handed_over_with_an_event(ana: Any, ben: Any) -> None:
    review = a_review("user:ana")
    leave("user:ana", "user:ben", why="Holiday")
    review.refresh_from_db()
    assert review.owner == "user:ben"
    assert Event.objects.get(kind="review.assigned").data["why"] == "ana is out."


def test_without_a_stand_in_they_are_anybodys(ana: Any) -> None:
    review = a_review("user:ana")
    leave("user:ana")
    review.refresh_from_db()
    assert review.owner == ""


def test_a_stand_in_who_may_not_decide_gets_no_review(ana: Any, cleo: Any) -> None:
    review = a_review("user:ana")
    leave("user:ana", "user:cleo")
    review.refresh_from_db()
    assert review.owner == ""


def test_two_who_stand_in_for_each_other_leave_it_to_anybody(ana: Any, ben: Any) -> None:
    leave("user:ana", "user:ben")
    leave("user:ben", "user:ana")
    assert away.stand_in("user:ana") == ""


def test_a_later_time_away_begins_by_itself(ana: Any, ben: Any) -> None:
    review = a_review("user:ana")
    now = clock.now()
    away.leave("user:ana", starts_at=now + DAY, ends_at=now + 2 * DAY, delegate="user:ben")
    review.refresh_from_db()
    assert review.owner == "user:ana"
    remind.remind(now + DAY)
    review.refresh_from_db()
    assert review.owner == "user:ben"


def test_coming_back_early_ends_it(ana: Any, ben: Any) -> None:
    absence = leave("user:ana", "user:ben")
    away.come_back("user:ana", absence)
    away.come_back("user:ana", absence)
    assert not away.is_away("user:ana")
    assert Event.objects.filter(kind="absence.ended").count() == 1


def test_refuses_times_that_make_no_sense_and_oneself(ana: Any) -> None:
    now = clock.now()
    with pytest.raises(Refused, match="end after it starts"):
        away.leave("user:ana", starts_at=now, ends_at=now - DAY)
    with pytest.raises(Refused, match="another active person"):
        away.leave("user:ana", starts_at=now, ends_at=now + DAY, delegate="user:ana")
    leave("user:ana")
    with pytest.raises(Refused, match="a part of it already"):
        away.leave("user:ana", starts_at=now, ends_at=now + 3 * DAY)
