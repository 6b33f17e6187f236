"""The sentence beside a draft is about that draft, whatever came after it was first said."""

from __future__ import annotations

from typing import Any

import pytest

from clawbot.dashboard import reading
from tasks import artifacts, supervision
from tasks.models import Review, Task
from tasks.people import asked
from tasks.why import why
from tests.tasks.builders import a_task, claim_all, done, finish, returned, work_until

pytestmark = pytest.mark.django_db
CHECKS = {"checks": [{"name": "Length", "passed": True, "text": "947 words"}]}


@pytest.fixture
def ready(ana: Any) -> Task:
    """A checked draft at its gate."""
    task = a_task()
    work_until(task, "review")
    (claimed,) = claim_all()
    draft = artifacts.latest(task, "draft")
    outcome = done("review", "All is well.")
    made = outcome.made[0].model_copy(update={"data": CHECKS})
    finish(claimed, outcome.model_copy(update={"made": (made,)}), built_on=[draft.sha256])
    work_until(task, "approve")
    return task


def review(task: Task) -> Review:
    return Review.objects.select_related("artifact").get(task=task, open=1)


def test_a_gate_speaks_of_the_draft_that_is_shown_and_says_that_nobody_checked_an_edit(ready: Task) -> None:
    before = asked.said(review(ready))
    supervision.edit(ready, by="user:ana", text="It never fails, 99 percent of the time.")

    assert before == "Draft 1 is ready; no finding is open."
    now = "Draft 2, edited by ana, is ready; it has not been checked, and no finding of draft 1 is open."
    assert asked.said(review(ready)) == now
    assert why(ready).text == now
    assert review(ready).why == before


def test_checks_of_one_draft_are_never_shown_as_anothers(ready: Task) -> None:
    first = artifacts.latest(ready, "draft")
    mine = reading.checks(ready, first)
    second = supervision.edit(ready, by="user:ana", text="It never fails, 99 percent of the time.")
    theirs = reading.checks(ready, second)

    assert (mine["checks_of"], mine["checks_sum"], mine["unchecked"]) == (first, "1 of 1 pass", None)
    assert (theirs["checks_of"], theirs["unchecked"]) == (first, second)


def test_a_report_is_about_what_its_run_corrected(ana: Any) -> None:
    task = a_task()
    work_until(task, "review")
    (claimed,) = claim_all()
    draft = artifacts.latest(task, "draft")
    corrected = done("draft", "Corrected.").made[0]
    outcome = done("review", "Corrected one thing.")
    finish(claimed, outcome.model_copy(update={"made": (corrected, *outcome.made)}), built_on=[draft.sha256])

    report = artifacts.latest(task, "review")
    assert artifacts.subjects([report])[report.pk].text == "Corrected."


def test_a_question_stays_the_askers_and_says_so_if_a_newer_text_came(ana: Any) -> None:
    task = a_task()
    for _ in range(4):
        work_until(task, "review")
        if Review.objects.filter(task=task, open=1).exists():
            break
        finish(next(one for one in claim_all() if one.subtask.stage == "review"), returned())
    loop = review(task)
    assert asked.said(loop) == loop.why

    supervision.edit(task, by="user:ana", text="Mine.")

    number = artifacts.latest(task, "draft").number
    assert asked.said(review(task)) == f"Asked before draft {number} came: {loop.why}"
