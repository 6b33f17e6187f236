"""Routes, fan-out, child tasks and answers: what follows when stages become ready."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.contract import Outcome, Send
from tasks import arrivals, invariants, lifecycle, supervision
from tasks.history import replay
from tasks.models import Message, Review, Run, Subtask, Task
from tasks.orchestrator import answers, children
from tests.tasks import builders
from tests.tasks.builders import a_task, a_workflow, claim_all, current, done, finish, statuses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ben")]

ROUTED: list[dict[str, Any]] = [
    {"name": "route", "agent": "router", "done_as": "routed"},
    {"name": "billing", "agent": "writer", "needs": ["route"], "when": {"route.topic": "billing"},
     "done_as": "billed"},
    {"name": "refund", "agent": "writer", "needs": ["billing"], "done_as": "refunded"},
    {"name": "sales", "agent": "writer", "needs": ["route"], "when": {"route.topic": "sales"},
     "done_as": "sold"},
    {"name": "reply", "agent": "writer", "needs": ["refund", "sales"], "done_as": "replied"},
]  # fmt: skip

SPREAD: list[dict[str, Any]] = [
    {"name": "list", "agent": "lister", "done_as": "listed"},
    {"name": "read", "agent": "reader", "needs": ["list"], "each": "list.files", "done_as": "read"},
    {"name": "join", "agent": "writer", "needs": ["read"], "done_as": "joined"},
]


def say(task: Task, stage: str, **fields: Any) -> None:
    """Let the stage's agent finish and say these facts."""
    finish(holding(task, stage), done("note", stage, fields=fields))


def holding(task: Task, stage: str) -> lifecycle.Claimed:
    return next(one for one in claim_all() if one.task.pk == task.pk and one.subtask.stage == stage)


def items(task: Task, stage: str) -> list[Subtask]:
    return list(Subtask.objects.filter(task=task, stage=stage, live=1).exclude(item="").order_by("item"))


class TestRoutes:
    def test_goes_only_where_the_condition_holds_and_on_at_the_join(self) -> None:
        a_workflow("routed", ROUTED, "ROU")
        task = a_task(flow="routed")
        say(task, "route", topic="sales")
        assert statuses(task) == {
            "route": "done", "billing": "skipped", "refund": "skipped", "sales": "ready", "reply": "blocked",
        }  # fmt: skip
        assert current(task, "refund").passed_over
        say(task, "sales")
        assert current(task, "reply").status == "ready"

    def test_ends_where_no_way_is_taken(self) -> None:
        a_workflow("routed", ROUTED, "ROU")
        task = a_task(flow="routed")
        say(task, "route", topic="weather")
        task.refresh_from_db()
        assert task.status == "done"
        assert current(task, "reply").reason == "No way that leads here was taken."
        assert not invariants.check()

    def test_a_stage_that_a_person_skips_still_leads_on(self) -> None:
        a_workflow("routed", ROUTED, "ROU")
        task = a_task(flow="routed")
        say(task, "route", topic="billing")
        supervision.skip(task, by="user:ben", stage="billing", reason="done by hand")
        assert current(task, "refund").status == "ready"


class TestFanOut:
    def a_spread(self, files: list[Any], **more: Any) -> Task:
        stages = [SPREAD[0], {**SPREAD[1], **more}, SPREAD[2]]
        a_workflow("spread", stages, "SPR")
        task = a_task(flow="spread")
        say(task, "list", files=files)
        return task

    def test_lays_one_row_per_item_and_joins_them_in_their_order(self) -> None:
        task = self.a_spread(["a.txt", "b.txt", "c.txt"])
        assert [(row.item, row.given, row.status) for row in items(task, "read")] == [
            ("00001", "a.txt", "ready"), ("00002", "b.txt", "ready"), ("00003", "c.txt", "ready"),
        ]  # fmt: skip
        for claimed in reversed(claim_all()):
            finish(
                claimed, done("note", f"read {claimed.subtask.given}", fields={"of": claimed.subtask.given})
            )
        assert current_stage(task, "read").status == "done"
        brief = a_brief(task, "join")
        assert [item.fields["of"] for item in brief.items] == ["a.txt", "b.txt", "c.txt"]
        assert brief.items[1].artifacts[0].text == "read b.txt"
        assert not invariants.check()

    def test_groups_items_and_fans_out_over_items_again(self) -> None:
        stages = [
            SPREAD[0],
            {**SPREAD[1], "group": 2},
            {"name": "merge", "agent": "merger", "needs": ["read"], "each": "read", "group": 2,
             "done_as": "merged"},
            {**SPREAD[2], "needs": ["merge"]},
        ]  # fmt: skip
        a_workflow("levels", stages, "LEV")
        task = a_task(flow="levels")
        say(task, "list", files=list("abcde"))
        assert [row.given for row in items(task, "read")] == [["a", "b"], ["c", "d"], ["e"]]
        for claimed in claim_all():
            finish(claimed, done("note", "".join(claimed.subtask.given)))
        merging = [a_brief_of(claimed) for claimed in claim_all()]
        assert [[item.artifacts[0].text for item in brief.items] for brief in merging] == [
            ["ab", "cd"],
            ["e"],
        ]

    def test_has_no_more_open_than_its_limit(self) -> None:
        task = self.a_spread(list("abcde"), at_most_at_once=2)
        assert [row.status for row in items(task, "read")] == [
            "ready",
            "ready",
            "blocked",
            "blocked",
            "blocked",
        ]
        _, second = claim_all()
        finish(second, done("note"))
        assert [row.status for row in items(task, "read")] == ["doing", "done", "blocked", "ready", "blocked"]
        assert not invariants.check()

    def test_of_nothing_is_done_at_once(self) -> None:
        task = self.a_spread([])
        assert current(task, "join").status == "ready"

    def test_of_no_list_asks_a_person_and_says_what_is_wrong(self) -> None:
        task = self.a_spread("a.txt")  # type: ignore[arg-type]
        review = Review.objects.get(task=task, open=1)
        assert "fans out over list.files, and there is str, no list" in review.why

    def test_an_item_given_up_with_skip_is_named_at_the_join(self) -> None:
        task = self.a_spread(["a", "b"], on_failure="skip")
        first, second = claim_all()
        finish(first, Outcome(word="fail", why="It is no text."))
        finish(second, done("note", "b"))
        brief = a_brief(task, "join")
        assert [item.missing for item in brief.items] == ["It is no text.", ""]

    def test_returned_work_lays_all_items_anew(self) -> None:
        task = self.a_spread(["a", "b"])
        for claimed in claim_all():
            finish(claimed, done("note"))
        supervision.rerun_from(task, by="user:ben", stage="list", reason="another list")
        say(task, "list", files=["c"])
        assert [row.given for row in items(task, "read")] == ["c"]
        assert not invariants.check()


class TestChildTasks:
    PARENT: list[dict[str, Any]] = [
        {"name": "plan", "agent": "planner", "done_as": "planned"},
        {"name": "write", "inject": "child", "give": {"title": "plan.title"}, "needs": ["plan"],
         "done_as": "written"},
        {"name": "report", "agent": "writer", "needs": ["write"], "done_as": "reported"},
    ]  # fmt: skip
    CHILD = [{"name": "work", "agent": "writer", "done_as": "worked"}]

    def a_parent(self, **more: Any) -> tuple[Task, Task]:
        a_workflow("child", self.CHILD, "CHI")
        a_workflow("parent", [self.PARENT[0], {**self.PARENT[1], **more}, self.PARENT[2]], "PAR")
        task = a_task(flow="parent")
        say(task, "plan", title="Autumn")
        children.inject(lifecycle.clock.now())
        children.inject(lifecycle.clock.now())
        return task, Task.objects.get(workflow__slug="child")

    def test_are_injected_once_and_waited_for(self) -> None:
        task, child = self.a_parent()
        assert child.title == "Autumn"
        assert current(task, "write").status == "blocked"
        say(child, "work", words=12)
        assert current(task, "write").fields == {"words": 12, "key": child.key, "outcome": "completed"}
        assert current(task, "report").status == "ready"
        assert not invariants.check()

    def test_that_are_cancelled_ask_a_person_at_the_parent(self) -> None:
        task, child = self.a_parent()
        supervision.cancel(child, by="user:ben", reason="not needed")
        assert Review.objects.get(task=task, open=1).why == f"{child.key} was cancelled."

    def test_are_cancelled_with_their_parent(self) -> None:
        task, child = self.a_parent()
        supervision.cancel(task, by="user:ben", reason="no more")
        child.refresh_from_db()
        assert child.outcome == "cancelled"
        assert not invariants.check()

    def test_whose_input_is_refused_fail_as_the_stage_says(self) -> None:
        a_workflow("parent", [self.PARENT[0], {**self.PARENT[1], "inject": "nothing"}, self.PARENT[2]], "PAR")
        task = a_task(flow="parent")
        say(task, "plan", title="Autumn")
        children.inject(lifecycle.clock.now())
        assert "there is no workflow 'nothing'" in Review.objects.get(task=task, open=1).why


class TestAnswers:
    FLOW = [
        {"name": "ask", "agent": "asker", "done_as": "asked", "retry": {"times": 2, "backoff": 1}},
        {"name": "use", "agent": "writer", "needs": ["ask"], "done_as": "used"},
    ]

    def asking(self) -> Task:
        a_workflow("asking", self.FLOW, "ASK")
        task = a_task(flow="asking")
        ask = Send(to="erp", type="stock", data={"sku": "A"})
        finish(holding(task, "ask"), Outcome(word="await", sends=(ask,), after_seconds=60))
        return task

    def test_are_waited_for_and_read_by_the_next_run(self) -> None:
        task = self.asking()
        sent = Message.objects.get(task=task)
        assert (sent.direction, sent.state, sent.envelope["to"]) == ("out", "pending", "erp")
        row = current(task, "ask")
        assert (row.status, row.awaits) == ("blocked", "message")
        assert not invariants.check()
        came = {"from": "erp", "type": "stock", "data": {"left": 3}}
        Message.objects.create(
            direction="in", channel="api", key="answer", envelope=came, task=task, subtask=row,
            state="received", not_before=sent.at, at=sent.at,
        )  # fmt: skip
        assert arrivals.answered(row, now=lifecycle.clock.now())
        assert not arrivals.answered(row, now=lifecycle.clock.now())
        brief = a_brief(task, "ask")
        assert brief.replies == (came,)

    def test_that_do_not_come_are_asked_for_again_and_then_given_up(self) -> None:
        task = self.asking()
        late = lifecycle.clock.now() + timedelta(minutes=2)
        assert answers.overdue(late) == 1
        finish(holding_at(task, "ask", late), Outcome(word="await", after_seconds=60))
        assert answers.overdue(late + timedelta(minutes=2)) == 1
        assert "No answer came in time; it was asked twice" in Review.objects.get(task=task, open=1).why
        assert Run.objects.filter(task=task, status="asked").count() == 2


def current_stage(task: Task, stage: str) -> Subtask:
    return Subtask.objects.get(task=task, stage=stage, live=1, item="")


def holding_at(task: Task, stage: str, _: Any) -> lifecycle.Claimed:
    Subtask.objects.filter(task=task, stage=stage, live=1).update(not_before=lifecycle.clock.now())
    return holding(task, stage)


def a_brief(task: Task, stage: str) -> Any:
    return a_brief_of(holding(task, stage))


def a_brief_of(claimed: lifecycle.Claimed) -> Any:
    """What the worker would be given, whoever is configured to do it."""
    from tasks import briefing

    builders.an_agent(claimed.subtask.agent)
    claimed.run.agent_version = 1
    paper = briefing.prepare([claimed])[0]
    assert isinstance(paper, briefing.Papers), paper
    return paper.brief


class TestRetry:
    """A person lets a stage try again that no worker simply claims."""

    def test_injects_another_task(self) -> None:
        task, child = TestChildTasks().a_parent()
        supervision.cancel(child, by="user:ben", reason="not needed")
        supervision.retry(task, by="user:ben")
        children.inject(lifecycle.clock.now())
        children.inject(lifecycle.clock.now())
        second = Task.objects.exclude(pk=child.pk).get(workflow__slug="child")
        assert (current(task, "write").status, current(task, "write").awaits) == ("blocked", "child")
        say(second, "work")
        assert current(task, "report").status == "ready"
        assert not invariants.check()

    def test_is_no_fault_while_another_task_is_to_come(self) -> None:
        task, child = TestChildTasks().a_parent()
        supervision.cancel(child, by="user:ben", reason="not needed")
        supervision.retry(task, by="user:ben")
        assert not invariants.check()
        children.inject(lifecycle.clock.now())
        assert not invariants.check()

    def test_tells_that_it_waits_for_the_task_again(self) -> None:
        task, child = TestChildTasks().a_parent()
        supervision.cancel(child, by="user:ben", reason="not needed")
        before = task.events.filter(kind="subtask.awaits").count()
        supervision.retry(task, by="user:ben")
        assert task.events.filter(kind="subtask.awaits").count() == before + 1
        assert not list(replay.differences())

    def test_spreads_again_instead_of_being_claimed(self) -> None:
        task = TestFanOut().a_spread("a.txt")  # type: ignore[arg-type]
        supervision.retry(task, by="user:ben")
        assert not [one for one in claim_all() if one.subtask.stage == "read"]
        assert "there is str, no list" in Review.objects.get(task=task, open=1).why
