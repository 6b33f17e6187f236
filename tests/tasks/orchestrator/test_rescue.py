"""What a dead worker held goes back to the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.engine import workers
from tasks.models import Event, Run, Worker
from tasks.orchestrator.rescue import rescue
from tests.tasks.builders import a_task, claim_all, current, finish

pytestmark = pytest.mark.django_db


def silent(worker: Worker) -> None:
    """The worker has not been heard of for longer than its lease."""
    Worker.objects.filter(pk=worker.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_leaves_a_worker_alone_while_its_lease_runs() -> None:
    task = a_task()
    claim_all(workers.start())

    assert rescue() == 0
    assert current(task, "research").status == "doing"


def test_takes_back_what_a_silent_worker_held_and_says_so() -> None:
    task = a_task()
    worker = workers.start()
    claim_all(worker)
    silent(worker)

    assert [rescue(), rescue()] == [1, 0]

    row = current(task, "research")
    assert (row.status, row.crashes, row.attempts) == ("ready", 1, 1)
    assert Run.objects.get().status == Run.Status.LOST
    assert Event.objects.filter(kind="worker.lost").count() == 1


def test_the_late_result_of_a_worker_that_was_only_slow_is_refused() -> None:
    a_task()
    worker = workers.start()
    [claimed] = claim_all(worker)
    silent(worker)
    rescue()

    assert not finish(claimed)


def test_a_worker_that_beats_again_in_time_keeps_what_it_holds() -> None:
    task = a_task()
    worker = workers.start()
    claim_all(worker)
    silent(worker)

    assert workers.beat(worker)

    assert rescue() == 0
    assert current(task, "research").status == "doing"


def test_takes_back_a_claim_that_was_under_way_when_its_worker_was_declared_dead() -> None:
    task = a_task()
    worker = workers.start()
    claim_all(worker)
    Worker.objects.filter(pk=worker.pk).update(ended_at=timezone.now(), ended_why="lease ran out")

    assert rescue() == 1
    assert current(task, "research").status == "ready"
