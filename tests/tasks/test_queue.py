"""The doorbell: rung after the commit, once for many, and not at all where nobody needs it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import connection, transaction

from tasks import queue
from tasks.engine import doorbell
from tasks.models import Wake


@pytest.fixture
def bell(database: str) -> str:
    queue.hang_bell()
    return database


def test_rings_only_after_the_commit(bell: str) -> None:
    if bell == "sqlite":
        pytest.skip("there the commit itself is the bell")
    with transaction.atomic():
        queue.ring()
        assert not queue.is_rung()

    assert queue.is_rung()


def test_does_not_ring_for_what_was_rolled_back(bell: str) -> None:
    with transaction.atomic():
        queue.ring()
        transaction.set_rollback(True)

    assert not queue.is_rung()


def test_an_answered_bell_rings_again(bell: str) -> None:
    if bell == "sqlite":
        pytest.skip("there the commit itself is the bell")
    queue.ring()
    queue.answer()
    assert not queue.is_rung()

    queue.ring()

    assert queue.is_rung()


def test_within_quiet_rings_are_counted_instead(bell: str) -> None:
    with queue.quiet() as rung:
        queue.ring()
        queue.ring()

    assert len(rung) == 2
    assert not queue.is_rung()


def test_a_drain_hears_that_there_is_work(bell: str) -> None:
    """On each database by its own means: NOTIFY, the commit counter, the bell's row."""
    assert asyncio.run(_hears())


async def _hears() -> bool:
    async def ask(function: Any) -> Any:
        return await asyncio.to_thread(_and_close, function)

    def ring() -> None:
        Wake.objects.create(queue="other")  # any commit: SQLite hears those
        queue.ring()

    rings = doorbell.rings(ask)
    if connection.vendor == "sqlite":
        await anext(rings)  # the first look always says: see for yourself
    hearing = asyncio.ensure_future(anext(rings))
    await asyncio.sleep(0.05)
    assert not hearing.done()
    await ask(ring)
    await asyncio.wait_for(hearing, 10)
    await rings.aclose()
    return True


def _and_close(function: Any) -> Any:
    try:
        return function()
    finally:
        connection.close()


def test_a_cluster_shows_its_sign_of_life_and_learns_that_it_must_stop(db: None) -> None:
    assert queue.last_sign("clawbot-1") is None

    queue.sing("clawbot-1")
    first = queue.last_sign("clawbot-1")
    queue.sing("clawbot-1")

    assert first is not None
    assert queue.last_sign("clawbot-1") != first
    assert not queue.stopping("clawbot-1")
    queue.ask_rounds_to_end("clawbot-1")
    assert queue.stopping("clawbot-1")


def test_each_cluster_has_a_queue_of_its_own_that_goes_with_it(db: None) -> None:
    from django_q.models import OrmQ

    queue.ask_drain("clawbot-1", "1.1")
    queue.ask_round("clawbot-2", 15)

    queue.forget("clawbot-1")

    assert [row.key for row in OrmQ.objects.all()] == ["clawbot-2"]


def test_a_queued_task_is_never_handed_out_twice_nor_stopped_by_an_alarm(db: None) -> None:
    from django_q.conf import Conf
    from django_q.models import OrmQ

    queue.ask_drain("clawbot-1", "1.1")

    assert OrmQ.objects.get().task["timeout"] == -1
    assert Conf.RETRY > 24 * 3600
    assert Conf.MAX_ATTEMPTS == 1
    assert Conf.ACK_FAILURES
