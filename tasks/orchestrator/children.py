"""Injects the tasks that stages wait for: outside any transaction, because their files are copied."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from tasks import arrivals, injection, log, workspace
from tasks.machine import Refused
from tasks.models import Subtask, Task
from tasks.workflow import conditions

BY = "orchestrator:children"
#: A task that injects a task that injects a task: deeper than this is a mistake.
DEEPEST = 5


def inject(now: datetime) -> int:
    """Return how many tasks were injected.

    1. Rows that wait for a task which is not there yet.
    2. One task per row, by its key, whoever comes first.
    3. A row whose task cannot be injected fails as its `on_failure` says.
    """
    under_way = Task.objects.filter(parent=OuterRef("pk")).exclude(status=Task.Status.DONE)
    waiting = Subtask.objects.filter(
        ~Exists(under_way), awaits=Subtask.Awaits.CHILD, status=Subtask.Status.BLOCKED, live=1
    )
    rows = waiting.select_related("task__workflow_version", "task__workflow").order_by("pk")[:200]
    return sum(_inject(row, now) for row in rows)


def _inject(row: Subtask, now: datetime) -> bool:
    task, stage = row.task, row.task.workflow_version.stage(row.stage)
    given = _given(row, stage)
    title = str(given.pop("title", "")) or (f"{task.title}, {row.item}" if row.item else task.title)
    try:
        if _depth(task) >= DEEPEST:
            raise Refused(f"{task.key} is already {DEEPEST} tasks deep. Let the workflows inject less.")
        child = injection.inject(
            stage["inject"], title=title, input=given, by=BY, key=_key(row), parent=row,
            folder=workspace.root(task.key),
        )  # fmt: skip
    except Refused as refused:
        with transaction.atomic():
            log.write(arrivals.give_up(row, f"Its task could not be injected. {refused}", by=BY, now=now))
        return False
    log.record("subtask.injects", by=BY, task=task, stage=row.stage, item=row.item, child=child.key)
    return True


def _key(row: Subtask) -> str:
    """One task per row and try: a stage that a person retries injects another one."""
    before = row.children.count()
    return f"child:{row.pk}:{before}" if before else f"child:{row.pk}"


def _given(row: Subtask, stage: dict[str, Any]) -> dict[str, Any]:
    """What the file says that the new task brings."""
    facts = arrivals.facts(row.task)
    item = row.given
    found: dict[str, Any] = {}
    for name, reference in stage["give"].items():
        if reference == "item":
            found[name] = item
        elif reference.startswith("item."):
            found[name] = item.get(reference.removeprefix("item.")) if isinstance(item, dict) else None
        else:
            found[name] = conditions.look_up(reference, facts)
    return {name: value for name, value in found.items() if value is not None}


def _depth(task: Task) -> int:
    depth = 0
    while task.parent_id and depth <= DEEPEST:
        parent = Subtask.objects.select_related("task").get(pk=task.parent_id)
        task, depth = parent.task, depth + 1
    return depth
