"""A shipped workflow from `./manage.py inject ... --wait` to its files while a real drain works beside it."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models import Q

from tasks import clock, queue
from tasks.drain import Drain
from tasks.engine import workers
from tasks.models import Artifact, Run, Subtask, Task

DONE, WAITS, CANCELLED = 0, 3, 4  # how the command leaves


@dataclass
class Journey:
    """How the command left, what it said, and the task."""

    code: int
    said: str
    task: Task

    def text(self, kind: str) -> str:
        """The newest text of a kind."""
        return Artifact.objects.filter(task=self.task, kind=kind).latest("id").text

    def file(self, suffix: str) -> str:
        """The task's newest file with this ending, as it lies on the disk."""
        path = Artifact.objects.filter(task=self.task, path__endswith=suffix).latest("id").path
        return (Path(settings.DATA) / path).read_text("utf-8")

    def runs(self) -> dict[tuple[str, str], int]:
        """How often each piece of work was begun: (stage, item) -> runs."""
        found: dict[tuple[str, str], int] = {}
        for stage, item in Run.objects.filter(task=self.task).values_list("subtask__stage", "subtask__item"):
            found[stage, item] = found.get((stage, item), 0) + 1
        return found


def begin(*words: str) -> Task:
    """Inject and do not wait."""
    out = io.StringIO()
    call_command("inject", *words, stdout=out)
    return Task.objects.get(key=out.getvalue().strip())


def inject(*words: str) -> Journey:
    """Inject and wait, as a person at a terminal does."""
    out, code = io.StringIO(), DONE
    with at_work():
        try:
            call_command("inject", *words, "--wait", stdout=out, stderr=out)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    said = out.getvalue()
    return Journey(code, said, Task.objects.get(key=said.split()[0]))


@contextmanager
def at_work() -> Iterator[None]:
    """A worker claims and works in a thread of its own, until the block ends."""
    ended, failures = threading.Event(), list[BaseException]()

    def work() -> None:
        queue.hang_bell()
        worker = workers.start("journey")
        try:
            while not ended.is_set():
                asyncio.run(asyncio.wait_for(Drain(worker, lingers=False).run(), 300))
                ended.wait(0.02)
        except BaseException as error:
            failures.append(error)
        finally:
            workers.end(worker, "the test")
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]


def until_done(task: Task, seconds: float = 60) -> None:
    """Wait until the task is done."""
    _until(
        lambda: Task.objects.get(pk=task.pk).status == Task.Status.DONE, f"{task.key} is not done", seconds
    )


def until_still(task: Task, seconds: float = 60, *, waiting: bool = True) -> None:
    """Wait until nothing moves any more: the task is done, or a person must act; without `waiting` also
    where only a later attempt is to come."""
    _until(lambda: not _moves(task, waiting), f"{task.key} still moves", seconds)


def _moves(task: Task, waiting: bool) -> bool:
    rows = Subtask.objects.filter(task=task, live=1).exclude(task__status=Task.Status.DONE)
    later = Q() if waiting else Q(not_before=None) | Q(not_before__lte=clock.now())
    return rows.filter(Q(status=Subtask.Status.DOING) | (Q(status=Subtask.Status.READY) & later)).exists()


def _until(condition: Callable[[], bool], otherwise: str, seconds: float) -> None:
    over = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < over, otherwise
        time.sleep(0.05)
