"""Stages that run much longer than they used to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import clock
from tasks.lifecycle import Claimed
from tasks.models import Event, Notice, Review, Run, Subtask
from tasks.orchestrator import stalled
from tests.tasks.builders import a_task, a_worker, claim_all, current, finish

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def history(*minutes: float) -> None:
    """Past runs of the research stage that took so long."""
    for number, lasted in enumerate(minutes):
        task = a_task(f"Past {number}")
        (claimed,) = claim_all()
        finish(claimed)
        Subtask.objects.filter(task=task, status="ready").update(status="blocked")
        ended = clock.now() - timedelta(days=1)
        Run.objects.filter(task=task).update(started_at=ended - lasted * MINUTE, ended_at=ended)


def running() -> Claimed:
    a_worker()
    a_task()
    (claimed,) = claim_all()
    return claimed


def after(claimed: Claimed, minutes: float) -> int:
    return stalled.alert(claimed.run.started_at + minutes * MINUTE)


def test_takes_its_measure_from_the_stages_own_history() -> None:
    a_worker()
    history(10, 10, 10, 10, 20)
    claimed = running()

    early, late = after(claimed, 29), after(claimed, 31)

    assert (early, late) == (0, 1)


def test_tells_the_operators_once_and_tries_again() -> None:
    a_worker()
    history(8, 8, 8, 8, 8)
    claimed = running()

    assert [after(claimed, 13), after(claimed, 14)] == [1, 0]

    row = current(claimed.task, "research")
    notice = Notice.objects.get(kind="stalled")
    assert (row.status, row.worker) == ("ready", None)
    assert notice.recipient == "operators"
    assert "In research for 13 min; this stage usually takes 8 min and may take 12 min." in notice.text
    assert "attempt 2 of 3" in notice.text
    assert Event.objects.filter(kind="stage.stalled", by="orchestrator:stalled").count() == 1


def test_refuses_the_late_result_of_the_run_it_took_back() -> None:
    a_worker()
    history(8, 8, 8, 8, 8)
    claimed = running()
    after(claimed, 13)
    clock.move(MINUTE)
    (again,) = claim_all()

    assert finish(claimed) is False
    assert finish(again) is True


def test_asks_a_person_when_no_attempt_is_left() -> None:
    a_worker()
    history(8, 8, 8, 8, 8)
    claimed = running()
    Subtask.objects.filter(pk=claimed.subtask.pk).update(attempts=3)

    assert after(claimed, 13) == 1

    review = Review.objects.get()
    assert review.kind == "stalled"
    assert current(claimed.task, "research").status == "waiting"
    assert list(Notice.objects.values_list("kind", "recipient")) == [("escalation", "operators")]


def test_calls_nothing_stalled_that_is_younger_than_ten_minutes() -> None:
    a_worker()
    history(0.1, 0.1, 0.1, 0.1, 0.1)
    claimed = running()

    assert [after(claimed, 9.9), after(claimed, 10.1)] == [0, 1]


def test_knows_no_usual_from_four_runs() -> None:
    a_worker()
    history(8, 8, 8, 8)

    assert after(running(), 1000) == 0


def test_leaves_a_run_alone_that_ended_meanwhile() -> None:
    a_worker()
    history(8, 8, 8, 8, 8)
    claimed = running()
    run = Run.objects.select_related("task", "subtask").get(pk=claimed.run.pk)
    finish(claimed)

    spans = stalled.usual(run.subtask.workflow_id, "research")

    assert stalled._take_back(run, spans, clock.now() + 60 * MINUTE) == 0
    assert Run.objects.get(pk=run.pk).status == "done"
    assert not Notice.objects.filter(kind="stalled").exists()
