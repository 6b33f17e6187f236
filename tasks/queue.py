"""The only file that knows django-q2: which long tasks the cluster hosts, and the doorbell.

Nothing here is the truth: the row is the queue. Losing every bell and every queued task loses nothing
(drains also look by themselves once a second, the supervisor asks again); ringing twice does nothing.

A cluster runs what `HOSTED` names and nothing else, whatever lies in its queue. django-q2 would unpickle a
queued task and run the function it names; here the name and plain arguments travel as signed JSON, and the
task is made of them beyond the queue (`Guard`).
"""

from __future__ import annotations

import logging
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.utils import timezone
from django_q.brokers import Broker
from django_q.signing import SignedPackage

from . import log as events
from .engine import child
from .models import Wake

log = logging.getLogger(__name__)

BELL = "work"  # the row of the doorbell, and the name PostgreSQL notifies under
CHANNEL = "clawbot_work"
SUPERVISOR = "CLAWBOT_SUPERVISOR_PID"  # who started this cluster; its processes end when that one is gone
BROKERS = {"orm": ("orm", "ORM"), "redis": ("redis_broker", "Redis"), "sqs": ("aws_sqs", "Sqs")}
HOSTED = ("drain", "round_of_sweeps")  # the functions of this file that a cluster runs
SALT = "clawbot.queue"  # not django-q2's: what it signed is none of ours
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


def run_cluster() -> None:
    """Be the cluster that `environment` names, until a signal comes."""
    from django_q.cluster import Cluster  # reads the name when it is imported

    Cluster().start()


def ask_drain(cluster: str, slot: str) -> None:
    """Queue one drain. It occupies a worker of the cluster until it is asked to stop."""
    _ask("drain", cluster, slot)


def ask_round(cluster: str, seconds: float) -> None:
    """Queue one round of the orchestrator; its beginning is the cluster's sign of life."""
    _ask("round_of_sweeps", cluster, seconds)


def _ask(function: str, cluster: str, *values: str | float) -> None:
    broker(cluster).enqueue(signing.dumps([function, [cluster, *values]], salt=SALT))


def forget(cluster: str) -> None:
    """Remove the queue of a cluster that is gone."""
    broker(cluster).delete_queue()
    Wake.objects.filter(queue=_canary(cluster)).delete()


def forget_old() -> None:
    """Remove what clusters left behind whose supervisor was killed more than a day ago."""
    from django_q.models import OrmQ

    long_ago = timezone.now() - timedelta(days=1)
    OrmQ.objects.filter(key__startswith="clawbot-", lock__lt=long_ago).delete()
    Wake.objects.filter(queue__startswith="canary:", rung_at__lt=long_ago).delete()


# -- What it is handed ----------------------------------------------------------------------------------


class Guard(Broker):
    """Stands before a broker of django-q2 and hands out what `HOSTED` names. Anything else is removed from
    the queue without being unpickled, imported or run, and logged."""

    def dequeue(self) -> list[tuple[None, str]]:
        """The next tasks, as django-q2 reads them. Fetched is acknowledged: nothing is handed out twice."""
        tasks = []
        for receipt, message in super().dequeue() or ():
            self.delete(receipt)
            try:
                tasks.append((None, SignedPackage.dumps(_task(message))))
            except Exception as error:  # whatever is wrong with it, it is not ours
                _refuse(self.list_key, str(error) or type(error).__name__)
        return tasks

    # A cluster tells its state by a pickle in the cache. Nobody of ours asks for it.

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Keep nothing."""

    def get_stat(self, key: str) -> None:
        """Find nothing."""

    def get_stats(self, pattern: str) -> list[str]:
        """Find nothing."""
        return []


def refuse_schedules() -> None:
    """Remove what lies in django-q2's table of schedules: nothing of ours writes there or runs it."""
    from django_q.models import Schedule

    for pk, function in Schedule.objects.values_list("pk", "func")[:100]:
        if Schedule.objects.filter(pk=pk).delete()[0]:
            _refuse(Schedule._meta.db_table, f"{function[:80]!r} was to be run at a time")


def _refuse(queue: str, why: str) -> None:
    log.error("A task in the queue %s was refused and not run: %s", queue, why)
    if not connection.in_atomic_block:
        close_old_connections()  # refusals are rare: the connection may be a day old
    try:
        with transaction.atomic():
            events.record("queue.refused", by="orchestrator:queue", queue=queue, why=why)
    except (DatabaseError, InterfaceError) as error:
        log.warning("The refusal could not be written into the log: %s", error)


def _task(message: str | bytes) -> dict[str, Any]:
    """What a worker is to run for a message. Raises ValueError if the message is not ours."""
    text = message.decode() if isinstance(message, bytes) else message
    try:
        function, values = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        raise ValueError("it does not carry Clawbot's signature for tasks") from None
    if function not in HOSTED:
        raise ValueError(f"{str(function)[:80]!r} is none of the functions that a cluster runs")
    return {
        "id": uuid.uuid4().hex,
        "name": function,
        "func": f"{__name__}.{function}",
        "args": values,
        "kwargs": {},
        "started": timezone.now(),
        "timeout": -1,  # no alarm may hit a long task
        "save": False,
    }


def broker(list_key: str) -> Any:
    """The broker of one queue, of the kind that CLAWBOT_BROKER names. django-q2 asks here too (`broker_class`
    in settings.Q_CLUSTER), so that no cluster can be started without the guard."""
    module, name = BROKERS[settings.BROKER]
    kind = getattr(import_module(f"django_q.brokers.{module}"), name)  # the client of each is optional
    return type("Guarded", (Guard, kind), {})(list_key=list_key)


# -- What runs inside it --------------------------------------------------------------------------------


def drain(cluster: str, slot: str) -> str:
    """Work until asked to stop; returns why it ended."""
    from . import drain as worker

    return worker.work(cluster=f"{cluster}-{slot}")


def round_of_sweeps(cluster: str, seconds: float) -> None:
    """Show the sign of life, then sweep once a second until the round is over or its cluster is gone.
    A cluster whose drains do not see the data folder of the others sweeps nothing."""
    from . import database, orchestrator
    from .engine import site

    over = time.monotonic() + seconds
    try:
        sing(cluster)
        refuse_schedules()
    except (DatabaseError, InterfaceError) as error:
        database.ails(error)
        raise
    while time.monotonic() < over and not orphaned() and not stopping(cluster):
        began = time.monotonic()
        if site.proved(cluster):  # sweeps begin tasks, write heads and seal with the key of the folder
            orchestrator.tick()
        time.sleep(max(0.05, 1 - (time.monotonic() - began)))


def orphaned() -> bool:
    """Whether the supervisor that started this process's cluster, or the cluster itself, is gone."""
    supervisor = os.environ.get(SUPERVISOR, "")
    return os.getppid() == 1 or (bool(supervisor) and not child.is_below(int(supervisor)))


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
