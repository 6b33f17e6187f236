"""What may start when something is done."""

from __future__ import annotations

from django.db import transaction

from tasks import clock, store
from tasks.models import Subtask, Task, Worker
from tests.tasks.builders import a_task, a_workflow, statuses

S = Subtask.Status

DIAMOND = [
    {"name": "plan", "agent": "planner", "done_as": "planned"},
    {"name": "left", "agent": "writer", "needs": ["plan"], "done_as": "left_done"},
    {"name": "right", "agent": "writer", "needs": ["plan"], "done_as": "right_done"},
    {"name": "join", "agent": "human", "needs": ["left", "right"], "done_as": "joined"},
]


def a_diamond() -> Task:
    a_workflow("diamond", DIAMOND, key="DIA")
    return a_task(flow="diamond")


def finish(task: Task, *stages: str) -> list[str]:
    """Mark stages done, unblock, and name what became ready."""
    rows = Subtask.objects.filter(task=task, stage__in=stages)
    rows.update(status=S.DONE)
    with transaction.atomic():
        return [row.stage for row in store.unblock(set(rows.values_list("pk", flat=True)), clock.now())]


def test_readies_everything_that_waited_for_it_alone(worker: Worker) -> None:
    task = a_diamond()

    assert finish(task, "plan") == ["left", "right"]
    assert statuses(task) == {"plan": "done", "left": "ready", "right": "ready", "join": "blocked"}


def test_a_join_waits_for_its_last_branch(worker: Worker) -> None:
    task = a_diamond()
    finish(task, "plan")

    assert finish(task, "left") == []
    assert finish(task, "right") == ["join"]


def test_two_branches_in_one_batch_ready_the_join_once(worker: Worker) -> None:
    task = a_diamond()
    finish(task, "plan")

    assert finish(task, "left", "right") == ["join"]
    assert Subtask.objects.get(task=task, stage="join").needs_left == 0


def test_returns_rows_as_they_are_stored(worker: Worker) -> None:
    task = a_diamond()
    Subtask.objects.filter(stage="plan").update(status=S.DONE)

    with transaction.atomic():
        rows = store.unblock(
            set(Subtask.objects.filter(stage="plan").values_list("pk", flat=True)), clock.now()
        )

    stored = Subtask.objects.in_bulk([row.pk for row in rows])
    assert [row.task for row in rows] == [task, task]
    for row in rows:
        kept = stored[row.pk]
        assert (
            (row.status, row.needs_left, row.version)
            == (kept.status, kept.needs_left, kept.version)
            == (S.READY, 0, 2)
        )


def test_leaves_a_cancelled_successor_alone(worker: Worker) -> None:
    task = a_diamond()
    Subtask.objects.filter(task=task, stage="left").update(status=S.CANCELLED)

    assert finish(task, "plan") == ["right"]
    assert Subtask.objects.get(task=task, stage="left").status == S.CANCELLED
