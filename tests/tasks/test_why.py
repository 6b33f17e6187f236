"""The one sentence that says where a task is and what comes next, for work that is no straight line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.contract import Outcome, Send
from tasks import clock, lifecycle, supervision
from tasks.models import Subtask, Task
from tasks.orchestrator import children
from tasks.why import why, whys
from tasks.workflow import versions
from tests.tasks.builders import a_task, a_workflow, claim_all, done, finish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ben")]

SPREAD: list[dict[str, Any]] = [
    {"name": "list", "agent": "lister", "done_as": "listed"},
    {"name": "read", "agent": "reader", "needs": ["list"], "each": "list.files", "done_as": "was_read"},
    {"name": "join", "agent": "writer", "needs": ["read"], "done_as": "joined"},
]
STREAMS: list[dict[str, Any]] = [
    {"name": "market", "agent": "analyst", "done_as": "market_read"},
    {"name": "history", "agent": "historian", "done_as": "history_read"},
    {"name": "rivals", "agent": "scout", "done_as": "rivals_read"},
    {"name": "join", "agent": "writer", "needs": ["market", "history", "rivals"], "done_as": "joined"},
]
ORDER: list[dict[str, Any]] = [
    {"name": "reserve", "agent": "stock", "undo": "stock", "done_as": "reserved"},
    {"name": "pay", "agent": "bank", "undo": "bank", "needs": ["reserve"], "on_failure": "undo",
     "done_as": "paid"},
    {"name": "ship", "agent": "carrier", "needs": ["pay"], "done_as": "shipped"},
]  # fmt: skip
PARENT: list[dict[str, Any]] = [
    {"name": "write", "inject": "child", "done_as": "written"},
    {"name": "report", "agent": "writer", "needs": ["write"], "done_as": "reported"},
]
CHILD: list[dict[str, Any]] = [{"name": "work", "agent": "writer", "done_as": "worked"}]
ASKING: list[dict[str, Any]] = [
    {"name": "ask", "agent": "asker", "done_as": "asked", "retry": {"times": 2, "backoff": 1}},
]


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    versions.forget()
    yield
    clock.reset()
    versions.forget()


def a_new(name: str, stages: list[dict[str, Any]], title: str = "A thing") -> Task:
    a_workflow(name, stages, name[:3].upper())
    return a_task(title, flow=name)


def do(task: Task, stage: str, outcome: Outcome | None = None) -> None:
    """Let the agents do this stage, all items of it."""
    for claimed in [one for one in claim_all() if one.task.pk == task.pk and one.subtask.stage == stage]:
        assert finish(claimed, outcome or done("note", f"{stage} {claimed.subtask.item}"))


def a_spread(files: int, **more: Any) -> Task:
    task = a_new("spread", [SPREAD[0], {**SPREAD[1], **more}, SPREAD[2]])
    do(task, "list", done("note", fields={"files": [f"{number}.txt" for number in range(files)]}))
    return task


class TestItems:
    def test_are_counted_in_words_and_figures(self) -> None:
        task = a_spread(3)
        assert why(task).sentence == (
            "Read: 0 of 3 items are done. Reader does the rest; then they are joined."
        )
        finish(claim_all()[0], done("note"))
        assert why(task).text == "Read: 1 of 3 items is done."

    def test_say_how_many_were_skipped(self) -> None:
        task = a_spread(3, on_failure="skip")
        first, *_ = claim_all()
        finish(first, Outcome(word="fail", why="It is no text."))
        assert why(task).text == "Read: 1 of 3 items is done. 1 item skipped."

    def test_one_that_waits_for_a_person_is_named_and_the_others_go_on(self) -> None:
        task = a_spread(3)
        first, second, _ = claim_all()
        finish(first, Outcome(word="fail", why="It is no text."))
        said = why(task)
        assert said.text == "Item 1 of read: It is no text."
        assert said.next == "Any operator decides; the other items go on meanwhile."
        finish(second, Outcome(word="fail", why="It is empty."))
        assert why(task).text == "2 items of read wait for a person. Item 1: It is no text."

    def test_when_all_others_have_passed_nothing_moves(self) -> None:
        task = a_spread(2)
        first, second = claim_all()
        finish(first, Outcome(word="fail", why="It is no text."))
        finish(second, done("note"))
        assert why(task).next == "Any operator decides; nothing moves until then."


class TestBranches:
    def test_name_all_who_work_and_where(self) -> None:
        task = a_new("streams", STREAMS)
        claim_all()
        said = why(task)
        assert said.text == "Analyst, Historian and Scout work on it."
        assert said.at == ("market", "history", "rivals")

    def test_one_that_waits_for_a_person_lets_the_others_go_on(self) -> None:
        task = a_new("streams", STREAMS)
        do(task, "market", Outcome(word="fail", why="No figures."))
        assert why(task).next == "Any operator decides; history and rivals go on meanwhile."


class TestTakingBack:
    def an_order(self) -> Task:
        task = a_new("order", ORDER)
        do(task, "reserve")
        return task

    def test_says_what_why_and_how_much_is_left(self) -> None:
        task = self.an_order()
        do(task, "pay", Outcome(word="fail", why="The card was declined."))
        task.refresh_from_db()
        said = why(task)
        assert said.sentence == (
            "Taking back pay. The card was declined. 1 more stage is left, then it ends as cancelled."
        )
        assert said.undoing
        assert said.at == ("pay",)
        do(task, "pay.undo")
        assert why(task).sentence == (
            "Taking back reserve. The card was declined. Then it ends as cancelled."
        )
        do(task, "reserve.undo")
        task.refresh_from_db()
        assert why(task).sentence == "Cancelled. What it had done was taken back. The card was declined."

    def test_says_when_it_is_tried_again(self) -> None:
        task = self.an_order()
        supervision.cancel(task, by="user:ben", reason="Called off.")
        claimed = claim_all()[0]
        lifecycle.retry_later(claimed, why="The stock does not answer.", delay=timedelta(seconds=40))
        task.refresh_from_db()
        said = why(task).sentence
        assert said.startswith(
            "Taking back reserve. The stock does not answer. Try 2 of 10 at taking it back in"
        )

    def test_that_was_given_up_says_what_stays(self) -> None:
        task = self.an_order()
        do(task, "pay", Outcome(word="fail", why="The card was declined."))
        supervision.cancel(task, by="user:ben", reason="Never mind.")
        task.refresh_from_db()
        assert "Not all was taken back: pay and reserve stay as they are." in why(task).text


class TestOutside:
    def test_a_task_that_is_waited_for_is_named(self) -> None:
        a_workflow("child", CHILD, "CHI")
        task = a_new("parent", PARENT)
        assert why(task).sentence == "Write injects a task. Then it waits for it."
        children.inject(clock.now())
        child = Task.objects.get(workflow__slug="child")
        said = why(task)
        assert said.sentence == f"Write waits for {child.key}. It goes on when that task is done."
        assert said.waits_for == child.key
        do(child, "work", Outcome(word="escalate", question="Which one?"))
        assert why(task).next == f"A person decides about {child.key} first."

    def test_an_answer_that_is_waited_for_says_until_when(self) -> None:
        task = a_new("asking", ASKING)
        ask = Send(to="erp", type="stock", data={"sku": "A"})
        do(task, "ask", Outcome(word="await", sends=(ask,), after_seconds=60))
        said = why(task)
        assert said.sentence == (
            "It waits for an answer from another system. Without an answer in time it asks again."
        )
        assert said.due_at == Subtask.objects.get(task=task).not_before
        assert said.waits_for == "answer"


def test_many_tasks_cost_no_more_queries_than_one() -> None:
    a_workflow("child", CHILD, "CHI")
    a_workflow("parent", PARENT, "PAR")
    a_workflow("spread", SPREAD, "SPR")

    def more() -> None:
        a_task(flow="parent")
        children.inject(clock.now())
        task = a_task(flow="spread")
        do(task, "list", done("note", fields={"files": list("abc")}))
        finish(next(one for one in claim_all() if one.task.pk == task.pk), Outcome(word="fail", why="No."))

    def queries() -> int:
        tasks = list(Task.objects.select_related("workflow", "workflow_version"))
        with CaptureQueriesContext(connection) as seen:
            whys(tasks)
        return len(seen)

    more()
    few = queries()
    more()
    more()
    assert queries() == few


class TestTries:
    @pytest.mark.parametrize(
        ("more", "then"),
        [({}, "Try 2 of 3 at read in 40 s."), ({"on_failure": "retry"}, "Try 2 at read in 40 s.")],
    )
    def test_have_no_end_where_the_file_says_so(self, more: dict[str, Any], then: str) -> None:
        task = a_new("reading", [{"name": "read", "agent": "reader", "done_as": "was_read", **more}])
        claimed = claim_all()[0]
        lifecycle.retry_later(claimed, why="The feed does not answer.", delay=timedelta(seconds=40))

        assert why(task).next == then

        clock.move(timedelta(seconds=41))
        claim_all()
        assert why(task).text.endswith("attempt 2 of 3." if not more else "attempt 2.")


class TestSkippedGates:
    GATED: list[dict[str, Any]] = [
        {"name": "write", "agent": "writer", "done_as": "written"},
        {"name": "approve", "agent": "human", "needs": ["write"], "done_as": "approved"},
    ]

    def test_are_no_approval(self) -> None:
        task = a_new("gated", self.GATED)
        do(task, "write")
        supervision.skip(task, by="user:ben", stage="approve", reason="Ana is ill.")
        task.refresh_from_db()

        assert why(task).sentence == "Done: written. Nobody approved it: approve was skipped."
