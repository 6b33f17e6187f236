"""Work that goes in circles reaches a person instead of another round."""

from __future__ import annotations

from typing import Any

import pytest

from tasks import brakes, supervision
from tasks.models import Review, Task
from tests.tasks.builders import a_task, a_worker, claim_all, current, done, finish, work_until

pytestmark = pytest.mark.django_db
TEXT = " ".join(f"Sentence number {n} tells of something else than the others do." for n in range(60))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("", "", 1.0),
        ("a b c d e f", "a b c d e f", 1.0),
        ("a b c d e", "f g h i j", 0.0),
        ("A, b!", "a b", 1.0),
    ],
)
def test_texts_are_as_alike_as_their_runs_of_five_words(one: str, other: str, alike: float) -> None:
    assert brakes.similarity(one, other) == alike


def test_one_changed_word_in_many_is_nearly_the_same() -> None:
    assert 0.97 < brakes.similarity(TEXT, TEXT.replace("number 7 tells", "number 7 speaks")) < 1


@pytest.fixture
def returned(ana: Any) -> Task:
    """A draft that ana has returned: one sentence should change."""
    task = a_task()
    a_worker()
    work_until(task, "write")
    finish(claim_all()[0], done("draft", TEXT))
    work_until(task, "approve")
    review = Review.objects.get(task=task, open=1)
    quote = "Sentence number 7 tells of something else than the others do."
    supervision.send_back(
        review,
        by="user:ana",
        request_id="r",
        to="write",
        requests=[{"text": "Say it shorter.", "quote": quote}],
    )
    return task


def rewrite(task: Task, text: str) -> None:
    claimed = next(one for one in claim_all() if one.subtask.stage == "write")
    finish(claimed, done("draft", text))


def test_the_same_draft_again_goes_to_a_person_with_how_alike_it_is(returned: Task) -> None:
    rewrite(returned, TEXT)
    review = Review.objects.get(task=returned, open=1)
    assert review.kind == "loop"
    assert "Draft 2 is 100 percent the same as draft 1, although one change was asked for." in review.why
    assert current(returned, "write").status == "waiting"


def test_so_does_one_that_changed_anything_but_what_was_asked(returned: Task) -> None:
    rewrite(returned, TEXT.replace("number 50 tells", "number 50 speaks"))
    assert "97 percent the same" in Review.objects.get(task=returned, open=1).why
    assert current(returned, "write").status == "waiting"


def test_a_small_change_of_what_was_asked_goes_on(returned: Task) -> None:
    rewrite(returned, TEXT.replace("Sentence number 7 tells of something else than the others do.", "Seven."))
    assert current(returned, "write").status == "done"


def test_a_person_may_let_it_go_on_all_the_same(returned: Task) -> None:
    rewrite(returned, TEXT)
    review = Review.objects.get(task=returned, open=1)
    supervision.approve(review, by="user:ana", request_id="go", undo_seconds=0)
    assert current(returned, "review").status == "ready"


def test_a_draft_that_another_stage_made_between_is_the_one_that_came_back(ana: Any) -> None:
    """The reviewer corrected draft 1, so draft 2 was returned and draft 3 came back."""
    task = a_task()
    a_worker()
    work_until(task, "write")
    finish(claim_all()[0], done("draft", TEXT))
    work_until(task, "review")
    corrected = TEXT.replace("number 9 tells", "number 9 speaks")
    finish(claim_all()[0], done("draft", corrected))
    work_until(task, "approve")
    supervision.send_back(
        Review.objects.get(task=task, open=1), by="user:ana", request_id="r", to="write",
        requests=[{"text": "Say it shorter.", "quote": ""}],
    )  # fmt: skip

    rewrite(task, corrected)

    review = Review.objects.get(task=task, open=1)
    assert review.why.startswith("Draft 3 is 100 percent the same as draft 2, although")
