"""The rows of worker processes: start, beat, stop, end. Leases are counted by the database's clock, so
that hosts whose clocks differ agree about who is dead."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from tasks import log
from tasks.models import Subtask, Worker


class DatabaseNow(Now):
    """The database's own present moment in UTC, whatever zone its session has."""

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """MySQL's CURRENT_TIMESTAMP would be in the zone of the session."""
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


def _lease() -> Any:
    return DatabaseNow() + timedelta(seconds=settings.LEASE_SECONDS)


def start(cluster: str = "") -> Worker:
    """A new worker for this process. `cluster` names the cluster that hosts it."""
    host, pid = socket.gethostname(), os.getpid()
    name = f"{cluster or host}-{pid}-{secrets.token_hex(3)}"[:120]
    with transaction.atomic():
        worker = Worker.objects.create(
            name=name,
            host=host[:100],
            pid=pid,
            started_at=DatabaseNow(),
            heartbeat_at=DatabaseNow(),
            lease_until=_lease(),
        )
        log.record("worker.started", by="clawbot", worker=name)
    return Worker.objects.get(pk=worker.pk)


def beat(worker: Worker) -> bool:
    """Renew the lease. False where the worker was declared dead meanwhile and must stop."""
    alive = Worker.objects.filter(pk=worker.pk, ended_at=None)
    return bool(alive.update(heartbeat_at=DatabaseNow(), lease_until=_lease()))


def holds(worker: Worker) -> set[tuple[int, int]]:
    """What the database says this worker holds: (subtask, fence)."""
    return set(
        Subtask.objects.filter(worker=worker, status=Subtask.Status.DOING)
        .order_by()
        .values_list("pk", "fence")
    )


def must_stop(worker: Worker) -> bool:
    """Whether somebody asked it to stop, or declared it dead."""
    return not Worker.objects.filter(pk=worker.pk, ended_at=None, stop_asked_at=None).exists()


def ask_to_stop(workers: QuerySet[Worker]) -> int:
    """Ask workers to give back what they hold and end; they look once a second."""
    return workers.filter(ended_at=None, stop_asked_at=None).update(stop_asked_at=DatabaseNow())


def end(worker: Worker, why: str) -> None:
    """The worker is gone and holds nothing any more."""
    with transaction.atomic():
        if Worker.objects.filter(pk=worker.pk, ended_at=None).update(
            ended_at=DatabaseNow(), ended_why=why[:100]
        ):
            log.record("worker.ended", by="clawbot", worker=worker.name, why=why)


def of_cluster(cluster: str) -> QuerySet[Worker]:
    """The workers that a cluster hosts or hosted."""
    return Worker.objects.filter(name__startswith=f"{cluster}-")


def overdue() -> QuerySet[Worker]:
    """Living workers whose lease is past, by the database's clock."""
    return Worker.objects.filter(ended_at=None, lease_until__lt=DatabaseNow())


def still_overdue(worker: Worker) -> bool:
    """Take the row of an overdue worker for this transaction, so that no late heartbeat can come between
    the look and the rescue. False where one already came."""
    return bool(overdue().filter(pk=worker.pk).update(lease_until=F("lease_until")))
