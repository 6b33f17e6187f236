"""The only file that knows django-q2: which long tasks the cluster hosts, and the doorbell.

Nothing here is the truth: the row is the queue. Losing every bell and every queued task loses nothing
(drains also look by themselves once a second, the supervisor asks again); ringing twice does nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from .engine import child
from .models import Wake

BELL = "work"  # the row of the doorbell, and the name PostgreSQL notifies under
CHANNEL = "clawbot_work"
SUPERVISOR = "CLAWBOT_SUPERVISOR_PID"  # who started this cluster; its processes end when that one is gone
_quiet: ContextVar[list[bool] | None] = ContextVar("quiet", default=None)


# -- The doorbell ---------------------------------------------------------------------------------------


def ring() -> None:
    """Wake the drains once the caller's transaction has committed (at once, outside one)."""
    heard = _quiet.get()
    if heard is not None:
        heard.append(True)
    else:
        transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    """Only who finds the bell silent rings it: a NOTIFY in every transaction would halve the throughput."""
    if connection.vendor == "sqlite":
        return  # the commit itself is the bell
    rung = Wake.objects.filter(queue=BELL, pending=False).update(pending=True, rung_at=timezone.now())
    if rung and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


@contextmanager
def quiet() -> Iterator[list[bool]]:
    """Collect rings instead of ringing: a drain that claims in the same transaction needs no bell."""
    heard: list[bool] = []
    token = _quiet.set(heard)
    try:
        yield heard
    finally:
        _quiet.reset(token)


def answer() -> None:
    """A drain has heard the bell: who rings from now on must ring anew."""
    Wake.objects.filter(queue=BELL, pending=True).update(pending=False)


def is_rung() -> bool:
    """Whether the bell rang and nobody answered yet."""
    return Wake.objects.filter(queue=BELL, pending=True).exists()


def hang_bell() -> None:
    """Make sure that the doorbell's row exists."""
    Wake.objects.get_or_create(queue=BELL)


# -- What the cluster hosts -----------------------------------------------------------------------------


def command() -> list[str]:
    """How a cluster is started."""
    return [sys.executable, "manage.py", "qcluster"]


def environment(cluster: str) -> dict[str, str]:
    """Each cluster has a queue of its own, so that what a dead one had fetched cannot come back."""
    return {**os.environ, "Q_CLUSTER_NAME": cluster, SUPERVISOR: str(os.getpid())}


def ask_drain(cluster: str, slot: str) -> None:
    """Queue one drain. It occupies a worker of the cluster until it is asked to stop."""
    _ask("tasks.queue.drain", cluster, slot)


def ask_round(cluster: str, seconds: float) -> None:
    """Queue one round of the orchestrator; its beginning is the cluster's sign of life."""
    _ask("tasks.queue.round_of_sweeps", cluster, seconds)


def _ask(function: str, cluster: str, *values: Any) -> None:
    from django_q.tasks import async_task

    # -1: no alarm may hit a long task; it is fetched once and never handed out again (settings.Q_CLUSTER).
    async_task(function, cluster, *values, cluster=cluster, q_options={"timeout": -1, "save": False})


def forget(cluster: str) -> None:
    """Remove the queue of a cluster that is gone."""
    from django_q.brokers import get_broker

    get_broker(cluster).delete_queue()
    Wake.objects.filter(queue=_canary(cluster)).delete()


def forget_old() -> None:
    """Remove what clusters left behind whose supervisor was killed more than a day ago."""
    from django_q.models import OrmQ

    long_ago = timezone.now() - timedelta(days=1)
    OrmQ.objects.filter(key__startswith="clawbot-", lock__lt=long_ago).delete()
    Wake.objects.filter(queue__startswith="canary:", rung_at__lt=long_ago).delete()


# -- What runs inside it --------------------------------------------------------------------------------


def drain(cluster: str, slot: str) -> str:
    """Work until asked to stop; returns why it ended."""
    from . import drain as worker

    return worker.work(cluster=f"{cluster}-{slot}")


def round_of_sweeps(cluster: str, seconds: float) -> None:
    """Show the sign of life, then sweep once a second until the round is over or its cluster is gone."""
    from . import orchestrator

    over = time.monotonic() + seconds
    sing(cluster)
    while time.monotonic() < over and not orphaned() and not stopping(cluster):
        began = time.monotonic()
        orchestrator.tick()
        time.sleep(max(0.05, 1 - (time.monotonic() - began)))


def orphaned() -> bool:
    """Whether the supervisor that started this process's cluster, or the cluster itself, is gone."""
    supervisor = os.environ.get(SUPERVISOR, "")
    return os.getppid() == 1 or (bool(supervisor) and not child.is_alive(int(supervisor)))


def sing(cluster: str) -> None:
    """The canary: write down that the cluster has just begun a task."""
    Wake.objects.update_or_create(queue=_canary(cluster), defaults={"rung_at": timezone.now()})


def last_sign(cluster: str) -> datetime | None:
    """When the cluster last showed that it hands out tasks."""
    return Wake.objects.filter(queue=_canary(cluster)).values_list("rung_at", flat=True).first()


def ask_rounds_to_end(cluster: str) -> None:
    """Let the round under way end soon: the cluster is about to stop."""
    Wake.objects.filter(queue=_canary(cluster)).update(pending=True)


def stopping(cluster: str) -> bool:
    """Whether the cluster was asked to stop."""
    return Wake.objects.filter(queue=_canary(cluster), pending=True).exists()


def _canary(cluster: str) -> str:
    return f"canary:{cluster}"[:32]


def workers() -> int:
    """How many drains a cluster hosts."""
    return int(settings.WORKERS)
