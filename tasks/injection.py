"""How a task comes into being and leaves the backlog: `inject` and `start`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.text import slugify

from agents.masking import mask

from . import access, arrivals, clock, log, machine, rounds, workspace
from .engine import site
from .machine import Refused
from .models import Event, Review, Subtask, Task, Workflow
from .workflow import check_input

S = Subtask.Status
LONGEST_KEY = 200  # as the column has it; SQLite would take more


def inject(
    workflow: str,
    *,
    title: str,
    input: dict[str, Any],
    by: str,
    folder: Path | None = None,
    anywhere: bool = False,
    key: str | None = None,
    backlog: bool = False,
    starts_at: datetime | None = None,
    due_on: date | None = None,
    priority: int | None = None,
    owner: str = "",
    correlation_id: str | None = None,
    parent: Subtask | None = None,
) -> Task:
    """Inject a task with its subtasks; it may run at once, at `starts_at`, or waits in the backlog.

    `folder` is where the files that the input names are found; `key` makes a repeated call return the
    first call's task; `priority` is the workflow's where it is not said; `correlation_id` is what the
    outside calls it; `parent` is the stage of another task that waits for it. Refuses an unknown
    workflow, an input its schema does not allow, a missing file.
    """
    # What this person may not see is not there; what they may only look at says so.
    flow = access.seen(Workflow, by).select_related("active").filter(slug=workflow).first()
    access.require(by, "inject", flow)
    if key and len(key) > LONGEST_KEY:
        raise Refused(f"Cannot inject {title[:60]!r}: a key has {LONGEST_KEY} characters at most.")
    if key and (known := Task.objects.filter(idempotency_key=key).first()):
        access.require(by, "inject", known)
        return known
    if flow is None or flow.active is None:
        there = access.seen(Workflow, by).values_list("slug", flat=True)
        names = ", ".join(there) or "none yet; run `./manage.py sync`"
        raise Refused(f"Cannot inject {title!r}: there is no workflow {workflow!r}. There are: {names}.")
    title = mask(" ".join(str(title).split()))[:200]  # before it names files
    problems = check_input(flow.active.definition["input"], {**input, "title": title})
    if not title or problems:
        raise Refused(f"Cannot inject {title!r} into {workflow}: {' '.join(problems) or 'it needs a title.'}")
    if folder:
        site.require_folder()
    # Files are copied before the transaction: a copy can take long.
    given, waiting = workspace.collect({**input, "title": title}, folder, anywhere=anywhere)
    with transaction.atomic():
        return _store_task(
            flow,
            title,
            given,
            waiting,
            by=by,
            key=key,
            priority=flow.active.definition.get("priority", 0) if priority is None else priority,
            correlation_id=correlation_id,
            parent=parent,
            due_on=due_on,
            owner=owner,
            starts_at=None if backlog else starts_at or clock.now(),
        )


def _store_task(
    flow: Workflow,
    title: str,
    given: dict[str, Any],
    waiting: Path | None,
    *,
    by: str,
    starts_at: datetime | None,
    key: str | None,
    **values: Any,
) -> Task:
    now = clock.now()
    # The update takes the workflow's row: two injections at once get two numbers and two slugs.
    Workflow.objects.filter(pk=flow.pk).update(last_number=F("last_number") + 1)
    number = Workflow.objects.values_list("last_number", flat=True).get(pk=flow.pk)
    if key and (known := Task.objects.filter(idempotency_key=key).first()):
        return known
    assert flow.active is not None  # inject refused a workflow without a version
    task = Task.objects.create(
        key=f"{flow.key}-{number}",
        number=number,
        workflow=flow,
        workflow_version=flow.active,
        title=title,
        slug=_free_slug(flow, title, f"{flow.key}-{number}"),
        input=given,
        starts_at=starts_at,
        idempotency_key=key,
        created_at=now,
        created_by=by,
        **values,
    )
    workspace.keep(waiting, task.key)
    names = [stage["name"] for stage in task.workflow_version.stages]
    due = starts_at is not None and starts_at <= now
    ready = rounds.lay(task, names, now=now, go=due and not full(flow), requests=[])
    events = [
        log.line("task.injected", by=by, task=task, workflow=flow.slug, version=task.workflow_version.number)
    ]
    log.write(events + _begin(task, ready, by=by, now=now))
    return task


def _free_slug(flow: Workflow, title: str, key: str) -> str:
    slug = slugify(title)[:60].strip("-") or "untitled"
    return f"{slug}-{key.lower()}" if Task.objects.filter(workflow=flow, slug=slug).exists() else slug


def _begin(task: Task, ready: Sequence[Subtask], *, by: str, now: datetime) -> list[Event]:
    """A task leaves the backlog."""
    if not ready:
        return []
    started = log.line("task.started", by=by, task=task, stages=[row.stage for row in ready])
    return [started, *arrivals.arrive(ready, now=now)]


def start(tasks: Iterable[Task], *, by: str) -> list[Task]:
    """Let backlog tasks begin: first stages blocked -> ready. Returns the tasks that began now.

    A workflow that has reached one of its limits begins no more by itself; a person may go beyond it.
    """
    tasks = list(tasks)
    for task in tasks:
        access.require(by, "start", task)
    begun: list[Task] = []
    now = clock.now()
    person = by.startswith("user:")
    with transaction.atomic():
        for task in tasks:
            # The workflow's row lets two beginnings pass one after the other.
            flow = Workflow.objects.select_for_update().get(pk=task.workflow_id)
            if not person and full(flow):
                continue
            first = Subtask.objects.filter(task=task, live=1, needs_left=0, task__status=Task.Status.BACKLOG)
            if not machine.move(first, "start", not_before=now):
                continue
            machine.touch(Task.objects.filter(pk=task.pk), starts_at=now)
            rows = list(
                Subtask.objects.filter(task=task, live=1, status=S.READY).select_related(
                    "task__workflow_version"
                )
            )
            log.write(_begin(task, rows, by=by, now=now))
            begun.append(task)
    return begun


def full(flow: Workflow) -> str:
    """Which limit of its file keeps a workflow from beginning more tasks by itself; empty where none."""
    limits = flow.active.definition.get("limits", {}) if flow.active else {}
    if most := limits.get("at_once"):
        begun = Subtask.objects.filter(task=OuterRef("pk"), live=1, status__in=[S.READY, S.DOING, S.WAITING])
        count = Task.objects.filter(Exists(begun), workflow=flow).count()
        if count >= most:
            return f"{count} tasks of this workflow are in work, which is its limit."
    if most := limits.get("reviews"):
        count = Review.objects.filter(task__workflow=flow, open=1).count()
        if count >= most:
            return f"{count} reviews of this workflow wait for people, which is its limit."
    return ""
