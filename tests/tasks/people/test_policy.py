"""When enough people have answered, and whether that can ever happen."""

from __future__ import annotations

import itertools
import random
import uuid
from typing import Any

import pytest

from agents.contract import Refused
from tasks import invariants, supervision
from tasks.models import Decision, Member, Review, Task
from tasks.people import policy
from tests.tasks.builders import ARTICLE, a_task, a_worker, a_workflow, work_until

pytestmark = pytest.mark.django_db


def a_review(rule: dict[str, Any]) -> Review:
    stages = [{**stage, "deciders": rule} if stage["agent"] == "human" else stage for stage in ARTICLE]
    a_workflow(stages=stages)
    task = a_task()
    a_worker()
    work_until(task, "approve")
    return Review.objects.get(task=task, open=1)


def approve(review: Review, by: str) -> Decision:
    review.refresh_from_db()
    return supervision.approve(review, by=f"user:{by}", request_id=uuid.uuid4().hex, undo_seconds=0)


def is_open(review: Review) -> bool:
    return Review.objects.get(pk=review.pk).open == 1


class TestRules:
    def test_one_answer_is_enough_where_nothing_else_is_said(self, ana: Any) -> None:
        review = a_review({})
        approve(review, "ana")
        assert not is_open(review)

    def test_two_of_a_group_are_two_different_people(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        assert is_open(review)
        assert policy.missing(review, policy.approvers(review)) == "one more editor is needed"
        approve(review, "ben")
        assert not is_open(review)

    def test_everybody_means_those_who_are_not_away(self, ana: Any, ben: Any, person: Any) -> None:
        from datetime import timedelta

        from tasks import clock
        from tasks.people import away

        review = a_review({"count": "all"})
        person("dora", "editors")
        approve(review, "ana")
        approve(review, "ben")
        assert is_open(review)
        assert "dora is still needed" in policy.missing(review, policy.approvers(review))
        away.leave("user:dora", starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1))
        assert policy.missing(review, policy.approvers(review)) == ""

    def test_one_of_each_group_are_different_people(self, ana: Any, ben: Any) -> None:
        review = a_review({"each": ["editors", "operators"]})
        approve(review, "ben")
        assert policy.missing(review, {"user:ben"}) == "one editor is needed"
        approve(review, "ana")
        assert not is_open(review)

    def test_an_approval_is_of_the_text_it_was_given_for(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        supervision.edit(review.task, by="user:ana", text="A new text.")
        approve(review, "ben")
        assert is_open(review)

    def test_one_of_several_approvals_may_be_taken_back_while_others_are_missing(
        self, ana: Any, ben: Any
    ) -> None:
        review = a_review({"count": 2})
        decision = approve(review, "ana")
        supervision.undo(decision, by="user:ana")
        approve(review, "ben")
        assert is_open(review)


class TestFourEyes:
    RULE = {"four_eyes": True}

    def test_who_wrote_any_version_is_not_the_only_approver(self, ana: Any, ben: Any) -> None:
        review = a_review(self.RULE)
        supervision.edit(review.task, by="user:ana", text="Mine.")
        with pytest.raises(Refused, match="asks for a second person"):
            approve(review, "ana")
        approve(review, "ben")
        assert not invariants.check().get(
            "Where four eyes are asked for, somebody approved who wrote nothing of it."
        )

    def test_an_author_counts_as_one_of_two(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2, **self.RULE})
        supervision.edit(review.task, by="user:ana", text="Mine.")
        approve(review, "ana")
        approve(review, "ben")
        assert not is_open(review)

    def test_the_last_who_could_approve_may_not_write(self, ana: Any, ben: Any) -> None:
        review = a_review(self.RULE)
        supervision.edit(review.task, by="user:ana", text="Mine.")
        with pytest.raises(Refused, match="you are the last who could still approve it"):
            supervision.edit(review.task, by="user:ben", text="And mine.")

    def test_a_member_of_the_workflow_counts_like_a_member_of_the_group(
        self, ana: Any, ben: Any, cleo: Any
    ) -> None:
        review = a_review(self.RULE)
        supervision.edit(review.task, by="user:ana", text="Mine.")
        with pytest.raises(Refused):
            approve(review, "cleo")
        Member.objects.create(
            user=cleo, workflow=review.task.workflow, role="editors", added_by="user:admin",
            added_at=review.opened_at,
        )  # fmt: skip
        approve(review, "cleo")
        assert not is_open(review)


class TestDeadlock:
    PEOPLE = {"editors": {"user:ana", "user:ben"}, "operators": {"user:ben"}, "admins": set()}

    @pytest.mark.parametrize(
        ("rule", "sentence"),
        [
            ({"group": "editors"}, ""),
            ({"group": "editors", "count": 2}, ""),
            ({"group": "editors", "count": 3}, "asks for 3 different people of editors, and there are 2"),
            ({"group": "admins"}, "asks for one person of admins, and there are none"),
            ({"group": "operators", "four_eyes": True}, "one to write and one to approve, and there is 1"),
            ({"each": ["editors", "operators"]}, ""),
            ({"each": ["operators", "operators"]}, "nobody left for operators"),
            ({"each": ["editors", "admins"]}, "nobody left for admins"),
        ],
    )
    def test_a_rule_that_nobody_could_meet_is_told_from_one_that_can_be(
        self, rule: dict[str, Any], sentence: str
    ) -> None:
        found = policy.impossible(rule, lambda group: self.PEOPLE[group])
        assert sentence in found if sentence else not found

    def test_one_person_per_group_is_found_as_a_search_through_all_ways_finds_it(self) -> None:
        dice = random.Random(7)
        for _ in range(300):
            wanted = [f"g{number}" for number in range(dice.randint(2, 4))]
            people = {group: set(dice.sample("abcde", dice.randint(0, 3))) for group in wanted}
            ways = itertools.product(*(people[group] for group in wanted))
            possible = any(len(set(way)) == len(wanted) for way in ways)
            assert (not policy._unmatched(wanted, people)) == possible

    def test_a_review_that_nobody_can_answer_any_more_is_named(self, ana: Any, cleo: Any) -> None:
        review = a_review({})
        ana.is_active = False
        ana.save()
        sentence = "Every open review can be answered by somebody."
        assert review.task.key in " ".join(invariants.check()[sentence])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"group": "editors"}, "any editor"),
        ({"group": "editors", "count": 2}, "2 editors"),
        ({"group": "editors", "count": "all"}, "all editors"),
        ({"each": ["editors", "operators"]}, "one of each: editors and operators"),
        ({"group": "editors", "four_eyes": True}, "any editor, at least one who wrote nothing of it"),
    ],
)
def test_reads_as_people_say_it(rule: dict[str, Any], text: str) -> None:
    assert policy.words(rule) == text


def test_tasks_are_never_stuck_behind_their_policy(ana: Any, ben: Any) -> None:
    review = a_review({"count": 2, "four_eyes": True})
    assert isinstance(review.task, Task)
    assert not policy.impossible(review.deciders, lambda group: {"user:ana", "user:ben"})
