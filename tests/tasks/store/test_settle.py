"""Whose result counts."""

from __future__ import annotations

from django.db import transaction

from tasks import clock, store
from tasks.engine import workers
from tasks.models import Subtask, Worker
from tasks.store import Held
from tests.tasks.builders import a_task

S = Subtask.Status


def claim(worker: Worker) -> list[Held]:
    with transaction.atomic():
        return [Held(row.pk, row.fence) for row, _ in store.claim(worker, 100, clock.now())]


def settle(held: list[Held]) -> set[int]:
    with transaction.atomic():
        return store.settle(held, clock.now())


def test_ends_what_the_worker_holds(worker: Worker) -> None:
    a_task()
    held = claim(worker)

    assert settle(held) == {held[0].subtask_id}

    row = Subtask.objects.get(pk=held[0].subtask_id)
    assert (row.status, row.worker) == (S.DONE, None)
    assert row.finished_at is not None


def test_refuses_a_result_that_comes_twice(worker: Worker) -> None:
    a_task()
    held = claim(worker)
    settle(held)

    assert settle(held) == set()


def test_refuses_a_worker_that_was_rescued_from_meanwhile(worker: Worker) -> None:
    a_task()
    late = claim(worker)
    Subtask.objects.filter(status=S.DOING).update(status=S.READY, worker=None)
    second = claim(workers.start("there"))

    assert settle(late) == set()
    assert Subtask.objects.get(pk=late[0].subtask_id).status == S.DOING
    assert settle(second) == {late[0].subtask_id}


def test_takes_the_good_ones_of_a_mixed_batch(worker: Worker) -> None:
    for number in range(4):
        a_task(f"Article {number}")
    held = claim(worker)
    Subtask.objects.filter(pk=held[1].subtask_id).update(fence=2)
    Subtask.objects.filter(pk=held[2].subtask_id).update(status=S.CANCELLED, worker=None)

    assert settle(held) == {held[0].subtask_id, held[3].subtask_id}


def test_an_empty_batch_is_nothing(worker: Worker) -> None:
    assert settle([]) == set()
