"""Starts a child process in a process group of its own, and ends it within a bounded time."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import psutil

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def spawn(command: Sequence[str], environment: Mapping[str, str], **more: Any) -> subprocess.Popen[str]:
    """Start `command` in a group of its own, so that Ctrl-C reaches only us. Where the system can tell
    it, the child gets a SIGTERM when we die (call from the main thread: it is the thread's death)."""
    return subprocess.Popen(  # a new program, never a fork that goes on: no connection is shared
        command, env=dict(environment), start_new_session=True, preexec_fn=_die_with_parent, text=True, **more
    )  # fmt: skip


def _die_with_parent() -> None:
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end(child: subprocess.Popen[str], seconds: float) -> bool:
    """Ask the child alone (not its group) to end, wait at most `seconds`, then kill what is left of its
    group. Whether it ended by itself."""
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        child.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:
        kill_group(child)


def kill_group(child: subprocess.Popen[str]) -> None:
    """SIGKILL whatever is left of the child's group; it led a session, so its id names the group."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def is_alive(pid: int, group: int | None = None) -> bool:
    """Whether this process still runs; a zombie does not. With `group`, it must also belong to that
    process group: the system gives the number of a process that is gone to another one in time."""
    try:
        if psutil.Process(pid).status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return False
        return group is None or os.getpgid(pid) == group
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    except (psutil.AccessDenied, PermissionError):
        return group is None  # somebody else's process; ours we may look at


def is_below(ancestor: int) -> bool:
    """Whether this process still descends from that one. A parent that ended is nobody's ancestor any
    more, whoever has its number by now."""
    return any(parent.pid == ancestor for parent in psutil.Process().parents())


def memory_megabytes() -> float:
    """Resident memory of this process."""
    return float(psutil.Process().memory_info().rss / 2**20)
