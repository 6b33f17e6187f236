"""A gate of several: who approved, who is still needed, and that nobody counts twice."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.test import Client

from agents.contract import Refused
from clawbot import shapes
from tasks import clock, invariants, supervision
from tasks.models import Decision, Notice, Review, Task
from tasks.people import away, policy, quorum
from tasks.supervision import Stale
from tasks.why import why
from tests.tasks.builders import ARTICLE, a_task, a_worker, a_workflow, statuses, work_until


@pytest.fixture(autouse=True)
def _own_clock() -> Any:
    yield
    clock.reset()


def a_review(rule: dict[str, Any]) -> Review:
    stages = [{**stage, "deciders": rule} if stage["agent"] == "human" else stage for stage in ARTICLE]
    a_workflow(stages=stages)
    task = a_task()
    a_worker()
    work_until(task, "approve")
    return Review.objects.get(task=task, open=1)


def approve(review: Review, by: str, **more: Any) -> Decision:
    fresh = Review.objects.get(pk=review.pk)
    return supervision.approve(fresh, by=f"user:{by}", request_id=uuid.uuid4().hex, undo_seconds=0, **more)


def is_open(review: Review) -> bool:
    return Review.objects.get(pk=review.pk).open == 1


def said(review: Review) -> str:
    return quorum.sentence(Review.objects.get(pk=review.pk))


@pytest.mark.django_db
class TestSentence:
    def test_says_how_many_are_needed_then_who_approved_and_who_is_still_needed(
        self, ana: Any, ben: Any
    ) -> None:
        review = a_review({"count": 2})
        assert said(review) == "Two editors are needed."
        approve(review, "ana")
        assert said(review) == "Ana approved; one more editor is needed."
        approve(review, "ben")
        assert said(review) == ""

    def test_stands_on_the_task_in_the_api_on_the_command_line_and_in_the_notice(
        self, ana: Any, ben: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        review = a_review({"count": 2})
        asked = Notice.objects.filter(review=review, kind="completion").first()
        assert asked is not None
        assert "Two editors are needed." in asked.text
        approve(review, "ana")

        sentence = "Ana approved; one more editor is needed."
        assert sentence in why(Task.objects.get(pk=review.task_id)).sentence
        assert "Any editor" not in why(Task.objects.get(pk=review.task_id)).sentence
        assert shapes.review_shape(Review.objects.get(pk=review.pk))["needs"] == sentence
        call_command("status", review.task.key)
        assert sentence in capsys.readouterr().out
        news = Notice.objects.filter(review=review, kind="decided").first()
        assert news is not None
        assert sentence in news.text

    def test_stands_on_card_queue_and_review(self, ana: Any, ben: Any, client: Client) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        client.force_login(ben)

        for path in ("/", "/reviews/", f"/reviews/{review.pk}/", f"/tasks/{review.task.key}/"):
            page = client.get(path).text
            assert "Ana approved; one more editor is needed." in page, path
            assert "Any editor decides" not in page, path

    def test_an_edit_voids_what_was_approved_before_and_says_so(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        supervision.edit(review.task, by="user:ben", text="A new text.")

        assert said(review) == "Ana approved an earlier draft; for this one two editors are needed."
        approve(review, "ana")
        assert said(review) == "Ana approved; one more editor is needed."

    def test_names_everybody_who_is_still_needed(self, ana: Any, ben: Any, person: Any) -> None:
        review = a_review({"count": "all"})
        person("dora", "editors")
        approve(review, "ana")
        assert said(review) == "Ana approved; ben and dora are still needed."

    def test_names_the_groups_that_are_still_needed(self, ana: Any, ben: Any) -> None:
        review = a_review({"each": ["editors", "operators"]})
        assert said(review) == "One operator and one editor are needed."
        approve(review, "ana")
        assert said(review) == "Ana approved; one operator is needed."

    def test_says_that_nobody_is_left(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        ben.is_active = False
        ben.save()
        assert said(review).startswith(
            "Ana approved; one more editor is needed. It asks for 2 different people"
        )

    def test_four_eyes_asks_for_somebody_who_wrote_nothing(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2, "four_eyes": True})
        supervision.edit(review.task, by="user:ana", text="Mine.")
        approve(review, "ana")
        assert said(review) == "Ana approved; one more editor who wrote nothing of this text is needed."

    def test_a_return_after_a_first_approval_begins_anew(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        supervision.send_back(
            Review.objects.get(pk=review.pk), by="user:ben", request_id="r", to="write",
            requests=[{"text": "Shorter."}],
        )  # fmt: skip
        work_until(review.task, "approve")
        assert said(Review.objects.get(task=review.task, open=1)) == "Two editors are needed."


@pytest.mark.django_db
class TestOnce:
    def test_the_same_person_is_told_that_they_approved_already(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        with pytest.raises(Stale, match=r"you approved it already\. Ana approved; one more editor is needed"):
            approve(review, "ana")
        assert Decision.objects.filter(review=review).count() == 1

    def test_every_door_refuses_and_records_nothing(self, ana: Any, ben: Any, client: Client) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        client.force_login(ana)
        fresh = Review.objects.get(pk=review.pk)
        answer = client.post(
            f"/reviews/{review.pk}/approve/",
            {
                "artifact_sha256": fresh.artifact_sha256,
                "review_version": fresh.version,
                "request_id": "again",
            },
        )
        assert answer.status_code == 409
        assert "you approved it already" in answer.text
        form = {
            "pick": [review.pk],
            f"sha-{review.pk}": fresh.artifact_sha256,
            f"version-{review.pk}": fresh.version,
        }
        assert "you approved it already" in client.post("/reviews/approve/", form).text
        with pytest.raises(CommandError, match="you approved it already"):
            call_command("act", review.task.key, "approve", "--by", "ana")
        assert Decision.objects.filter(review=review).count() == 1

    def test_the_same_click_twice_is_one_decision(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        first = supervision.approve(review, by="user:ana", request_id="one click")
        assert supervision.approve(review, by="user:ana", request_id="one click") == first

    def test_may_approve_again_after_taking_it_back(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        supervision.undo(approve(review, "ana"), by="user:ana")
        approve(review, "ana")
        assert said(review) == "Ana approved; one more editor is needed."

    def test_an_approval_that_could_not_count_is_refused(self, ana: Any, ben: Any, person: Any) -> None:
        review = a_review({"each": ["editors", "operators"]})
        person("dora", "editors")
        approve(review, "ana")
        with pytest.raises(Refused, match="would not count any more. One operator is needed"):
            approve(review, "dora")
        assert is_open(review)


@pytest.mark.django_db
class TestPeopleComeAndGo:
    def test_who_left_the_group_no_longer_speaks_for_it(self, ana: Any, ben: Any, person: Any) -> None:
        review = a_review({"count": 2})
        person("dora", "editors")
        approve(review, "ana")
        ana.groups.set([Group.objects.get_or_create(name="viewers")[0]])
        assert "The approval of ana no longer counts" in said(review)
        approve(review, "ben")
        assert is_open(review)
        approve(review, "dora")
        assert not is_open(review)

    def test_a_review_that_needs_nobody_any_more_goes_on(self, ana: Any, ben: Any, person: Any) -> None:
        review = a_review({"count": "all"})
        dora = person("dora", "editors")
        approve(review, "ana")
        approve(review, "ben")
        away.leave("user:dora", starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1))
        assert supervision.release_due() == 1
        assert supervision.release_due() == 0
        assert statuses(review.task)["approve"] == "done"
        assert not is_open(review)
        assert dora.is_active
        assert not invariants.check()

    def test_nobody_is_asked_for_a_second_answer(self, ana: Any, ben: Any) -> None:
        review = a_review({"count": 2})
        approve(review, "ana")
        assert supervision.release_due() == 0
        assert policy.approvers(review) == {"user:ana"}
        assert is_open(review)


def test_two_sends_of_one_person_at_once_are_one_approval(database: str, ana: Any, ben: Any) -> None:
    review = a_review({"count": 2})
    ready, refused = threading.Barrier(2), []

    def send(number: int) -> None:
        try:
            ready.wait()
            supervision.approve(
                Review.objects.get(pk=review.pk), by="user:ana", request_id=f"click {number}", undo_seconds=0
            )
        except Stale as stale:
            refused.append(str(stale))
        finally:
            connections.close_all()

    both = [threading.Thread(target=send, args=(number,)) for number in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert Decision.objects.filter(review=review, undone_at=None).count() == 1
    assert len(refused) == 1
    assert "you approved it already" in refused[0]
    assert is_open(review)


def test_two_people_at_once_are_two_approvals(database: str, ana: Any, ben: Any) -> None:
    review = a_review({"count": 2})
    ready = threading.Barrier(2)

    def send(name: str) -> None:
        try:
            ready.wait()
            supervision.approve(
                Review.objects.get(pk=review.pk), by=f"user:{name}", request_id=name, undo_seconds=0
            )
        finally:
            connections.close_all()

    both = [threading.Thread(target=send, args=(name,)) for name in ("ana", "ben")]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert not is_open(review)
    assert statuses(review.task)["approve"] == "done"
