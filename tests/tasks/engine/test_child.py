"""Processes are looked at by what every system tells, and a number that is given out again fools nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from tasks.engine import child

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[str]]:
    process = child.spawn(SLEEP, os.environ)
    yield process
    child.kill_group(process)


def test_a_running_process_lives_and_one_that_ended_does_not(sleeper: subprocess.Popen[str]) -> None:
    assert child.is_alive(sleeper.pid)

    sleeper.kill()
    sleeper.wait()

    assert not child.is_alive(sleeper.pid)


def test_a_zombie_is_dead(sleeper: subprocess.Popen[str]) -> None:
    os.kill(sleeper.pid, signal.SIGKILL)
    over = time.monotonic() + 10
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < over:
        pass

    assert not child.is_alive(sleeper.pid)


def test_a_process_of_another_group_that_got_the_number_is_not_the_drain(
    sleeper: subprocess.Popen[str],
) -> None:
    assert child.is_alive(sleeper.pid, group=sleeper.pid)
    assert not child.is_alive(sleeper.pid, group=os.getpgid(os.getpid()))


def test_knows_whom_it_descends_from() -> None:
    assert child.is_below(os.getppid())
    assert not child.is_below(os.getpid())


def test_the_memory_of_this_process_is_told_in_megabytes() -> None:
    assert 10 < child.memory_megabytes() < 10_000
