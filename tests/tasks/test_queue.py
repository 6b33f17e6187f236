"""The doorbell: rung after the commit, once for many, and not at all where nobody needs it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.signing import PickleSerializer, SignedPackage

from tasks import queue
from tasks.engine import doorbell
from tasks.models import Event, Wake


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
    queue.ask_drain("clawbot-1", "1.1")
    queue.ask_round("clawbot-2", 15)

    queue.forget("clawbot-1")

    assert [row.key for row in OrmQ.objects.all()] == ["clawbot-2"]


def test_a_queued_task_is_handed_out_once_and_stopped_by_no_alarm(db: None) -> None:
    queue.ask_drain("clawbot-1", "1.1")

    (handed,) = handed_out("clawbot-1")

    assert (handed["func"], handed["args"]) == ("tasks.queue.drain", ["clawbot-1", "1.1"])
    assert handed["timeout"] == -1
    assert handed_out("clawbot-1") == []
    assert not OrmQ.objects.exists()


# -- What is not ours -----------------------------------------------------------------------------------


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.file}",)


def handed_out(cluster: str) -> list[dict[str, Any]]:
    """What a worker of this cluster would be given now."""
    return [SignedPackage.loads(message) for _, message in queue.broker(cluster).dequeue()]


@pytest.mark.parametrize(
    "words, salt, why",
    [
        ("", "", "signature"),
        ("Rubbish", "", "signature"),
        (["drain", ["clawbot-1", "1.1"]], "django_q", "signature"),
        (["os.system", ["true"]], queue.SALT, "'os.system'"),
        (["forget", ["clawbot-2"]], queue.SALT, "'forget'"),
        (["drain.__globals__", []], queue.SALT, "none of the functions"),
        ([["drain"], []], queue.SALT, "none of the functions"),
        ({"func": "drain"}, queue.SALT, "unpack"),
        (7, queue.SALT, "unpack"),
    ],
)
def test_removes_and_logs_what_is_not_ours(db: None, words: Any, salt: str, why: str) -> None:
    queue.broker("clawbot-1").enqueue(signing.dumps(words, salt=salt) if salt else words)
    queue.ask_drain("clawbot-1", "1.1")

    handed = handed_out("clawbot-1") + handed_out("clawbot-1")

    assert [one["args"] for one in handed] == [["clawbot-1", "1.1"]]
    assert not OrmQ.objects.exists()
    event = Event.objects.get(kind="queue.refused")
    assert event.data["queue"] == "clawbot-1"
    assert why in event.data["why"]


def test_removes_and_logs_what_was_to_be_run_at_a_time(db: None) -> None:
    Schedule.objects.create(func="os.system", args="'true'")

    queue.refuse_schedules()
    queue.refuse_schedules()

    assert not Schedule.objects.exists()
    event = Event.objects.get(kind="queue.refused")
    assert event.data == {"queue": "django_q_schedule", "why": "'os.system' was to be run at a time"}


def test_unpickles_nothing_whoever_signed_it(db: None, tmp_path: Path) -> None:
    bomb = Bomb(tmp_path / "exploded")
    queue.broker("clawbot-1").enqueue(SignedPackage.dumps({"func": "tasks.queue.drain", "args": [bomb]}))
    queue.broker("clawbot-1").enqueue(
        signing.dumps(["drain", [bomb]], salt=queue.SALT, serializer=PickleSerializer)
    )

    assert handed_out("clawbot-1") + handed_out("clawbot-1") == []
    assert not bomb.file.exists()
    assert Event.objects.filter(kind="queue.refused").count() == 2


def test_a_refusal_stands_in_the_servers_log_if_the_database_does_not_take_it(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(queue.events, "record", gone)
    queue.broker("clawbot-1").enqueue("Rubbish")

    assert handed_out("clawbot-1") == []
    assert "refused and not run" in caplog.text


def test_every_cluster_has_the_guard(db: None) -> None:
    """Also one that is started past `./manage.py work`: django-q2 asks its settings for the broker."""
    assert isinstance(get_broker("clawbot-1"), queue.Guard)
    assert not Conf.SCHEDULER


def test_the_states_of_clusters_are_not_kept_nor_read_as_pickles(db: None) -> None:
    guarded = queue.broker("clawbot-1")

    guarded.set_stat("django_q:clawbot:cluster:1", "pickle", 3)

    assert guarded.get_stats("django_q:clawbot:cluster:*") == []
    assert guarded.get_stat("django_q:clawbot:cluster:1") is None


@pytest.mark.parametrize("name", ["qinfo", "qmemory", "qmonitor"])
def test_the_commands_of_the_queue_are_not_offered(name: str) -> None:
    with pytest.raises(CommandError, match="Unknown command"):
        call_command(name)


def test_a_cluster_by_hand_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(queue.SUPERVISOR, raising=False)

    with pytest.raises(CommandError, match=r"Run `\./manage\.py work`"):
        call_command("qcluster")
