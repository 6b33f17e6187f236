"""The support workflow as it ships, in this process's database, worked off by real drains."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from tasks import lifecycle, queue
from tasks.drain import Drain
from tasks.engine import workers
from tasks.models import Review, Task
from tasks.workflow import samples, shipped
from tests.tasks.workflows.support.sample import DESK


def hire(folder: Path) -> None:
    """Sync a copy of the shipped workflow, alone."""
    shutil.copytree(DESK.parent, folder / "workflows" / "support", ignore=shutil.ignore_patterns("samples"))
    shipped.sync("clawbot", agents=folder / "none", workflows=folder / "workflows")


def a_sample(name: str) -> Task:
    """An injected sample."""
    given, folder = samples.read("support", name)
    return lifecycle.inject("support", title=given["title"], input=given, folder=folder, by="clawbot")


def a_message(
    text: str, *, sender: str = "sam@orchard.example", subject: str = "A message", **more: Any
) -> Task:
    """An injected message."""
    given = {"title": subject or "Mail", "subject": subject, "text": text, "from": sender, **more}
    return lifecycle.inject("support", title=given["title"], input=given, by="clawbot")


def work() -> None:
    """One drain works until nothing is left to do."""
    queue.hang_bell()
    worker = workers.start("here")
    try:
        asyncio.run(asyncio.wait_for(Drain(worker, lingers=False).run(), 60))
    finally:
        workers.end(worker, "the test")


def review(task: Task) -> Review:
    """The review that is open."""
    return Review.objects.get(task=task, open=1)


def went(task: Task) -> list[str]:
    """The stages that ran, in the order of the file."""
    rows = task.subtasks.filter(live=1, item="", status="done").order_by("position")
    return [row.stage for row in rows]


def ended(task: Task) -> tuple[str, str]:
    """Status and outcome."""
    task.refresh_from_db()
    return task.status, task.outcome


def reply(task: Task) -> str:
    """The newest text of the reply."""
    return task.artifacts.filter(kind="draft").order_by("-number")[0].text


def files(task: Task, data: Path) -> dict[str, str]:
    """The letter's files by ending."""
    found = task.artifacts.filter(kind__startswith="letter_", stale_since=None).exclude(path="")
    return {Path(one.path).suffix: (data / one.path).read_text("utf-8") for one in found}
