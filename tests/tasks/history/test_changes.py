"""Every verb and every sweep tells, in its own transaction, of each row that it changed.

A new verb or sweep without a scene here fails the build; so does one whose scene leaves something untold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from agents.contract import Finding, Made, Outcome, Send
from tasks import clock, injection, lifecycle, log, orchestrator, outbox, schedules, supervision
from tasks.border import messages
from tasks.history import replay  # fmt: skip
from tasks.models import (
    Event,
    Notice,
    Review,
    Run,
    Schedule,
    Subtask,
    Task,
    Worker,
)  # fmt: skip
from tests.tasks.builders import (
    a_task,
    a_worker,
    a_workflow,
    claim_all,
    current,
    done,
    finish,
    returned,
    work_until,
)  # fmt: skip

ANA, BEN = "user:ana", "user:ben"
Scene = Callable[[], Any]
SCENES: dict[str, Scene] = {}


def scene(name: str) -> Callable[[Scene], Scene]:
    """This plays that verb or sweep. It may yield once: what comes before is only the setting."""

    def keep(function: Scene) -> Scene:
        SCENES[name] = function
        return function

    return keep


def asked() -> Review:
    """A task that waits at its gate."""
    work_until(a_task(), "approve")
    return Review.objects.get(open=1)


def failed() -> Task:
    """A task whose first stage is out of attempts."""
    task = a_task()
    for _ in range(3):
        clock.move(timedelta(hours=1))
        (claimed,) = claim_all()
        lifecycle.retry_later(claimed, why="No answer.", delay=timedelta(0))
    return task


# -- What flows by itself ------------------------------------------------------------------------------


@scene("lifecycle.inject")
def _() -> Iterator[None]:
    a_workflow()
    yield
    a_task()


@scene("lifecycle.start")
def _() -> Iterator[None]:
    task = a_task(backlog=True)
    yield
    injection.start([task], by=BEN)


@scene("lifecycle.claim")
def _() -> Iterator[None]:
    a_task()
    a_worker()
    yield
    claim_all()


@scene("lifecycle.finish")
def _() -> Iterator[None]:
    a_task()
    (claimed,) = claim_all()
    yield
    finish(claimed)
    (claimed,) = claim_all()
    finish(claimed)
    (claimed,) = claim_all()
    finish(claimed, returned())
    (claimed,) = claim_all()
    finish(claimed, Outcome(word="escalate", question="Which year?"))


@scene("lifecycle.finish, too late")
def _() -> Iterator[None]:
    task = a_task()
    (claimed,) = claim_all()
    supervision.cancel(task, by=BEN)
    yield
    assert not finish(claimed)


@scene("lifecycle.finish, failed, asked elsewhere, without items")
def _() -> Iterator[None]:
    words = [
        {"name": "ask", "agent": "research", "done_as": "asked"},
        {"name": "tell", "agent": "writer", "done_as": "told", "needs": ["ask"], "on_failure": "skip"},
        {"name": "each", "agent": "writer", "done_as": "all", "needs": ["ask"], "each": "ask.names"},
    ]
    a_workflow("asking", words, key="ASK")
    a_task(flow="asking")
    yield
    (claimed,) = claim_all()
    finish(claimed, Outcome(word="await", after_seconds=60, sends=(Send(to="shop", type="q", data={}),)))
    clock.move(timedelta(minutes=2))
    orchestrator.tick()
    (claimed,) = claim_all()
    finish(claimed, done(fields={"names": ["a", "b", "c"]}))
    for claimed in claim_all():
        finish(claimed, Outcome(word="fail", why="No.") if claimed.subtask.stage == "tell" else done())


@scene("lifecycle.retry_later")
def _() -> Iterator[None]:
    a_task()
    (claimed,) = claim_all()
    yield
    lifecycle.retry_later(claimed, why="No answer.", delay=timedelta(0))
    clock.move(timedelta(minutes=1))
    (claimed,) = claim_all()
    lifecycle.retry_later(claimed, why="Stopped.", delay=timedelta(0), counts=False)


@scene("lifecycle.retry_later, the last time")
def _() -> None:
    failed()


@scene("lifecycle.escalate")
def _() -> Iterator[None]:
    task = a_task()
    claim_all()
    yield
    lifecycle.escalate(current(task, "research"), Review.Kind.STALLED, "It hangs.", by="orchestrator:stalled")


@scene("lifecycle.rescue")
def _() -> Iterator[None]:
    a_task()
    worker = a_worker()
    yield
    for _ in range(3):
        claim_all(worker)
        lifecycle.rescue(worker)
        worker = a_worker(f"{worker.name}+")


@scene("lifecycle.overdue_answers")
def _() -> Iterator[None]:
    yield from SCENES["lifecycle.finish, failed, asked elsewhere, without items"]()


# -- What people do ------------------------------------------------------------------------------------


@scene("approve")
def _() -> Iterator[None]:
    review = asked()
    yield
    supervision.approve(review, by=ANA, request_id="1")
    clock.move(timedelta(minutes=1))
    orchestrator.tick()


@scene("undo")
def _() -> Iterator[None]:
    decision = supervision.approve(asked(), by=ANA, request_id="1")
    yield
    supervision.undo(decision, by=ANA)


@scene("send_back")
def _() -> Iterator[None]:
    review = asked()
    assert review.artifact
    yield
    supervision.comment(review.artifact, by=ANA, text="Say when.")
    gone = supervision.comment(review.artifact, by=ANA, text="No.")
    supervision.uncomment(gone, by=ANA)
    supervision.send_back(review, by=ANA, request_id="1", requests=[{"text": "Shorter.", "quote": ""}])


@scene("edit")
def _() -> Iterator[None]:
    review = asked()
    yield
    supervision.edit(review.task, by=ANA, text="# Better", review=review)


@scene("take")
def _() -> Iterator[None]:
    review = asked()
    yield
    supervision.take(review, by=ANA)


@scene("put_back")
def _() -> Iterator[None]:
    review = asked()
    supervision.take(review, by=ANA)
    yield
    supervision.put_back(review, by=ANA)


@scene("assign")
def _() -> Iterator[None]:
    review = asked()
    yield
    supervision.assign(review, by=BEN, to=ANA)


@scene("judge")
def _() -> Iterator[None]:
    task = a_task()
    work_until(task, "review")
    (claimed,) = claim_all()
    finding = Finding(kind="unsupported_claim", text="No source.", quote="Agents never sleep.")
    finish(claimed, Outcome(word="done", made=(Made(kind="review", text="x"),), findings=(finding,)))
    yield
    supervision.judge(task.findings.get(), by=ANA, state="disputed")


@scene("override")
def _() -> Iterator[None]:
    task = asked().task
    yield
    supervision.override(task, by=BEN, stage="publish", reason="It is late.")


@scene("rerun_from")
def _() -> Iterator[None]:
    task = asked().task
    yield
    supervision.rerun_from(task, by=BEN, stage="write", reason="Another voice.")


@scene("retry")
def _() -> Iterator[None]:
    task = failed()
    yield
    supervision.retry(task, by=BEN)


@scene("answer")
def _() -> Iterator[None]:
    task = a_task(input={"sources": ["https://one.example/a"]})
    finish(claim_all()[0], Outcome(word="escalate", question="Which sources should it rest on?"))
    review = Review.objects.get(task=task, open=1)
    yield
    supervision.answer(review, by=ANA, request_id="1", note="On https://two.example/b, please.")


@scene("skip")
def _() -> Iterator[None]:
    task = failed()
    yield
    supervision.skip(task, by=BEN, stage="research", reason="We know enough.")


@scene("cancel")
def _() -> Iterator[None]:
    task = asked().task
    assert Notice.objects.filter(state="pending").exists()
    yield
    supervision.cancel(task, by=BEN, reason="Not needed.")


@scene("cancel, taking back what was done")
def _() -> Iterator[None]:
    words = [
        {"name": "book", "agent": "research", "done_as": "booked", "undo": "writer"},
        {"name": "tell", "agent": "writer", "done_as": "told", "needs": ["book"]},
    ]
    a_workflow("booking", words, key="BOO")
    task = a_task(flow="booking")
    (claimed,) = claim_all()
    finish(claimed)
    yield
    supervision.cancel(task, by=BEN, reason="Not needed.")
    for claimed in claim_all():
        finish(claimed)


@scene("pause")
def _() -> Iterator[None]:
    a_task()
    claim_all()
    yield
    supervision.pause("all", by=BEN, why="Lunch.", stop_now=True)


@scene("resume")
def _() -> Iterator[None]:
    hold = supervision.pause("all", by=BEN, why="Lunch.")
    yield
    supervision.resume(hold, by=BEN)


@scene("message")
def _() -> Iterator[None]:
    a_workflow()
    yield
    envelope = {"from": "shop", "to": "article", "type": "task", "data": {"title": "Hello"},
                "correlation_id": "c-1", "timestamp": "2026-11-21T08:00:00Z"}  # fmt: skip
    messages.receive(envelope, channel="shop", by=BEN)


@scene("resend")
def _() -> Iterator[None]:
    asked()
    Notice.objects.update(state="dead")
    yield
    for notice in Notice.objects.all():
        outbox.resend(notice, by=BEN)


# -- What happens as time passes -----------------------------------------------------------------------


@scene("sweep rescue")
def _() -> Iterator[None]:
    a_task()
    worker = a_worker()
    claim_all(worker)
    Worker.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    yield
    orchestrator.SWEEPS["rescue"](clock.now())


@scene("sweep schedule")
def _() -> Iterator[None]:
    flow = a_workflow()
    due = clock.now() - timedelta(minutes=1)
    with transaction.atomic():
        made = Schedule.objects.create(
            workflow=flow, name="daily", cron="* * * * *", zone="UTC", input={"title": "News"}, next_at=due
        )
        log.record("schedule.added", by="clawbot", **schedules.facts(made))
    yield
    assert orchestrator.SWEEPS["schedule"](clock.now())


@scene("sweep children")
def _() -> Iterator[None]:
    a_workflow()
    a_workflow("parent", [{"name": "call", "inject": "article", "done_as": "called"}], key="PAR")
    task = a_task(flow="parent")
    yield
    assert orchestrator.SWEEPS["children"](clock.now())
    supervision.cancel(task, by=BEN)


@scene("sweep answers")
def _() -> Iterator[None]:
    yield from SCENES["lifecycle.finish, failed, asked elsewhere, without items"]()


@scene("sweep release")
def _() -> Iterator[None]:
    supervision.approve(asked(), by=ANA, request_id="1")
    supervision.pause("all", by=BEN, why="Lunch.", until=clock.now() + timedelta(seconds=30))
    clock.move(timedelta(minutes=1))
    yield
    assert orchestrator.SWEEPS["release"](clock.now()) == 2


@scene("sweep silent")
def _() -> Iterator[None]:
    a_task()
    clock.move(timedelta(days=1))
    yield
    assert orchestrator.SWEEPS["silent"](clock.now())


@scene("sweep stalled")
def _() -> Iterator[None]:
    task = a_task()
    history(task)
    claim_all()
    clock.move(timedelta(days=1))
    yield
    assert orchestrator.SWEEPS["stalled"](clock.now())


@transaction.atomic
def history(task: Task) -> None:
    """That its first stage took two seconds, twenty times."""
    for number in range(20):
        row = Subtask.objects.create(
            task=task, stage="research", position=0, item=str(number), agent="research", done_as="x",
            workflow=task.workflow, not_before=timezone.now(),
        )  # fmt: skip
        Run.objects.create(
            task=task, subtask=row, fence=1, agent="research", status="done",
            started_at=timezone.now() - timedelta(seconds=2), ended_at=timezone.now(),
        )  # fmt: skip
    log.record("task.changed", by="clawbot", task=task, because="the scene")


@scene("sweep remind")
def _() -> Iterator[None]:
    review = asked()
    with transaction.atomic():
        Review.objects.update(ladder=[{"after": 60, "remind": "owner"}])
        log.record("task.changed", by="clawbot", task=review.task, because="the scene")
    clock.move(timedelta(days=1))
    yield
    assert review.open
    assert orchestrator.SWEEPS["remind"](clock.now())


@scene("sweep trust")
def _() -> None:
    a_task()  # what the sweep weighs is tried in test_authority.py; its rows are not the log's
    orchestrator.SWEEPS["trust"](clock.now())


@scene("sweep deliver")
def _() -> Iterator[None]:
    asked()
    yield
    assert orchestrator.SWEEPS["deliver"](clock.now())


@scene("sweep seal")
def _() -> None:
    a_task()
    assert orchestrator.SWEEPS["seal"](clock.now())


@scene("sweep head")
def _() -> None:
    SCENES["sweep seal"]()
    assert orchestrator.SWEEPS["head"](clock.now()) == 1


# -- The promise ---------------------------------------------------------------------------------------


def test_has_a_scene_for_every_verb_and_every_sweep() -> None:
    flowing = {f"lifecycle.{name}" for name in lifecycle.__all__ if name[0].islower()}
    sweeps = {f"sweep {name}" for name in orchestrator.SWEEPS}

    assert {*flowing, *supervision.VERBS, *sweeps} - set(SCENES) == set()


@pytest.mark.parametrize("name", list(SCENES))
def test_tells_of_every_row_that_it_changed(name, database, ana, ben, caplog) -> None:
    play = SCENES[name]()
    if play is not None:
        next(play)
        said = Event.objects.count()
        next(play, None)
        assert Event.objects.count() > said

    assert [record.getMessage() for record in caplog.records if record.name == "tasks.history.changes"] == []
    assert [str(one) for one in replay.differences()] == []
    assert list(replay.contradictions()) == []
