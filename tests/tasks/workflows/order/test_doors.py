"""Every sample through the command line, and orders that programs send through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks import invariants
from tasks.models import Task
from tasks.workflow import samples
from tests.clawbot.api.caller import Caller
from tests.tasks.workflows import journey
from tests.tasks.workflows.order.line import GOOD, ended, hire
from tests.tasks.workflows.order.till import Till

ENDS = {
    "default": (journey.DONE, "completed"), "shipping_down": (journey.DONE, "completed"),
    "duplicate": (journey.DONE, "completed"), "declined": (journey.CANCELLED, "cancelled"),
    "out_of_stock": (journey.CANCELLED, "cancelled"), "not_enough": (journey.WAITS, ""),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _open(database: str, shop: Till, admin: Any, ana: Any, tmp_path: Path, settings: Any) -> None:
    settings.DATA = tmp_path / "var"
    settings.DATA.mkdir()
    hire(tmp_path, seconds=10)


def test_runs_every_sample_from_the_command_line():
    ends = {}
    for name in samples.names("order"):
        one = journey.inject("order", "--sample", name)
        ends[name] = (one.code, one.task.outcome)

    assert ends == ENDS
    assert invariants.check() == {}


def test_takes_an_order_from_a_program_once(shop):
    order = {"workflow": "order", "title": "Two pumps", "input": {**GOOD, "title": "Two pumps"}}
    caller = Caller("ana")
    answers = [caller.post("tasks", order, key="their-order-1") for _ in range(2)]
    assert {answer.status_code for answer in answers} <= {200, 201}, answers[0].content
    task = Task.objects.get(key=answers[0].json()["key"])

    with journey.at_work():
        journey.until_still(task)

    assert ended(task) == ("done", "completed")
    assert Task.objects.count() == 1
    assert len(shop.books()["charges"]) == 1


def test_tells_a_program_what_an_order_needs():
    answer = Caller("ana").post("tasks", {"workflow": "order", "title": "x", "input": {"title": "x"}})

    assert answer.status_code in (400, 409, 422)
    assert "email" in answer.content.decode()
