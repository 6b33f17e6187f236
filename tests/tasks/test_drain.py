"""What becomes of a run, whatever its role does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, transaction

import tasks.drain
from agents.contract import Brief, Desk, Made, Outcome, Refused, Unavailable, Unusable
from agents.definition import Definition
from agents.models import AgentVersion
from agents.registry import role
from tasks import briefing, clock, database, lifecycle, queue
from tasks.drain import Drain, pause
from tasks.engine import workers
from tasks.engine.pulse import Pulse
from tasks.models import Artifact, Review, Run, Subtask, Task, Worker
from tasks.workflow import shipped
from tests.tasks.builders import a_task, a_workflow

pytestmark = pytest.mark.django_db(transaction=True)
S = Subtask.Status
Work = Callable[[Brief, Desk], Any]


def staff(**more: Any) -> None:
    definition = {"name": "writer", "role": "rehearse", "returns": ["draft"], **more}
    shipped.hire(Definition.model_validate(definition), by="clawbot")


def one_stage(**more: Any) -> Task:
    stage = {
        "name": "write",
        "agent": "writer",
        "done_as": "draft_ready",
        "retry": {"times": 2, "backoff": 30},
        **more,
    }
    a_workflow("short", [stage], key="SH")
    return a_task(flow="short")


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Lets a function of the test do the agent's work."""

    def lend(work: Work) -> None:
        part = replace(role("rehearse"), work=work, is_async=asyncio.iscoroutinefunction(work))
        monkeypatch.setattr(briefing, "role", lambda name: part)

    return lend


def work_off(while_it_works: Callable[[Drain], Any] | None = None, **options: Any) -> Worker:
    """One drain works until nothing is left to do now."""
    queue.hang_bell()
    worker = workers.start("here")

    async def run() -> None:
        drain = Drain(worker, lingers=options.get("lingers", False), watch=options.get("watch"))
        extra = asyncio.create_task(while_it_works(drain)) if while_it_works else None
        await asyncio.wait_for(drain.run(), 20)
        if extra:
            await extra

    asyncio.run(run())
    return worker


def row() -> Subtask:
    return Subtask.objects.get(stage="write", live=1)


def test_works_through_a_pipeline_and_keeps_what_was_made() -> None:
    staff()
    stages = [
        {
            "name": f"step{n}",
            "agent": "writer",
            "done_as": f"step{n}_done",
            "needs": [f"step{n - 1}"] if n else [],
        }
        for n in range(5)
    ]
    a_workflow("short", stages, key="SH")
    task = a_task(flow="short")

    work_off()

    task.refresh_from_db()
    assert (task.status, task.outcome, task.stage_status) == ("done", "completed", "step4_done")
    assert list(Artifact.objects.values_list("kind", "number")) == [("draft", n) for n in range(1, 6)]
    assert set(Run.objects.values_list("status", flat=True)) == {Run.Status.DONE}


def test_keeps_the_hand_off_without_repeating_the_texts() -> None:
    staff(accepts=["draft"])
    stages = [
        {"name": "write", "agent": "writer", "done_as": "written"},
        {"name": "mend", "agent": "writer", "needs": ["write"], "done_as": "mended"},
    ]
    a_workflow("short", stages, key="SH")
    task = a_task(flow="short")

    work_off()

    envelope = Run.objects.get(subtask__stage="mend").brief
    draft = Artifact.objects.get(number=1)
    assert (envelope["from"], envelope["to"], envelope["type"]) == ("writer", "writer", "mend")
    assert envelope["correlation_id"] == task.key
    assert envelope["data"]["artifacts"] == [
        {"kind": "draft", "number": 1, "sha256": draft.sha256, "made_by": "agent:writer"}
    ]
    assert Artifact.objects.get(number=2).built_on == [draft.sha256]


def test_a_sync_role_works_in_a_thread_of_its_own(play: Any) -> None:
    staff()
    one_stage()
    seen: list[str] = []

    def work(brief: Brief, desk: Desk) -> Outcome:
        seen.append(threading.current_thread().name)
        return Outcome(made=(Made(kind="draft", text="Written."),))

    play(work)
    work_off()

    assert seen == ["role"]
    assert row().status == S.DONE


def test_what_is_away_for_now_is_tried_again_later(play: Any) -> None:
    staff()
    one_stage()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        raise Unavailable("the server said 503", after_seconds=120)

    play(work)
    work_off()

    again = row()
    assert (again.status, again.attempts) == (S.READY, 1)
    assert "503" in again.reason
    wait = again.not_before - clock.now()
    assert timedelta(seconds=100) < wait <= timedelta(seconds=120)


@pytest.mark.parametrize("error", [Refused("no such tool"), Unusable("half a reply"), KeyError("title")])
def test_out_of_attempts_a_person_decides_and_reads_why(play: Any, error: Exception) -> None:
    staff()
    one_stage()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        raise error

    play(work)
    work_off()
    assert row().status == S.READY
    clock.move(timedelta(hours=1))
    work_off()

    assert row().status == S.WAITING
    review = Review.objects.get(open=1)
    assert review.kind == Review.Kind.ATTEMPTS
    assert str(error) in review.why


@pytest.mark.parametrize("given", ["a string", None, {"word": "done"}])
def test_what_is_no_outcome_is_a_failure(play: Any, given: Any) -> None:
    staff()
    one_stage()

    async def work(brief: Brief, desk: Desk) -> Any:
        return given

    play(work)
    work_off()

    assert row().status == S.READY
    assert "not an Outcome" in row().reason


def test_done_without_anything_made_is_a_failure(play: Any) -> None:
    staff()
    one_stage()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        return Outcome(summary="All good.")

    play(work)
    work_off()

    assert "made nothing" in row().reason


def test_stops_what_takes_longer_than_its_stage_allows(play: Any) -> None:
    staff()
    one_stage(timeout=0.05)

    async def work(brief: Brief, desk: Desk) -> Outcome:
        await asyncio.sleep(60)
        return Outcome()

    play(work)
    began = time.monotonic()
    work_off()

    assert time.monotonic() - began < 10
    assert "longer than 0.05 seconds" in row().reason


def test_does_not_wait_for_a_thread_that_overran(play: Any) -> None:
    staff()
    one_stage(timeout=0.05)
    gate = threading.Event()

    def work(brief: Brief, desk: Desk) -> Outcome:
        gate.wait(30)
        return Outcome()

    play(work)
    work_off()
    gate.set()

    assert "longer than 0.05 seconds" in row().reason


def test_a_run_that_used_up_its_steps_asks_a_person(play: Any) -> None:
    staff(limits={"steps": 2})
    one_stage()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        while True:
            try:
                await desk.use("search", query="again")
            except Refused:
                continue

    play(work)
    work_off()

    assert row().status == S.WAITING
    assert "2 of 2 steps" in Review.objects.get(open=1).why


def test_a_run_whose_model_is_gone_asks_a_person_at_once(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAWBOT_MODELS", "quick=openai:gpt")
    staff(model="careful")
    one_stage()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        return Outcome(summary=desk.model.label)

    play(work)
    work_off()

    assert row().status == S.WAITING
    assert "There is no model `careful`. Known: built-in, default, quick." in Review.objects.get(open=1).why


def test_hands_back_at_once_what_runs_when_it_must_stop(play: Any, settings: Any) -> None:
    settings.GRACE_SECONDS = 0
    staff()
    one_stage()
    begun = threading.Event()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        begun.set()
        await asyncio.sleep(60)
        return Outcome()

    async def ask(drain: Drain) -> None:
        await asyncio.to_thread(begun.wait)
        await asyncio.to_thread(lambda: workers.ask_to_stop(Worker.objects.all()))

    play(work)
    work_off(ask, lingers=True)

    back = row()
    assert (back.status, back.attempts, back.fence) == (S.READY, 0, 1)
    assert back.not_before <= clock.now()


def test_lets_what_runs_finish_within_the_grace(play: Any, settings: Any) -> None:
    settings.GRACE_SECONDS = 30
    staff()
    one_stage()
    stopping = asyncio.Event()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        await stopping.wait()
        return Outcome(made=(Made(kind="draft", text="Just in time."),))

    async def ask(drain: Drain) -> None:
        while not drain.running:
            await asyncio.sleep(0)
        drain.stop("asked to stop", 30)
        stopping.set()

    play(work)
    work_off(ask, lingers=True)

    assert row().status == S.DONE


def test_drops_a_run_that_was_fenced_off_meanwhile(play: Any) -> None:
    staff()
    one_stage()
    cancelled: list[bool] = []

    async def work(brief: Brief, desk: Desk) -> Outcome:
        if brief.attempt > 1:
            return Outcome(made=(Made(kind="draft", text="The second try."),))
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.append(True)
        return Outcome()

    async def rescue(drain: Drain) -> None:
        while not drain.running:
            await asyncio.sleep(0)
        one = next(iter(drain.running.values())).papers.claimed
        await asyncio.to_thread(lambda: _take_away(one))

    play(work)
    work_off(rescue)

    assert cancelled == [True]
    assert row().status == S.DONE
    assert Artifact.objects.get().text == "The second try."


def _take_away(claimed: lifecycle.Claimed) -> None:
    from django.db import connection

    Subtask.objects.filter(pk=claimed.subtask.pk).update(status=S.READY, worker=None)
    connection.close()


def test_shows_the_last_step_while_the_run_goes_on(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.drain.FLUSH", 0.0)
    staff()
    one_stage()
    read = asyncio.Event()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        desk.note("Reading the third source", page=3)
        await read.wait()
        return Outcome(made=(Made(kind="draft", text="Read."),))

    def notes() -> list[Any]:
        from django.db import connection

        try:
            return list(Run.objects.filter(status=Run.Status.DOING).values_list("notes", "brief"))
        finally:
            connection.close()

    seen: list[Any] = []

    async def look(drain: Drain) -> None:
        while not (seen and seen[-1] and seen[-1][0][0]):
            seen.append(await asyncio.to_thread(notes))
            drain._news.set()
        read.set()

    play(work)
    work_off(look)

    lines, brief = seen[-1][0]
    assert [line["text"] for line in lines] == ["Reading the third source"]
    assert brief["type"] == "write"


def test_one_result_the_database_refuses_does_not_keep_the_others_out(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff()
    one_stage()
    a_task("Another", flow="short")

    async def work(brief: Brief, desk: Desk) -> Outcome:
        return Outcome(made=(Made(kind="draft", text=brief.title),))

    finish = lifecycle.finish

    def choosy(results: Any) -> set[int]:
        if any(result.claimed.task.title == "Another" for result in results):
            raise ValueError("this one cannot be stored")
        return finish(results)

    monkeypatch.setattr(lifecycle, "finish", choosy)
    play(work)
    work_off()

    statuses = dict(Subtask.objects.values_list("task__title", "status"))
    assert statuses == {"Another": S.READY, "Why agents need a manager": S.DONE}
    assert "could not be stored" in Subtask.objects.get(task__title="Another").reason


def test_an_agent_nobody_configured_is_said_so() -> None:
    one_stage()

    work_off()

    assert "no agent 'writer'" in row().reason


def test_pauses_grow_and_are_spread() -> None:
    assert 22.5 <= pause(30, 1) <= 37.5
    assert 90 <= pause(30, 3) <= 150
    assert pause(30, 40) <= 4500
    assert len({pause(30, 1) for _ in range(20)}) > 10


def test_a_commit_nobody_heard_of_leaves_no_stage_without_a_worker(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server committed the claim, then the connection broke."""
    staff()
    one_stage()
    claim = lifecycle.claim
    lost: list[lifecycle.Claimed] = []

    def break_off(worker: Worker, limit: int) -> list[lifecycle.Claimed]:
        rows = claim(worker, limit)
        if rows and not lost:
            lost.extend(rows)
            transaction.on_commit(lambda: _raise(OperationalError("server closed the connection")))
        return rows

    async def work(brief: Brief, desk: Desk) -> Outcome:
        return Outcome(made=(Made(kind="draft", text="Written."),))

    monkeypatch.setattr(lifecycle, "claim", break_off)
    play(work)
    work_off()

    assert lost
    assert (row().status, row().attempts) == (S.DONE, 1)


def test_a_result_whose_commit_nobody_heard_of_stays_accepted(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff()
    one_stage()
    finish = lifecycle.finish
    broken: list[bool] = []

    def break_off(results: Any) -> set[int]:
        refused = finish(results)
        if results and not broken:
            broken.append(True)
            transaction.on_commit(lambda: _raise(OperationalError("server closed the connection")))
        return refused

    async def work(brief: Brief, desk: Desk) -> Outcome:
        return Outcome(made=(Made(kind="draft", text="Written."),))

    monkeypatch.setattr(lifecycle, "finish", break_off)
    play(work)
    work_off()

    assert broken
    assert row().status == S.DONE
    assert Run.objects.get().status == Run.Status.DONE
    assert Artifact.objects.count() == 1


def _raise(error: Exception) -> None:
    raise error


def test_an_agent_whose_version_cannot_be_read_keeps_nobody_else_from_work(play: Any) -> None:
    staff()
    shipped.hire(Definition.model_validate({"name": "broken", "role": "rehearse"}), by="clawbot")
    AgentVersion.objects.filter(agent__slug="broken").update(definition={"nonsense": True})
    one_stage()

    async def work(brief: Brief, desk: Desk) -> Outcome:
        return Outcome(made=(Made(kind="draft", text="Written."),))

    play(work)
    work_off()

    assert row().status == S.DONE


def test_a_worker_whose_loop_never_turns_ends_itself(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("tasks.engine.pulse.os._exit", ended.append)
    pulse = Pulse(workers.start("here"), known=set, tell=lambda lost, stop: None, nudge=lambda mark: mark())

    pulse._watch_the_loop()
    assert ended == []
    monkeypatch.setattr("tasks.engine.pulse.STUCK", -1)
    pulse._watch_the_loop()

    assert ended == [70]


def test_counts_no_attempt_where_nobody_was_asked(play: Callable[[Work], None]) -> None:
    def is_left_alone(brief: Brief, desk: Desk) -> Outcome:
        raise Unavailable("The shop is left alone for a while.", 60, tried=False)

    staff()
    one_stage()
    play(is_left_alone)
    for _ in range(5):
        work_off()
        clock.move(timedelta(seconds=61))

    assert (row().status, row().attempts) == (S.READY, 0)
    assert "left alone" in row().reason


class Watched:
    """Stands for the proof that the data folder is shared."""

    def __init__(self) -> None:
        self.fault = ""

    def lost(self) -> str:
        return self.fault


def test_claims_nothing_while_its_data_folder_is_not_the_shared_one() -> None:
    staff()
    one_stage()
    watch = Watched()
    watch.fault = "The data folder is not mounted."

    work_off(watch=watch)
    assert not Run.objects.exists()

    watch.fault = ""
    work_off(watch=watch)
    assert Run.objects.get().status == Run.Status.DONE


def test_a_run_whose_folder_went_away_is_tried_again_and_not_counted(play: Callable[[Work], None]) -> None:
    staff()
    one_stage(output="staging/{slug}.{md}")
    watch = Watched()

    def work(brief: Brief, desk: Desk) -> Outcome:
        watch.fault = "The data folder is not mounted."
        return Outcome(word="done", made=[Made(kind="draft", text="x", suffix="md")])

    play(work)
    work_off(watch=watch)

    assert (row().status, row().attempts) == (S.READY, 0)
    assert "not mounted" in Run.objects.get().error


def test_a_drain_that_is_asked_for_while_the_database_is_away_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody asks for it twice."""
    begin, away = workers.start, iter([OperationalError("no route"), InterfaceError("closed")])

    def start(cluster: str = "") -> Worker:
        if error := next(away, None):
            raise error
        return begin(cluster)

    monkeypatch.setattr(workers, "start", start)
    monkeypatch.setattr(tasks.drain, "LOOK", 0.0)
    monkeypatch.setattr(database, "ailment", lambda error: database.Ailment.LOST)

    assert tasks.drain._enlist("here-1.1").name.startswith("here-1.1-")
