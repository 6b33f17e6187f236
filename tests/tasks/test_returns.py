"""A person's text with an open finding goes back to that person, not to the writer."""

from __future__ import annotations

from typing import Any

import pytest

from tasks import access, artifacts, supervision
from tasks.models import Finding, Notice, Review, Task
from tests.tasks.builders import a_task, claim_all, current, done, finish, returned, work_until

pytestmark = pytest.mark.django_db
MINE = "It never fails, 99 percent of the time."


@pytest.fixture
def edited(ana: Any) -> Task:
    """Ana edited the draft at its gate and let the reviewer judge her text."""
    task = a_task()
    work_until(task, "approve")
    review = Review.objects.get(task=task, open=1)
    supervision.edit(task, by="user:ana", text=MINE, review=review, then={"review": "review"})
    return task


def asked(task: Task) -> Review:
    return Review.objects.select_related("artifact", "subtask", "task").get(task=task, open=1)


def judge(task: Task) -> None:
    draft = artifacts.latest(task, "draft")
    (claimed,) = [one for one in claim_all() if one.subtask.stage == "review"]
    finish(claimed, returned(MINE), built_on=[draft.sha256])


def test_the_finding_comes_back_to_her_beside_her_text(edited: Task) -> None:
    judge(edited)

    review = asked(edited)
    assert (review.owner, review.kind, review.artifact.text) == ("user:ana", "loop", MINE)
    assert {"approve", "edit", "send_back"} <= set(review.verbs)
    assert all(access.can("user:ana", verb, review) for verb in ("approve", "edit", "send_back"))
    assert review.why.endswith("You edited this text, so it came back to you.")
    assert current(edited, "write").status == "done"
    assert artifacts.latest(edited, "draft").made_by == "user:ana"
    assert Finding.objects.get(task=edited, state="open").artifact == review.artifact
    assert set(Notice.objects.filter(review=review).values_list("recipient", flat=True)) == {"user:ana"}


def test_she_may_let_it_go_on_to_the_gate(edited: Task) -> None:
    judge(edited)

    supervision.approve(asked(edited), by="user:ana", request_id="r", note="It is ours.", undo_seconds=0)
    work_until(edited, "approve")

    assert asked(edited).kind == "gate"
    assert artifacts.latest(edited, "draft").text == MINE


def test_she_may_hand_it_to_the_writer_with_what_was_found(edited: Task) -> None:
    judge(edited)

    supervision.send_back(asked(edited), by="user:ana", request_id="r")

    row = current(edited, "write")
    assert row.status == "ready"
    assert [(one["text"], one["quote"]) for one in row.requests] == [("No source says so.", MINE)]


def test_an_agents_text_still_goes_back_to_its_writer(ana: Any) -> None:
    task = a_task()
    work_until(task, "review")
    judge(task)

    assert current(task, "write").status == "ready"
    assert not Review.objects.filter(task=task, open=1).exists()


def test_a_text_that_the_writer_made_of_hers_is_the_writers(edited: Task) -> None:
    judge(edited)
    supervision.send_back(asked(edited), by="user:ana", request_id="r")
    finish(claim_all()[0], done("draft", "Rewritten."))

    judge(edited)

    assert current(edited, "write").status == "ready"
