"""A cluster whose idle workers were killed stands still while it looks alive. It must not stay so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from clawbot.bench import load
from tests import databases

WITHIN = 90.0


@pytest.fixture
def work(transactional_db: None, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`./manage.py work` on this test's database, with workers to spare and a short canary."""
    from django.db import connection

    environment = {
        **databases.environment(f"sqlite:///{connection.settings_dict['NAME']}", tmp_path / "var"),
        "DJANGO_SETTINGS_MODULE": "tests.races.spare_settings", "CLAWBOT_CANARY_SECONDS": "2",
        "CLAWBOT_GRACE_SECONDS": "2",
    }  # fmt: skip
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "work"],
            cwd=databases.ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            text=True,
        )
    yield process
    process.terminate()
    try:
        process.wait(30)
    finally:
        process.kill()
        process.wait()
    assert not descendants(process.pid), "something of the cluster outlived it"


def until(condition: Callable[[], Any], seconds: float) -> Any:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        if value := condition():
            return value
        time.sleep(0.1)
    return condition()


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, nearest first."""
    found: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        found += psutil.Process(pid).children()
        for one in found:  # the list grows while it is walked
            found += one.children()
    return [one.pid for one in found]


def drains() -> list[int]:
    from tasks.models import Worker

    return list(Worker.objects.filter(ended_at=None).values_list("pid", flat=True))


def all_done() -> bool:
    from tasks.models import Task

    return Task.objects.exists() and not Task.objects.exclude(status=Task.Status.DONE).exists()


def test_work_goes_on_by_itself_after_idle_workers_were_killed(work: subprocess.Popen[str]) -> None:
    from tasks.models import Event

    flow = load.prepare("wedge", 0)
    load.fill(flow, 1)
    assert until(all_done, WITHIN), "the cluster did not come up"
    first = drains()
    # qcluster -> sentinel -> workers, monitor, pusher; all of them but the drain stand idle or sweep.
    idle = [pid for pid in descendants(work.pid)[2:] if pid not in first]

    for pid in idle:
        os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()

    assert until(lambda: Event.objects.filter(kind="cluster.restarted").exists() or drains() != first, WITHIN)
    load.fill(flow, 1)
    assert until(all_done, WITHIN - (time.monotonic() - killed_at))
    assert until(_swept_again, WITHIN - (time.monotonic() - killed_at)), "nobody sweeps any more"


def _swept_again() -> bool:
    """A round of sweeps has begun in the last moments."""
    from django.utils import timezone

    from tasks.models import Wake

    signs = Wake.objects.filter(queue__startswith="canary:").values_list("rung_at", flat=True)
    return any((timezone.now() - sign).total_seconds() < 5 for sign in signs)


def test_a_killed_drain_is_replaced_and_its_work_taken_back(work: subprocess.Popen[str]) -> None:
    from tasks.models import Event, Run

    load.fill(load.prepare("slow", 2), 1)
    assert until(lambda: Run.objects.filter(status=Run.Status.DOING).exists(), WITHIN)
    (drain,) = drains()

    os.kill(drain, signal.SIGKILL)

    assert until(all_done, WITHIN)
    assert Event.objects.filter(kind="subtask.rescued").count() == 1
    assert drain not in drains()


def test_nothing_outlives_a_supervisor_that_is_killed(work: subprocess.Popen[str]) -> None:
    assert until(drains, WITHIN)
    cluster = descendants(work.pid)

    work.kill()
    work.wait()

    assert until(lambda: not any(psutil.pid_exists(pid) for pid in cluster), 30)
