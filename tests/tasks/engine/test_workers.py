"""Leases: who is alive, by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasks import lifecycle
from tasks.engine import workers
from tasks.models import Event, Run, Subtask, Worker
from tasks.orchestrator.rescue import rescue
from tests.tasks.builders import a_task, finish

S = Subtask.Status


def overdue(worker: Worker) -> None:
    """Its last heartbeat is longer ago than its lease."""
    Worker.objects.filter(pk=worker.pk).update(lease_until=workers.DatabaseNow() - timedelta(seconds=1))


def test_a_lease_begins_now_and_is_renewed_by_the_databases_clock(database: str, settings: Any) -> None:
    worker = workers.start("here")
    assert worker.lease_until - worker.heartbeat_at == timedelta(seconds=settings.LEASE_SECONDS)
    assert not workers.overdue().exists()
    overdue(worker)
    assert list(workers.overdue()) == [worker]

    assert workers.beat(worker)

    assert not workers.overdue().exists()


def test_the_databases_clock_is_utc_whatever_zone_its_session_has(database: str) -> None:
    from django.utils import timezone

    worker = workers.start("here")

    assert abs(worker.started_at - timezone.now()) < timedelta(minutes=5)


def test_a_worker_that_was_declared_dead_beats_no_more(db: None) -> None:
    worker = workers.start("here")
    lifecycle.rescue(worker)

    assert not workers.beat(worker)
    assert workers.must_stop(worker)


def test_asks_to_stop_once_and_only_the_living(db: None) -> None:
    first, second = workers.start("here"), workers.start("here")
    workers.end(second, "done")

    assert workers.ask_to_stop(Worker.objects.all()) == 1
    assert workers.ask_to_stop(Worker.objects.all()) == 0
    assert workers.must_stop(first)


def test_ends_once_with_its_event(db: None) -> None:
    worker = workers.start("here")

    workers.end(worker, "asked to stop")
    workers.end(worker, "again")

    assert Event.objects.filter(kind="worker.ended").count() == 1
    assert Worker.objects.get().ended_why == "asked to stop"


def test_rescues_what_a_dead_worker_held_and_counts_the_crash(database: str) -> None:
    worker = workers.start("here")
    a_task()
    [claimed] = lifecycle.claim(worker, 10)
    overdue(worker)

    assert rescue() == 1

    row = Subtask.objects.get(pk=claimed.subtask.pk)
    assert (row.status, row.attempts, row.crashes, row.worker) == (S.READY, 1, 1, None)
    assert Run.objects.get().status == Run.Status.LOST
    assert Event.objects.filter(kind="worker.lost").count() == 1
    assert not finish(claimed), "its late result must be refused"


def test_leaves_the_living_alone(db: None) -> None:
    a_task()
    lifecycle.claim(workers.start("here"), 10)

    assert rescue() == 0


def test_a_heartbeat_between_look_and_rescue_saves_the_worker(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = workers.start("here")
    a_task()
    lifecycle.claim(worker, 10)
    overdue(worker)
    found = list(workers.overdue())
    monkeypatch.setattr(workers, "overdue", lambda: _seen_then_asked(found, worker))

    assert rescue() == 0
    assert Subtask.objects.filter(status=S.DOING).count() == 1


def _seen_then_asked(found: list[Worker], worker: Worker) -> Any:
    """The first look finds it overdue; then it beats; the second look is the database's."""
    if found:
        workers.beat(worker)
        return [found.pop()]
    return Worker.objects.filter(ended_at=None, lease_until__lt=workers.DatabaseNow())


def test_also_rescues_what_an_ended_worker_claimed_at_its_last_moment(db: None) -> None:
    worker = workers.start("here")
    a_task()
    lifecycle.claim(worker, 10)
    Worker.objects.update(ended_at=workers.DatabaseNow())

    assert rescue() == 1
    assert rescue() == 0
