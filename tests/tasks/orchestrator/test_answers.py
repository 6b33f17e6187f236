"""The sweep that lets stages go on whose answer did not come in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.contract import Outcome
from tasks import clock
from tasks.models import Task
from tasks.orchestrator import answers
from tests.tasks.builders import a_task, a_workflow, claim_all, current, finish

pytestmark = pytest.mark.django_db


def asking() -> Task:
    a_workflow("asking", [{"name": "ask", "agent": "asker", "done_as": "asked"}], "ASK")
    task = a_task(flow="asking")
    finish(claim_all()[0], Outcome(word="await", after_seconds=60))
    return task


def test_leaves_alone_what_may_still_be_answered() -> None:
    task = asking()

    assert answers.overdue(clock.now() + timedelta(seconds=50)) == 0
    assert current(task, "ask").status == "blocked"


def test_lets_it_ask_again_once_the_time_is_over_and_only_once() -> None:
    task = asking()
    late = clock.now() + timedelta(seconds=70)

    assert [answers.overdue(late), answers.overdue(late)] == [1, 0]
    assert current(task, "ask").status == "ready"
