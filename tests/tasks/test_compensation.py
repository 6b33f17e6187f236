"""What a task did in the world is taken back, newest first, before it ends as cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.contract import Outcome
from tasks import compensation, invariants, lifecycle, supervision
from tasks.models import Event, Subtask, Task
from tests.tasks.builders import a_task, a_workflow, claim_all, current, done, finish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ben")]

ORDER: list[dict[str, Any]] = [
    {"name": "accept", "agent": "desk", "undo": "desk", "done_as": "accepted"},
    {"name": "reserve", "agent": "stock", "undo": "stock_back", "needs": ["accept"], "done_as": "reserved"},
    {"name": "pay", "agent": "bank", "undo": "bank_back", "needs": ["reserve"], "on_failure": "undo",
     "done_as": "paid"},
    {"name": "ship", "agent": "carrier", "needs": ["pay"], "done_as": "shipped"},
]  # fmt: skip


def an_order() -> Task:
    a_workflow("order", ORDER, "ORD")
    return a_task(flow="order")


def do(task: Task, stage: str, outcome: Outcome | None = None) -> None:
    claimed = next(one for one in claim_all() if one.task.pk == task.pk and one.subtask.stage == stage)
    assert finish(claimed, outcome or done("note"))


def undone(task: Task) -> list[tuple[str, str]]:
    """What was taken back, in the order in which it was."""
    rows = Subtask.objects.filter(task=task, stage__endswith=".undo").order_by("pk")
    return [(row.stage, row.agent) for row in rows]


def test_a_failure_takes_back_what_was_done_newest_first_and_itself() -> None:
    task = an_order()
    do(task, "accept")
    do(task, "reserve")
    do(task, "pay", Outcome(word="fail", why="The card was declined."))
    assert undone(task) == [
        ("pay.undo", "bank_back"),
        ("reserve.undo", "stock_back"),
        ("accept.undo", "desk"),
    ]
    assert current(task, "ship").status == "cancelled"
    assert not invariants.check()
    for stage in ("pay.undo", "reserve.undo", "accept.undo"):
        assert [one.subtask.stage for one in peek(task)] == [stage]
        do(task, stage)
    task.refresh_from_db()
    assert (task.status, task.outcome) == ("done", "cancelled")
    assert Event.objects.filter(task=task, kind="task.undoing").get().data["why"] == "The card was declined."
    assert not invariants.check()


def peek(task: Task) -> list[lifecycle.Claimed]:
    """What is claimable now, left as it was."""
    rows = Subtask.objects.filter(task=task, status="ready", live=1)
    return [type("One", (), {"subtask": row})() for row in rows]  # type: ignore[misc]


def test_a_cancel_takes_back_too_and_a_second_one_gives_that_up() -> None:
    task = an_order()
    do(task, "accept")
    do(task, "reserve")
    supervision.cancel(task, by="user:ben", reason="The customer called.")
    task.refresh_from_db()
    assert task.status == "doing"
    assert undone(task)[0] == ("reserve.undo", "stock_back")
    supervision.cancel(task, by="user:ben", reason="Never mind.")
    task.refresh_from_db()
    assert (task.status, task.outcome) == ("done", "cancelled")
    assert not invariants.check()


def test_a_stage_that_was_only_started_may_have_had_its_effect() -> None:
    task = an_order()
    do(task, "accept")
    claim_all()
    assert [row.stage for row in compensation.effects(task)] == ["reserve", "accept"]


def test_a_stage_is_newer_than_what_it_needed_also_where_the_clock_was_set_back() -> None:
    task = an_order()
    do(task, "accept")
    do(task, "reserve")
    early = current(task, "accept").finished_at - timedelta(hours=1)
    Subtask.objects.filter(task=task, stage="reserve").update(started_at=early, finished_at=early)

    assert [row.stage for row in compensation.effects(task)] == ["reserve", "accept"]


def test_nothing_to_take_back_ends_a_task_at_once() -> None:
    task = an_order()
    supervision.cancel(task, by="user:ben")
    task.refresh_from_db()
    assert task.outcome == "cancelled"
    assert not undone(task)


def test_an_undo_that_fails_is_tried_again_and_then_a_person_is_asked() -> None:
    task = an_order()
    do(task, "accept")
    supervision.cancel(task, by="user:ben")
    for _ in range(10):
        Subtask.objects.filter(task=task, stage="accept.undo").update(not_before=lifecycle.clock.now())
        do(task, "accept.undo", Outcome(word="retry", why="The desk is closed.", after_seconds=60))
    row = current(task, "accept.undo")
    assert row.status == "waiting"
    assert "It was tried 10 times" in row.reason
    assert supervision.skip(task, by="user:ben", stage="accept.undo", reason="told by telephone") == 1
    task.refresh_from_db()
    assert task.outcome == "cancelled"


def test_a_new_round_goes_on_instead() -> None:
    task = an_order()
    do(task, "accept")
    supervision.cancel(task, by="user:ben")
    supervision.rerun_from(task, by="user:ben", stage="accept", reason="They want it after all.")
    task.refresh_from_db()
    assert task.undoing_at is None
    assert task.status == "doing"
    assert not Subtask.objects.filter(task=task, stage__endswith=".undo", live=1).exists()
    assert not invariants.check()
