"""The order workflow as it ships, in this process's database, worked off by real drains on a moved clock."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.outside import circuit
from tasks import clock, lifecycle, queue, workflow
from tasks.drain import Drain
from tasks.engine import workers
from tasks.models import Review, Subtask, Task
from tasks.workflow import samples, shipped

GOOD = {
    "email": "lena@fernhill.example", "items": [{"sku": "PUMP-200", "quantity": 2}], "card": "tok_4242",
}  # fmt: skip
PATIENCE = 2.0  # seconds that agents wait for an answer; ten in the shipped files


def hire(
    folder: Path, change: Callable[[str, str], str] = lambda name, text: text, seconds: float = PATIENCE
) -> None:
    """Sync a copy of the shipped workflow whose agents are less patient; `change(name, text)` may edit
    any of its files."""
    copy = folder / "workflows" / "order"
    shutil.copytree(workflow.FOLDER / "order", copy, ignore=shutil.ignore_patterns("samples", "__pycache__"))
    for file in [*copy.glob("agents/*.yaml"), copy / "workflow.yaml"]:
        text = file.read_text("utf-8")
        changed, count = re.subn(r"seconds: 10s", f"seconds: {seconds:g}s", text)
        assert count or file.name == "workflow.yaml"
        file.write_text(change(file.name, changed), "utf-8")
    shipped.sync("clawbot", agents=folder / "none", workflows=folder / "workflows")


def an_order(title: str = "Two pumps for Fernhill", **more: Any) -> Task:
    return lifecycle.inject("order", title=title, input={**GOOD, "title": title, **more}, by="clawbot")


def a_sample(name: str) -> Task:
    given, folder = samples.read("order", name)
    return lifecycle.inject("order", title=given["title"], input=given, folder=folder, by="clawbot")


class Hours:
    """Moves the engine's clock and the circuits' together."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._moved = 0.0
        patch.setattr(circuit, "monotonic", lambda: time.monotonic() + self._moved)

    def pass_(self, hours: float = 2) -> None:
        self._moved += hours * 3600
        clock.move(timedelta(hours=hours))


def work() -> None:
    """One drain works until nothing is left to do at this time."""
    queue.hang_bell()
    worker = workers.start("here")
    try:
        asyncio.run(asyncio.wait_for(Drain(worker, lingers=False).run(), 120))
    finally:
        workers.end(worker, "the test")


def work_off(hours: Hours, rounds: int = 100) -> None:
    """Work and let time pass until every order is done, or waits for a person."""
    for _ in range(rounds):
        work()
        if not open_rows().exclude(status=Subtask.Status.WAITING).exists():
            return
        hours.pass_()


def open_rows() -> Any:
    return Subtask.objects.filter(live=1, status__in=Subtask.OPEN, task__status=Task.Status.DOING)


def ended(task: Task) -> tuple[str, str]:
    """Status and outcome."""
    task.refresh_from_db()
    return task.status, task.outcome


def review(task: Task) -> Review:
    return Review.objects.get(task=task, open=1)
