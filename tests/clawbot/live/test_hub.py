"""The hub merges a burst, never waits for a slow socket and tells a page what it missed."""

import asyncio
import time

import pytest

from clawbot.live import feed
from clawbot.live import hub as hubs
from clawbot.live.feed import Change
from clawbot.live.hub import REFRESH, Hub, Subscriber, messages
from tasks import log


def test_merges_a_burst_into_one_message_per_task():
    changes = [
        Change(1, "subtask.claimed", "ART-1", 2),
        Change(2, "subtask.finished", "ART-1", 3),
        Change(3, "worker.lost"),
    ]

    told = messages(changes)

    assert [(m["t"], m.get("id"), m["seq"]) for m in told] == [("task", "ART-1", 2), ("system", None, 3)]
    assert told[0]["v"] == 3


def test_asks_a_socket_that_lags_to_load_everything_anew():
    subscriber = Subscriber()

    for seq in range(hubs.QUEUE + 1):
        subscriber.tell([{"seq": seq}])

    assert subscriber.queue.qsize() == 1
    assert subscriber.queue.get_nowait() == REFRESH


def told(subscriber):
    return [subscriber.queue.get_nowait() for _ in range(subscriber.queue.qsize())]


@pytest.mark.django_db(transaction=True)
def test_tells_a_page_what_changed_since_its_render():
    log.record("worker.started", by="clawbot", worker="a")
    seq = feed.newest()
    log.record("hold.placed", by="user:ben", hold=1, scope="all", target="", why="x", until=None)
    subscriber = Subscriber()

    asyncio.run(Hub().catch_up(subscriber, seq))

    (message,) = told(subscriber)
    assert message["seq"] == seq + 1
    assert "holds" in message["topics"]


@pytest.mark.django_db(transaction=True)
def test_tells_again_what_committed_late_under_a_smaller_number():
    hub, subscriber = Hub(), Subscriber()
    hub.recent.append((time.monotonic(), Change(5, "task.done", "ART-9", 8)))

    asyncio.run(hub.catch_up(subscriber, 6))

    assert [message["id"] for message in told(subscriber)] == ["ART-9"]


@pytest.mark.django_db(transaction=True)
def test_asks_a_page_that_was_away_for_long_to_load_everything(monkeypatch):
    monkeypatch.setattr(hubs, "MOST_TOLD", 2)
    subscriber = Subscriber()
    for _ in range(3):
        log.record("worker.started", by="clawbot", worker="a")

    asyncio.run(Hub().catch_up(subscriber, 0))

    assert told(subscriber) == [REFRESH]
