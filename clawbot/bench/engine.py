"""Measures the engine as it runs in earnest: `./manage.py work` on an empty database, five stages per task.

Speed is stages per second from the first claim to the last finish; the idle figure is one task at a time,
from the call that injects it until its fifth result is stored.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min

from tasks import clock, lifecycle, log, queue
from tasks.engine import child
from tasks.models import Hold, Run, Task, Worker, Workflow

from . import load

PATIENCE = 300.0
WAITING = 0.1  # seconds that a stage of the waiting pipeline takes


@dataclass(frozen=True)
class Figures:
    """What one database gave."""

    nothing: float  # stages per second, stages that do nothing
    waiting: float  # stages per second, stages of 100 ms
    in_flight: int
    idle_p50: float  # milliseconds
    idle_p95: float
    memory: float  # megabytes, proportional share of all processes
    cpu: float  # seconds per 1000 stages that do nothing, without the database server


def measure(tasks: int, waiting_tasks: int, singles: int) -> Figures:
    """Measure on the configured database, which must be empty and migrated."""
    nothing, waiting = load.prepare("nothing", 0), load.prepare("waiting", WAITING)
    load.fill(nothing, tasks)
    _hold()  # nothing moves until everybody is there and everything is laid
    with at_work() as cluster:
        wait_for(lambda: Worker.objects.filter(ended_at=None).count() >= settings.WORKERS)
        used = _cpu(cluster.pid)
        fast = _race(nothing)
        used = _cpu(cluster.pid) - used
        memory = sum(map(_memory, _tree(cluster.pid)))
        load.fill(waiting, waiting_tasks)
        slow = _race(waiting)
        _let_go()
        times = sorted(_single(nothing, number) for number in range(singles))
    return Figures(
        nothing=fast, waiting=slow, in_flight=settings.CONCURRENCY * settings.WORKERS,
        idle_p50=statistics.median(times), idle_p95=times[int(len(times) * 0.95)], memory=memory,
        cpu=used / (tasks * load.STAGES) * 1000,
    )  # fmt: skip


@transaction.atomic
def _hold() -> None:
    why = "Laying the load"
    hold = Hold.objects.create(scope="all", why=why, placed_by="clawbot", placed_at=clock.now())
    log.record("hold.placed", by="clawbot", hold=hold.pk, scope="all", target="", why=why, until=None)


@transaction.atomic
def _let_go() -> None:
    for hold in Hold.objects.filter(open=1):
        Hold.objects.filter(pk=hold.pk).update(open=None, lifted_at=clock.now(), lifted_by="clawbot")
        log.record("hold.lifted", by="clawbot", hold=hold.pk, scope=hold.scope, target=hold.target)
    queue.ring()


@contextmanager
def at_work() -> Iterator[subprocess.Popen[str]]:
    """`./manage.py work` as its own processes, on this database."""
    environment = {**os.environ, "LOG_LEVEL": "ERROR"}
    process = child.spawn(
        [sys.executable, "manage.py", "work"], environment, cwd=settings.ROOT, stdout=sys.stderr
    )
    try:
        yield process
    finally:
        child.end(process, 30)


def _race(flow: Workflow) -> float:
    """Let the laid tasks go; stages per second until the last is done."""
    _let_go()
    mine = Task.objects.filter(workflow=flow)
    wait_for(lambda: not mine.exclude(status=Task.Status.DONE).exists(), pause=0.2)
    runs = Run.objects.filter(task__workflow=flow)
    span = runs.aggregate(first=Min("started_at"), last=Max("ended_at"))
    _hold()
    return float(runs.count() / (span["last"] - span["first"]).total_seconds())


def _single(flow: Workflow, number: int) -> float:
    """Milliseconds for one task on an idle engine."""
    time.sleep(0.2)  # until everybody lingers at the doorbell again
    began = time.perf_counter()
    task = lifecycle.inject(flow.slug, title=f"Single {number}", input={}, by="clawbot")
    wait_for(lambda: Task.objects.filter(pk=task.pk, status=Task.Status.DONE).exists(), pause=0.001)
    return (time.perf_counter() - began) * 1000


def wait_for(condition: Callable[[], bool], pause: float = 0.1) -> None:
    """Look again every `pause` seconds until it holds. Raises TimeoutError after five minutes."""
    over = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > over:
            raise TimeoutError("The engine did not finish its load in five minutes.")
        time.sleep(pause)


def _tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process and all below it have used."""
    seconds = 0.0
    for one in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            used = one.cpu_times()
            seconds += used.user + used.system
    return seconds


def _memory(process: psutil.Process) -> float:
    """Megabytes: what is shared counts in part on Linux, in full elsewhere."""
    try:
        used = process.memory_full_info()
        return float(getattr(used, "pss", used.rss) / 2**20)
    except psutil.Error:
        return 0.0
