"""The worker's heartbeat, in a thread of its own with a connection of its own.

It renews the lease every third of it, and looks once a second whether the worker should stop and
whether what it works on is still its own.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.db import connection

from tasks import queue
from tasks.models import Worker

from . import child, workers

log = logging.getLogger(__name__)

OVER_MEMORY = "over its memory limit"
STUCK = 300  # seconds
Holding = set[tuple[int, int]]  # (subtask, fence)


class Pulse:
    """Tells the drain through `tell(lost, stop)`: what was fenced off, and why it should stop, if at all."""

    def __init__(
        self,
        worker: Worker,
        known: Callable[[], Holding],
        tell: Callable[[Holding, str], None],
        nudge: Callable[[Callable[[], None]], object],
    ) -> None:
        """`known` is what the drain works on, `nudge` has its loop call a function."""
        self._worker, self._known, self._tell, self._nudge = worker, known, tell, nudge
        self._turned = time.monotonic()  # when the loop last turned
        self._parent = os.getppid()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._ended.set()
        self._thread.join(timeout=5)

    def _beat(self) -> None:
        look = min(1.0, settings.HEARTBEAT_SECONDS)
        beaten = time.monotonic()
        while not self._ended.wait(look):
            self._watch_the_loop()
            try:
                if time.monotonic() - beaten >= settings.HEARTBEAT_SECONDS - look / 2:
                    workers.beat(self._worker)
                    beaten = time.monotonic()
                self._look()
            except Exception as error:
                # The database may be away for a moment; the lease says how long a moment is.
                log.warning("No heartbeat: %s", error)
                connection.close()
        connection.close()

    def _watch_the_loop(self) -> None:
        """A role that never lets the loop turn stops every other run, and its own timeout with them. Only
        the end of the process ends it; the crash is counted, so that it happens three times at most."""
        if time.monotonic() - self._turned > STUCK:
            log.critical("The loop has not turned for %d seconds; this worker ends itself.", STUCK)
            os._exit(os.EX_SOFTWARE)
        with suppress(RuntimeError):  # the loop is just ending
            self._nudge(self._mark)

    def _mark(self) -> None:
        self._turned = time.monotonic()

    def _look(self) -> None:
        known = self._known()  # before the question: what is claimed meanwhile cannot look lost
        lost = known - workers.holds(self._worker) if known else set()
        stop = self._reason_to_stop()
        if lost or stop:
            self._tell(lost, stop)

    def _reason_to_stop(self) -> str:
        if workers.must_stop(self._worker):
            return "asked to stop"
        if os.getppid() != self._parent or queue.orphaned():
            return "its cluster is gone"
        if child.memory_megabytes() > settings.WORKER_MEMORY_MB:
            return OVER_MEMORY
        return ""
