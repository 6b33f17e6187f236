"""The ladder of a review that nobody answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.contract import Refused
from tasks import invariants, supervision
from tasks.models import Event, Notice, Review, Subtask
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


class TestTheEnd:
    """The last rung may end a wait, if the workflow's file says how. Otherwise it lasts."""

    def a_due(self, verb: str) -> Review:
        review = a_review()
        Review.objects.update(ladder=[{"after": 0, "remind": "owner"}, {"after": 60, "end": verb}])
        review.refresh_from_db()
        return review

    @pytest.mark.parametrize(
        ("verb", "status"), [("approve", "done"), ("skip", "skipped"), ("cancel", "cancelled")]
    )
    def test_is_the_verb_of_the_file(self, verb: str, status: str) -> None:
        review = self.a_due(verb)

        remind.remind(review.due_at + HOUR)

        row = Subtask.objects.get(pk=review.subtask_id)
        assert row.status == status
        assert Event.objects.get(kind="review.ended").by == "policy:article"
        assert not invariants.check()

    def test_may_return_the_work(self) -> None:
        review = self.a_due("send_back")

        remind.remind(review.due_at + HOUR)

        assert Subtask.objects.get(task=review.task, stage="write", live=1).status == "ready"

    def test_that_cannot_be_reached_tells_whoever_decides(self, caplog: Any) -> None:
        review = self.a_due("send_back")
        Review.objects.update(verbs=["cancel"])

        remind.remind(review.due_at + HOUR)

        assert told() == ["editors", "editors"]
        assert Event.objects.filter(kind="review.reminded", data__rung=2).count() == 1
        assert Review.objects.get().open == 1
        assert not [one for one in caplog.records if one.name == "tasks.history.changes"]

    def test_is_reached_at_the_next_look_where_the_process_died(self, monkeypatch: Any) -> None:
        review = self.a_due("cancel")

        def die(*_: Any, **__: Any) -> None:
            raise MemoryError

        with monkeypatch.context() as patch:
            patch.setattr(supervision, "cancel", die)
            with pytest.raises(MemoryError):
                remind.remind(review.due_at + HOUR)
        remind.remind(review.due_at + HOUR)

        assert Subtask.objects.get(pk=review.subtask_id).status == "cancelled"

    def test_without_one_nothing_is_ever_decided(self) -> None:
        review = a_review()

        remind.remind(review.due_at + 24 * 365 * HOUR)

        assert Review.objects.get().open == 1

    def test_a_decision_given_in_the_meantime_wins(self, ana: Any) -> None:
        review = self.a_due("cancel")
        supervision.approve(review, by="user:ana", request_id="a", undo_seconds=0)

        remind.remind(review.due_at + HOUR)

        assert Subtask.objects.get(pk=review.subtask_id).status == "done"

    def test_nobody_else_may_use_the_name_of_the_policy(self) -> None:
        review = a_review()

        with pytest.raises(Refused, match="does not end this wait so"):
            supervision.approve(review, by="policy:article", request_id="a")


def test_gives_the_review_to_whom_the_rung_names(ana: Any, ben: Any) -> None:
    review = a_review("user:ana")
    Review.objects.update(ladder=[{"after": 0, "reassign": "user:ben"}])

    remind.remind(review.due_at)

    review.refresh_from_db()
    assert review.owner == "user:ben"
    assert told() == ["user:ben"]
