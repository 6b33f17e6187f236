"""The supervisor of the django-q2 cluster: watches progress, not processes.

A cluster whose idle worker was killed stands still for ever while every process looks alive. So the
supervisor asks for a round of sweeps every few seconds, and where none begins it asks the drains to give
back what they hold, kills the whole process group and starts a new cluster.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from tasks import database, lifecycle, queue
from tasks import log as events
from tasks.models import Worker

from . import child, workers

T = TypeVar("T")
log = logging.getLogger(__name__)

LOOK = 0.5  # seconds between looks
LATE = 3  # rounds that may fail to begin before the cluster counts as stuck
MARGIN = 5.0  # seconds beyond the grace until a cluster that was asked to stop is killed
LONGEST_PAUSE = 30.0  # seconds between restarts of a cluster that does not come up


@dataclass
class Slot:
    """One place for a drain. `turn` counts the drains that were asked for in it."""

    number: int
    turn: int = 0
    asked_at: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.number}.{self.turn}"


@dataclass
class Round:
    """The latest round of sweeps that was asked for."""

    asked_at: float
    sign_before: datetime | None
    begun_at: float = 0.0


@dataclass
class Cluster:
    """One running cluster, under a name of its own."""

    name: str = field(default_factory=lambda: f"clawbot-{secrets.token_hex(4)}")
    slots: list[Slot] = field(default_factory=lambda: [Slot(n) for n in range(1, queue.workers() + 1)])
    round: Round | None = None

    def __post_init__(self) -> None:
        self.process = child.spawn(queue.command(), queue.environment(self.name), cwd=settings.ROOT)

    def workers(self) -> list[Worker]:
        """Its living drains."""
        return list(workers.of_cluster(self.name).filter(ended_at=None))

    def is_alive(self, worker: Worker) -> bool:
        """Whether the process of this drain still runs."""
        return child.is_alive(worker.pid, group=self.process.pid)


class Supervisor:
    """Keeps one cluster working until `stop` is called (from a signal handler or another thread)."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._at_once = threading.Event()
        self._starts = 0

    def stop(self) -> None:
        """End in order; called again, end at once."""
        if self._asked.is_set():
            self._at_once.set()
        self._asked.set()

    def run(self) -> None:
        """Start a cluster and keep it working."""
        while not self._prepared():
            if self._asked.wait(2 * LOOK):
                return
        self.cluster = Cluster()
        while not self._asked.wait(LOOK):
            try:
                self._look()
            except (DatabaseError, InterfaceError) as error:
                log.warning("The database did not answer the supervisor: %s", error)
                connection.close()
        self._end("stopped")

    def _prepared(self) -> bool:
        """Whether the database was there to begin with; one that is away is waited for."""
        try:
            queue.hang_bell()
            queue.forget_old()
            return True
        except (DatabaseError, InterfaceError) as error:
            if database.ails(error) is None:
                raise
            return False

    def _look(self) -> None:
        why = self._stuck()
        if why:
            self._restart(why)
            return
        self._keep_rounds()
        for slot in self.cluster.slots:
            self._keep_drain(slot)

    # -- Rounds: the sign of life -------------------------------------------------------------------

    def _stuck(self) -> str:
        """Why the cluster cannot go on; empty where it can."""
        if self.cluster.process.poll() is not None:
            return f"its process ended with code {self.cluster.process.returncode}"
        latest, now = self.cluster.round, time.monotonic()
        if latest and not latest.begun_at and now - latest.asked_at > _patience():
            return f"no sign of life for {now - latest.asked_at:.0f} seconds"
        return ""

    def _keep_rounds(self) -> None:
        """Ask for the next round just before the one under way is over."""
        cluster, now = self.cluster, time.monotonic()
        if cluster.round is None:
            self._ask_round()
        elif not cluster.round.begun_at:
            if queue.last_sign(cluster.name) != cluster.round.sign_before:
                cluster.round.begun_at = now
                self._starts = 0
        elif now - cluster.round.begun_at > settings.CANARY_SECONDS - 1:
            self._ask_round()

    def _ask_round(self) -> None:
        name = self.cluster.name
        round = Round(asked_at=time.monotonic(), sign_before=queue.last_sign(name))
        queue.ask_round(name, settings.CANARY_SECONDS)
        self.cluster.round = round  # only now: what could not be asked for is asked for again

    # -- Drains -------------------------------------------------------------------------------------

    def _keep_drain(self, slot: Slot) -> None:
        """Ask for a drain if none was asked for, or if the last one is gone or was lost with the process
        that fetched it. One too many does no harm: each claims rows, not a place."""
        worker = workers.of_cluster(f"{self.cluster.name}-{slot.name}").first() if slot.turn else None
        if worker is None:
            if slot.turn and time.monotonic() - slot.asked_at < _patience():
                return  # asked for; it starts as soon as the cluster has a process for it
        elif worker.ended_at is None:
            if self.cluster.is_alive(worker):
                return
            # On this host the dead need not be waited for until their lease runs out.
            log.warning("%s died; taking back what it held.", worker.name)
            lifecycle.rescue(worker)
        following = replace(slot, turn=slot.turn + 1, asked_at=time.monotonic())
        queue.ask_drain(self.cluster.name, following.name)
        self.cluster.slots[slot.number - 1] = following  # only now, as for a round

    # -- The end ------------------------------------------------------------------------------------

    def _restart(self, why: str) -> None:
        log.warning("The cluster is started anew: %s.", why)
        with transaction.atomic():
            events.record("cluster.restarted", by="orchestrator:supervisor", why=why)
        self._end(f"its cluster was started anew: {why}", wedged=True)
        self._asked.wait(min(LONGEST_PAUSE, 2.0**self._starts - 1))
        self._starts += 1
        if not self._asked.is_set():
            self.cluster = Cluster()

    def _end(self, why: str, *, wedged: bool = False) -> None:
        """Let the drains give back what they hold, then end the cluster, whatever state it is in."""
        cluster = self.cluster
        self._try(lambda: workers.ask_to_stop(workers.of_cluster(cluster.name)))
        self._try(lambda: queue.ask_rounds_to_end(cluster.name))
        patience = settings.GRACE_SECONDS + MARGIN
        if wedged:
            self._await_drains(patience)  # it would not obey a signal, but its drains still listen
            child.kill_group(cluster.process)
        else:
            self._terminate(patience)
        self._try(lambda: [lifecycle.rescue(worker) for worker in cluster.workers()])
        self._try(lambda: queue.forget(cluster.name))

    def _await_drains(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        while time.monotonic() < over and not self._at_once.is_set():
            living = self._try(lambda: [one for one in self.cluster.workers() if self.cluster.is_alive(one)])
            if not living:
                return
            time.sleep(LOOK / 2)

    def _terminate(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        self.cluster.process.terminate()
        while self.cluster.process.poll() is None and time.monotonic() < over and not self._at_once.is_set():
            time.sleep(LOOK / 5)
        child.kill_group(self.cluster.process)

    @staticmethod
    def _try(function: Callable[[], T]) -> T | None:
        """The end must come to its end without the database, too."""
        try:
            return function()
        except (DatabaseError, InterfaceError) as error:
            log.warning("The database did not answer at the end: %s", error)
            connection.close()
            return None


def _patience() -> float:
    """Seconds until what a cluster was asked for counts as lost."""
    return float(LATE * settings.CANARY_SECONDS + MARGIN)
