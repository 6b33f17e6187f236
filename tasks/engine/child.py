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


def is_alive(pid: int) -> bool:
    """Whether this process of ours (or of a descendant) still runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False
    except OSError:
        return True
