"""The processes of a race. `python -m tests.races.process` reads `drain` or `orchestrator` from its input,
line by line, and answers with the id of the process that now does this: forked from here, where everything
is loaded and no connection is open, because twenty-five starts from nothing would be most of the race.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from agents import registry  # noqa: E402
from agents.contract import Brief, Desk, Outcome  # noqa: E402
from agents.roles import rehearse  # noqa: E402
from tasks import carriers, drain, orchestrator, outbox  # noqa: E402
from tasks.carriers import console  # noqa: E402
from tasks.models import Notice, Task  # noqa: E402
from tests.races import faults, world  # noqa: E402


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave at once
    rehearse.work = _witnessed(rehearse.work)
    faults.apply(os.environ.get("RACE_FAULT", ""))
    registry.role("rehearse")
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _be(line.strip())
        print(pid, flush=True)


def _be(part: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        _play(part)
    finally:
        os._exit(0)


def _play(part: str) -> None:
    if part == "drain":
        drain.work("race")
    else:
        _orchestrate()


def _witnessed(work: Any) -> Any:
    async def witnessed(brief: Brief, desk: Desk) -> Outcome:
        world.write("body", task=brief.task, stage=brief.stage, attempt=brief.attempt)
        outcome: Outcome = await work(brief, desk)
        return outcome

    return witnessed


def _orchestrate() -> None:
    """Sweep, and tell of every finished task again and again, as several parts of a system might."""
    outbox.SENDING, outbox.SETTLING = timedelta(seconds=2), timedelta(seconds=0)
    console.send, console.find = _send, _find
    assert carriers.get("console") is console
    parent = os.getppid()
    while os.getppid() == parent:
        orchestrator.tick()
        for task in Task.objects.filter(status=Task.Status.DONE).order_by("?")[:5]:
            outbox.owe("completion", task=task, to=["operators"], content={}, key=f"race:{task.pk}")
        time.sleep(0.1)


def _send(notice: Notice) -> dict[str, Any]:
    world.write("notice", key=notice.key, task=notice.task.key, to=notice.recipient, what=notice.kind)
    return {"written": True}


def _find(notice: Notice) -> dict[str, Any] | None:
    sent = world.read(Path(os.environ["RACE_WORLD"]), "notice")
    return {"written": True} if any(line["key"] == notice.key for line in sent) else None


if __name__ == "__main__":
    main()
