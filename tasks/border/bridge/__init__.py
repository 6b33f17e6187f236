"""The queue bridge: carries envelopes between a broker's queues and Clawbot, in both directions.

In: receive, commit, then acknowledge; so nothing is lost, and what comes twice is one effect. Out: take,
publish, confirm, settle; so a message leaves at least once, each copy under the same id. Any number of
bridges may run at once, on one queue or on many; a broker that is away is waited for.
"""

from __future__ import annotations

import random
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import close_old_connections, connection

from tasks.store import is_away

from .links import Link, link

T = TypeVar("T")

LONGEST_PAUSE = 30.0  # seconds between two tries to reach a broker or the database
BEAT = 5.0  # seconds; a broker gives up a link that is silent for much longer


class Stopped(Exception):
    """The bridge was asked to stop while it waited for the database; what it had in hand is not finished."""


@dataclass
class Road(ABC):
    """One direction: a thread with a link of its own. `travel` runs until `stop`, whatever happens."""

    url: str
    stop: threading.Event
    say: Callable[[str], None]
    name: str  # of the bridge: the channel of its messages
    by: str = "clawbot:bridge"
    tally: dict[str, int] = field(default_factory=dict)

    def travel(self) -> None:
        """Open a link and use it; where it breaks, wait a moment and open it anew."""
        failures = 0
        while not self.stop.is_set():
            try:
                with link(self.url) as open_link:
                    self.begin(open_link)
                    while not self.stop.is_set():
                        self.once(open_link)
                        failures = 0
            except Stopped:
                break
            except Exception as error:
                failures += 1
                pause = _pause(failures)
                self.say(f"Trying again in {pause:.0f} s: {_sentence(error)}")
                self.stop.wait(pause)
            finally:
                connection.close()

    @abstractmethod
    def begin(self, link: Link) -> None:
        """What is done once with a new link."""

    @abstractmethod
    def once(self, link: Link) -> None:
        """One turn: some messages, or a short wait."""

    def count(self, what: str) -> None:
        """One more of these."""
        self.tally[what] = self.tally.get(what, 0) + 1

    def surely(self, link: Link, action: Callable[[], T]) -> T:
        """Do this with the database; where the database is away, wait for it while the link stays open.

        Raises Stopped where the bridge is asked to stop meanwhile, and what the action raises else.
        """
        failures = 0
        while True:
            try:
                close_old_connections()
                return action()
            except Exception as error:
                if not is_away(error):
                    raise
                failures += 1
                pause = _pause(failures)
                if failures > 1:  # once is nothing: two bridges met at one row
                    self.say(f"The database is away ({_sentence(error)}); trying again in {pause:.0f} s.")
                with suppress(Exception):
                    connection.close()
                self._wait(link, pause if failures > 1 else 0.05)

    def _wait(self, link: Link, seconds: float) -> None:
        while seconds > 0:
            if self.stop.wait(min(seconds, BEAT)):
                raise Stopped
            link.beat()
            seconds -= BEAT


def _pause(failures: int) -> float:
    """Seconds: doubled with each failure, spread so that many bridges do not come back at once."""
    return min(0.5 * 2 ** min(failures, 10), LONGEST_PAUSE) * random.uniform(0.75, 1.25)


def _sentence(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def run(roads: list[Road], stop: threading.Event) -> None:
    """Travel all roads until `stop`, each in a thread of its own. Raises Refused where an address is none.

    Returns when everything in hand is finished.
    """
    for road in roads:
        link(road.url)  # an address that is none is refused before anything starts
    threads = [threading.Thread(target=road.travel, name=type(road).__name__) for road in roads]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # in short waits: a signal is heard only between them
            thread.join(0.2)
