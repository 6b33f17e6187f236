"""Nothing stands still in silence: what is ready and never begun, and what waits for nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import clock, supervision
from tasks.models import Event, Notice, Subtask, Task
from tasks.orchestrator import silent
from tasks.why import why
from tests.tasks.builders import a_task, a_worker, an_agent, claim_all, current, work_until

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def after(minutes: float) -> int:
    return silent.alert(clock.now() + minutes * MINUTE)


def test_tells_operators_once_of_a_stage_that_no_worker_begins() -> None:
    task = a_task()

    assert [after(9), after(11), after(30)] == [0, 1, 0]

    notice = Notice.objects.get(kind="silent")
    assert notice.recipient == "operators"
    assert "Nobody has begun research for 11 min. No worker runs." in notice.text
    event = Event.objects.get(kind="stage.silent")
    assert (event.task, event.stage) == (task, "research")
    said = why(task)
    assert (said.condition, said.text) == ("stalled", "Nobody has begun research for 11 min. No worker runs.")


def test_says_no_more_once_it_was_begun() -> None:
    task = a_task()
    after(11)
    a_worker()

    claim_all()

    assert current(task, "research").reason == ""
    assert why(task).condition == "running"
    assert after(60) == 0


def test_says_when_workers_run_and_none_takes_it() -> None:
    a_worker()
    a_task()

    assert after(11) == 1
    assert "1 worker took nothing for its agent." in Notice.objects.get(kind="silent").text


def test_a_queue_that_moves_is_not_silent() -> None:
    a_worker()
    a_task("First")
    claim_all()
    a_task("Second, behind the first")
    clock.move(9 * MINUTE)

    assert after(2) == 1  # the agent began nothing for eleven minutes

    claim_all()
    a_task("Third")
    assert after(9) == 0


@pytest.mark.parametrize(("scope", "target"), [("all", ""), ("workflow", "article"), ("agent", "research")])
def test_what_is_paused_is_not_silent(ben, scope: str, target: str) -> None:
    a_task()
    an_agent("research")
    hold = supervision.pause(scope, target, by="user:ben", why="A break")

    assert after(60) == 0

    supervision.resume(hold, by="user:ben")
    assert after(60) == 1


def test_a_task_of_the_backlog_is_not_silent() -> None:
    a_task(backlog=True)

    assert after(600) == 0


def test_what_waits_for_a_person_is_not_silent() -> None:
    a_worker()
    work_until(a_task(), "approve")

    assert after(600) == 0


def test_tells_of_a_stage_that_waits_for_what_will_not_come() -> None:
    a_worker()
    task = a_task()
    work_until(task, "write")
    # Nothing that the verbs allow leads here; a fault of ours, or of whoever changed the tables, would.
    Subtask.objects.filter(task=task, stage="write").update(status="cancelled", needs_left=0)
    assert Task.objects.get(pk=task.pk).status == "doing"

    assert [after(9), after(11), after(30)] == [0, 1, 0]

    text = Notice.objects.get(kind="silent").text
    assert "Review stands still. Nothing that it waits for is under way." in text
