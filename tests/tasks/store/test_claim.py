"""What a worker gets, and what it must not get."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from agents.models import Agent, AgentVersion
from tasks import clock, store
from tasks.engine import workers
from tasks.models import Event, Hold, Run, Subtask, Task, Worker
from tests.tasks.builders import a_task, a_workflow

S = Subtask.Status


def claim(worker: Worker, limit: int = 100) -> list[tuple[Subtask, Run]]:
    with transaction.atomic():
        return store.claim(worker, limit, clock.now())


def an_agent(slug: str, concurrency: int) -> None:
    agent = Agent.objects.create(slug=slug)
    definition = {"name": slug, "role": "rehearse", "limits": {"concurrency": concurrency}}
    agent.active = AgentVersion.objects.create(
        agent=agent, number=7, definition=definition, sha256="0" * 64, created_by="clawbot"
    )
    agent.save()


def hold(scope: str, target: str = "", **more: Any) -> Hold:
    return Hold.objects.create(
        scope=scope, target=target, why="Spelling", placed_by="user:ben", placed_at=clock.now(), **more
    )


def test_gives_a_ready_subtask_with_its_run_and_fence(worker: Worker) -> None:
    task = a_task()

    [(row, run)] = claim(worker)

    stored = Subtask.objects.get(pk=row.pk)
    assert (stored.status, stored.fence, stored.attempts, stored.worker) == (S.DOING, 1, 1, worker)
    assert (row.status, row.fence, row.attempts, row.version) == (S.DOING, 1, 1, stored.version)
    assert row.stage == "research"
    assert row.task == task
    assert row.task.status == Task.Status.DOING
    kept = Run.objects.get(subtask=row)
    assert (kept.pk, kept.fence, kept.status, kept.worker_name) == (run.pk, 1, Run.Status.DOING, worker.name)
    assert kept.notes == []


def test_says_in_the_log_who_claimed_what(worker: Worker) -> None:
    task = a_task()

    claim(worker)

    event = Event.objects.get(kind="subtask.claimed")
    assert (event.task, event.stage, event.by) == (task, "research", "agent:research")
    row = Subtask.objects.get(task=task, stage="research")
    assert event.data == {
        "agent": "research", "attempt": 1, "worker": worker.name, "subtask": row.pk, "item": "", "fence": 1,
        "run": Run.objects.get(subtask=row).pk, "version": None,
    }  # fmt: skip


def test_begins_the_task_once_and_changes_its_version(worker: Worker) -> None:
    task = a_task()

    claim(worker)

    begun = Task.objects.get(pk=task.pk)
    assert begun.started_at is not None
    assert begun.version > task.version


def test_gives_nothing_twice(worker: Worker) -> None:
    a_task()

    assert len(claim(worker)) == 1
    assert claim(worker) == []


def test_gives_no_more_than_asked_for_and_the_urgent_first(worker: Worker) -> None:
    a_task("Later", priority=0)
    a_task("First", priority=5)
    a_task("Last", priority=-5)

    rows = claim(worker, 2)

    assert [row.task.title for row, _ in rows] == ["First", "Later"]


def test_gives_nothing_before_its_time(worker: Worker) -> None:
    a_task()
    Subtask.objects.update(not_before=clock.now() + timedelta(minutes=1))

    assert claim(worker) == []

    clock.move(timedelta(minutes=2))
    assert len(claim(worker)) == 1


def test_never_gives_a_persons_stage_to_a_worker(worker: Worker) -> None:
    a_workflow("ask", [{"name": "ask", "agent": "human", "done_as": "asked"}], key="ASK")
    a_task(flow="ask")
    Subtask.objects.update(status=S.READY)

    assert claim(worker) == []


@pytest.mark.parametrize(
    "scope, target", [("all", ""), ("workflow", "article"), ("agent", "research"), ("task", "ART-1")]
)
def test_gives_nothing_under_a_hold(worker: Worker, scope: str, target: str) -> None:
    a_task()
    placed = hold(scope, target)

    assert claim(worker) == []

    Hold.objects.filter(pk=placed.pk).update(open=None, lifted_at=clock.now(), lifted_by="user:ben")
    assert len(claim(worker)) == 1


@pytest.mark.parametrize("scope, target", [("workflow", "other"), ("agent", "writer"), ("task", "ART-9")])
def test_a_hold_on_something_else_holds_nothing_here(worker: Worker, scope: str, target: str) -> None:
    a_task()
    hold(scope, target)

    assert len(claim(worker)) == 1


def test_a_hold_ends_by_itself_at_its_time(worker: Worker) -> None:
    a_task()
    hold("all", until=clock.now() + timedelta(minutes=1))
    assert claim(worker) == []

    clock.move(timedelta(minutes=2))

    assert len(claim(worker)) == 1


def test_gives_an_agent_no_more_than_its_definition_allows(worker: Worker) -> None:
    an_agent("research", 2)
    for number in range(5):
        a_task(f"Article {number}")

    first = claim(worker)

    assert len(first) == 2
    assert claim(worker) == []
    assert {run.agent_version for _, run in first} == {7}

    with transaction.atomic():
        store.settle([store.Held(first[0][0].pk, 1)], clock.now())
    assert len(claim(worker)) == 1


def test_a_full_agent_does_not_keep_the_others_waiting(worker: Worker) -> None:
    an_agent("research", 1)
    a_workflow("short", [{"name": "write", "agent": "writer", "done_as": "written"}], key="SH")
    for number in range(3):
        a_task(f"Article {number}", priority=1)
    a_task("Short", flow="short")

    rows = claim(worker, 3)

    assert sorted(row.agent for row, _ in rows) == ["research", "writer"]


def test_gives_nothing_to_a_worker_that_ended(worker: Worker) -> None:
    a_task()
    workers.end(worker, "it stopped")

    assert claim(worker) == []


def test_gives_nothing_to_a_worker_that_must_stop(worker: Worker) -> None:
    a_task()
    workers.ask_to_stop(Worker.objects.all())

    assert claim(worker) == []


def test_counts_every_attempt_with_a_new_fence(worker: Worker) -> None:
    a_task()
    claim(worker)
    Subtask.objects.filter(status=S.DOING).update(status=S.READY, worker=None)

    [(row, run)] = claim(worker)

    assert (row.fence, row.attempts, run.fence) == (2, 2, 2)


def test_two_workers_at_once_share_and_never_get_the_same(worker: Worker) -> None:
    for number in range(30):
        a_task(f"Article {number}")
    other = workers.start("there")
    got: dict[str, list[int]] = {worker.name: [], other.name: []}
    begin = threading.Barrier(2)

    def grab(me: Worker) -> None:
        begin.wait()
        try:
            for _ in range(15):
                got[me.name] += [row.pk for row, _ in claim(me, 3)]
        finally:
            connection.close()

    threads = [threading.Thread(target=grab, args=(one,)) for one in (worker, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    both = got[worker.name] + got[other.name]
    assert len(both) == 30
    assert len(set(both)) == 30
    assert Run.objects.count() == 30


def test_a_pause_waits_for_a_claim_under_way_and_keeps_the_next_one_out(worker: Worker) -> None:
    """Whoever sees the pause committed sees no claim commit after it."""
    if connection.vendor == "sqlite":
        pytest.skip("an IMMEDIATE transaction is alone anyway")
    a_task("One")
    order: list[str] = []
    claimed = threading.Event()

    def pause() -> None:
        claimed.wait()
        try:
            with transaction.atomic():
                store.close_gate()
                hold("all")
            order.append("paused")
        finally:
            connection.close()

    thread = threading.Thread(target=pause)
    thread.start()
    with transaction.atomic():
        assert len(store.claim(worker, 10, clock.now())) == 1
        claimed.set()
        thread.join(timeout=0.5)
        assert thread.is_alive()
        order.append("claimed")
    thread.join()

    a_task("Two")
    assert order == ["claimed", "paused"]
    assert claim(worker) == []
