"""The open sockets of this process, and the one task that reads the feed for all of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Collection
from typing import Any

from channels.db import database_sync_to_async

from tasks import database

from . import feed
from .doorbell import doorbell
from .feed import Change, Feed

log = logging.getLogger(__name__)

# At most twenty readings a second: a burst becomes one message per task.
REST_SECONDS = 0.05
# What a page missed between its render and its socket is told from memory, later from the table.
MEMORY = 2_000
OVERLAP_SECONDS = 10.0
# A page that lags further behind loads itself anew.
MOST_TOLD = 500
QUEUE = 200

Message = dict[str, Any]
REFRESH: Message = {"t": "refresh"}


class Subscriber:
    """One socket's queue. When it is full the page is told once to refresh everything instead.

    `workflows` are those that its person may see (None: all): of no other task it hears, not even the key.
    """

    def __init__(self, workflows: Collection[int] | None = None) -> None:
        self.queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE)
        self.workflows = workflows

    def hear(self, changes: list[Change]) -> None:
        """Queue what of these changes concerns this person."""
        mine = self.workflows
        heard = [one for one in changes if mine is None or one.workflow is None or one.workflow in mine]
        self.tell(messages(heard))

    def tell(self, messages: list[Message]) -> None:
        """Queue messages without waiting for a slow socket."""
        if self.queue.maxsize - self.queue.qsize() < len(messages):
            while not self.queue.empty():
                self.queue.get_nowait()
            messages = [REFRESH]
        for message in messages:
            self.queue.put_nowait(message)


class Hub:
    """Starts to read with the first subscriber and stops with the last."""

    def __init__(self) -> None:
        self.subscribers: set[Subscriber] = set()
        self.recent: deque[tuple[float, Change]] = deque(maxlen=MEMORY)
        self.reader: asyncio.Task[None] | None = None

    def join(self, workflows: Collection[int] | None = None) -> Subscriber:
        """A new subscriber; it hears of everything in these workflows (None: in all) from now on."""
        subscriber = Subscriber(workflows)
        self.subscribers.add(subscriber)
        if self.reader is None or self.reader.done():
            self.reader = asyncio.create_task(self._read())
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a subscriber; the last one turns the light off."""
        self.subscribers.discard(subscriber)
        if not self.subscribers and self.reader:
            self.reader.cancel()
            self.reader = None

    async def catch_up(self, subscriber: Subscriber, seq: int) -> None:
        """Tell one subscriber what changed since the sequence number of its page."""
        changes = await database_sync_to_async(feed.since)(seq, MOST_TOLD + 1)
        if len(changes) > MOST_TOLD:
            subscriber.tell([REFRESH])
            return
        # Smaller ids may have committed after the page was rendered: tell the latest again.
        young = time.monotonic() - OVERLAP_SECONDS
        late = [change for seen_at, change in self.recent if seen_at > young and change.seq <= seq]
        subscriber.hear([*late, *changes])

    async def _read(self) -> None:
        """Read the feed whenever the bell rings, for as long as somebody listens."""
        bell = doorbell()
        try:
            place = Feed(await database_sync_to_async(feed.newest)())
            while True:
                try:
                    await self._spread(place)
                except Exception as error:
                    # The database may be away for a moment; sockets stay and the feed goes on after it.
                    if await database_sync_to_async(database.ails)(error) is None:
                        log.exception("The live feed could not be read; trying again in a second.")
                    await asyncio.sleep(1)
                await asyncio.sleep(REST_SECONDS)
                await bell.wait()
        finally:
            bell.close()

    async def _spread(self, place: Feed) -> None:
        while changes := await database_sync_to_async(place.read)(time.monotonic()):
            self.recent.extend((time.monotonic(), change) for change in changes)
            told = messages(changes)
            for subscriber in list(self.subscribers):
                # Made once for the many who may hear everything.
                subscriber.tell(told) if subscriber.workflows is None else subscriber.hear(changes)
            if len(changes) < feed.BATCH:
                return


def messages(changes: list[Change]) -> list[Message]:
    """One message per task and one for the rest, with every topic touched and the latest number."""
    merged: dict[str, Message] = {}
    for change in changes:
        message = merged.setdefault(
            change.task,
            {"t": "task", "id": change.task, "v": 0, "seq": 0, "topics": []} if change.task
            else {"t": "system", "seq": 0, "topics": []},
        )  # fmt: skip
        if change.task:
            message["v"] = max(message["v"], change.version)
        message["seq"] = max(message["seq"], change.seq)
        message["topics"] += [topic for topic in change.topics if topic not in message["topics"]]
    return list(merged.values())


#: the hub of this process
hub = Hub()
