"""What waits for whom, and how many: the same in the list and in the figure of the top bar."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from agents.contract import Outcome
from clawbot.dashboard import cards, queue
from tasks import supervision
from tasks.models import Review
from tasks.workflow import versions
from tests.tasks.builders import claim_all, finish
from tests.tasks.people.test_policy import a_review
from tests.tasks.test_why import SPREAD, a_new, do, done

GROUPS = {"each": ["editors", "operators"]}


@pytest.fixture(autouse=True)
def _fresh(database: str) -> Any:
    versions.forget()
    yield
    versions.forget()


def approve(review: Review, by: str) -> None:
    review.refresh_from_db()
    supervision.approve(review, by=f"user:{by}", request_id=uuid.uuid4().hex, undo_seconds=0)


def waits_for(*people: Any) -> list[str]:
    """For whom of these something waits, by list, figure and card alike."""
    for one in people:  # a person's groups are remembered for a request
        one.__dict__.pop("_clawbot_level", None)
        figure = queue.count(one)
        assert figure == len(queue.waiting(one)), one
        assert figure == sum(cards.for_you(one, review) for review in queue.opened(one)), one
    return [one.username for one in people if queue.count(one)]


def test_each_group_is_asked_until_one_of_it_has_answered(person: Any) -> None:
    ana, dora = person("ana", "editors"), person("dora", "editors")
    ben, cleo = person("ben", "operators"), person("cleo", "viewers")
    review = a_review(GROUPS)
    assert waits_for(ana, dora, ben, cleo) == ["ana", "dora", "ben"]

    approve(review, "ana")

    assert waits_for(ana, dora, ben, cleo) == ["ben"]


def test_a_group_that_no_editor_belongs_to_is_no_editors(person: Any) -> None:
    ana, ben, admin = person("ana", "editors"), person("ben", "operators"), person("boss", "admins")
    a_review({"each": ["operators", "admins"]})

    assert waits_for(ana, ben, admin) == ["ben", "boss"]


def test_who_can_stand_for_the_group_that_is_left_is_asked(person: Any) -> None:
    """An operator is an editor too: after one of them, either group may still be answered for."""
    ana, ben, eve = person("ana", "editors"), person("ben", "operators"), person("eve", "operators")
    review = a_review(GROUPS)

    approve(review, "ben")

    assert waits_for(ana, ben, eve) == ["ana", "eve"]


def test_who_has_answered_a_rule_of_several_is_not_asked_again(person: Any) -> None:
    ana, ben = person("ana", "editors"), person("ben", "editors")
    review = a_review({"count": 2})

    approve(review, "ana")

    assert waits_for(ana, ben) == ["ben"]


def test_an_approval_of_an_older_text_does_not_count(person: Any) -> None:
    ana, ben = person("ana", "editors"), person("ben", "operators")
    review = a_review(GROUPS)
    approve(review, "ana")

    supervision.edit(review.task, by="user:ben", text="People sign, in ink.")

    assert waits_for(ana, ben) == ["ana", "ben"]


def test_four_eyes_asks_on_where_all_groups_have_answered(person: Any) -> None:
    ana, ben, eve = person("ana", "editors"), person("ben", "operators"), person("eve", "operators")
    review = a_review({**GROUPS, "four_eyes": True})
    supervision.edit(review.task, by="user:ana", text="People sign, in ink.")
    supervision.edit(review.task, by="user:ben", text="People sign, in blue ink.")
    approve(review, "ana")
    approve(review, "ben")

    assert waits_for(ana, ben, eve) == ["eve"]


def test_only_items_of_one_stage_and_one_kind_of_reason_stand_together(person: Any) -> None:
    ben = person("ben", "operators")
    task = a_new("spread", SPREAD)
    do(task, "list", done("note", fields={"files": ["a", "b", "c", "d"]}))
    for claimed in claim_all()[:3]:
        finish(claimed, Outcome(word="fail", why="It is no text."))
    a_review({})
    first = Review.objects.filter(task=task).first()
    assert first is not None
    Review.objects.filter(pk=first.pk).update(kind=Review.Kind.STALLED)

    mates = queue.together(queue.waiting(ben))

    assert sorted(len(found) for found in mates.values()) == [1, 1, 2, 2]
    assert len(mates[first.pk]) == 1
    assert queue.count(ben) == 4  # decisions, not rows
