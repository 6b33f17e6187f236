"""The sweep that injects the tasks which stages wait for."""

from __future__ import annotations

from typing import Any

import pytest

from agents.contract import Outcome
from tasks import clock
from tasks.models import Event, Review, Task
from tasks.orchestrator import children
from tests.tasks.builders import a_task, a_workflow, claim_all, current, done, finish

pytestmark = pytest.mark.django_db


def a_chain(length: int) -> Task:
    """Workflows that each inject the next one."""
    for number in range(length):
        stages: list[dict[str, Any]] = [{"name": "go", "inject": f"w{number + 1}", "done_as": "gone"}]
        a_workflow(f"w{number}", stages, f"W{number}")
    a_workflow(f"w{length}", [{"name": "work", "agent": "writer", "done_as": "worked"}], f"W{length}")
    return a_task(flow="w0")


def test_injects_one_task_per_waiting_stage_however_often_it_looks() -> None:
    task = a_chain(1)

    assert [children.inject(clock.now()) for _ in range(3)] == [1, 0, 0]

    child = Task.objects.get(workflow__slug="w1")
    assert child.parent == current(task, "go")
    assert Event.objects.get(kind="subtask.injects").data["child"] == child.key


def test_gives_each_item_its_own_task_and_joins_what_they_come_to() -> None:
    a_workflow("child", [{"name": "work", "agent": "writer", "done_as": "worked"}], "CHI")
    stages = [
        {"name": "list", "agent": "lister", "done_as": "listed"},
        {"name": "all", "inject": "child", "needs": ["list"], "each": "list.names",
         "give": {"title": "item.name"}, "done_as": "all_done"},
    ]  # fmt: skip
    a_workflow("parent", stages, "PAR")
    task = a_task(flow="parent")
    finish(claim_all()[0], Outcome(fields={"names": [{"name": "Anna"}, {"name": "Bo"}]}))

    assert children.inject(clock.now()) == 2
    for claimed in claim_all():
        finish(claimed, done("note"))

    assert set(Task.objects.filter(workflow__slug="child").values_list("title", flat=True)) == {"Anna", "Bo"}
    task.refresh_from_db()
    assert task.status == "done"


def test_goes_no_deeper_than_five_tasks() -> None:
    a_chain(children.DEEPEST + 2)

    for _ in range(children.DEEPEST + 3):
        children.inject(clock.now())

    assert Task.objects.count() == children.DEEPEST + 1
    assert "already 5 tasks deep" in Review.objects.get(open=1).why
