"""What is usual: one account of it, from a workflow's own history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache

from clawbot.dashboard import pace
from tasks import supervision
from tasks.models import Review, Run, Subtask
from tests.tasks.builders import a_task, claim_all, current, finish, returned, work_until

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def of(task):
    cache.clear()
    return pace.stages(task.workflow_id)


def test_knows_nothing_before_a_stage_was_finished():
    assert of(a_task()) == {}


def test_tells_agents_work_from_the_time_that_people_took(ana):
    task = a_task()
    work_until(task, "approve")
    for run in Run.objects.filter(subtask__stage="write"):
        Run.objects.filter(pk=run.pk).update(started_at=run.ended_at - 12 * MINUTE, cost_usd="0.25")
    review = Review.objects.get(task=task, open=1)
    supervision.approve(review, by="user:ana", request_id="x", undo_seconds=0)
    review.refresh_from_db()
    Review.objects.filter(pk=review.pk).update(opened_at=review.closed_at - 90 * MINUTE)

    found = of(task)

    assert (found["write"].working, found["write"].people) == (720, 0)
    assert float(found["write"].cost) == 0.25
    assert (found["approve"].working, found["approve"].people) == (0, 5400)


def test_takes_the_median_and_what_nineteen_of_twenty_kept():
    for minutes in (1, 2, 30):
        task = a_task(f"Took {minutes}")
        work_until(task, "write")
        row = current(task, "research")
        Subtask.objects.filter(pk=row.pk).update(started_at=row.finished_at - minutes * MINUTE)

    found = of(task)["research"]

    assert (found.times, found.usual, found.p95, found.is_telling) == (3, 120, 1800, True)


def test_counts_every_attempt_as_work_and_every_return():
    task = a_task()
    work_until(task, "review")
    [claimed] = claim_all()
    finish(claimed, returned())
    work_until(task, "format")

    assert of(task)["review"].returns == 1


def test_measures_nothing_against_too_short_a_history():
    task = a_task()
    work_until(task, "write")

    assert "research" in of(task)
    assert "research" not in pace.pace(task.workflow_id)
