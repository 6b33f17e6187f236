"""The load: a pipeline of stages that do nothing, or wait, in as many tasks as wanted."""

from __future__ import annotations

import json
from itertools import islice, pairwise
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents.definition import Definition
from tasks import log
from tasks.models import Need, Subtask, Task, Workflow, WorkflowVersion
from tasks.workflow import shipped
from tasks.workflow.shape import Shape

STAGES = 5
AT_ONCE = 500


def in_a_row(count: int) -> list[dict[str, Any]]:
    """Stages one after the other."""
    return [
        {"name": f"step{n}", "done_as": f"step{n}_done", "needs": [f"step{n - 1}"] if n else []}
        for n in range(count)
    ]


def prepare(name: str, seconds: float, stages: list[dict[str, Any]] | None = None) -> Workflow:
    """A workflow of these stages, else five in a row, whose agent takes `seconds` per stage."""
    agent = f"{name}-agent"
    definition = {
        "name": agent,
        "role": "rehearse",
        "settings": {"seconds": seconds},
        "limits": {"concurrency": 1000},
    }
    shipped.hire(Definition.model_validate(definition), by="clawbot")
    laid = [{**stage, "agent": agent} for stage in stages or in_a_row(STAGES)]
    shape = Shape.model_validate({"name": name, "title": name, "key": _key(name), "stages": laid})
    flow = Workflow.objects.create(slug=name, title=name, key=_key(name))
    flow.active = WorkflowVersion.objects.create(
        workflow=flow,
        number=1,
        definition=json.loads(json.dumps(shape.model_dump())),
        sha256="0" * 64,
        created_by="clawbot",
    )
    flow.save()
    return flow


def _key(name: str) -> str:
    return name.upper()[:8]


def fill(flow: Workflow, count: int) -> None:
    """Lay `count` tasks with all their stages, the first of each ready."""
    last = flow.last_number
    numbers = iter(range(last + 1, last + count + 1))
    while batch := list(islice(numbers, AT_ONCE)):
        _fill(flow, batch)
    flow.last_number = last + count
    flow.save(update_fields=["last_number"])


@transaction.atomic
def _fill(flow: Workflow, numbers: list[int]) -> None:
    now = timezone.now()
    tasks = Task.objects.bulk_create(
        Task(
            key=f"{flow.key}-{n}", number=n, workflow=flow, workflow_version=flow.active,
            title=f"Rehearsal {n}", slug=f"rehearsal-{n}", created_by="clawbot",
            created_at=now, starts_at=now,
        )
        for n in numbers
    )  # fmt: skip
    rows = Subtask.objects.bulk_create(
        Subtask(task=task, stage=stage["name"], position=place, agent=stage["agent"], workflow=flow,
                done_as=stage["done_as"], status="blocked" if place else "ready", needs_left=min(place, 1),
                not_before=now)
        for task in tasks
        for place, stage in enumerate(flow.active.stages)  # type: ignore[union-attr]
    )  # fmt: skip
    Need.objects.bulk_create(
        Need(subtask=later, on=earlier)
        for earlier, later in pairwise(rows)
        if earlier.task_id == later.task_id
    )
    log.write(
        log.line("task.injected", by="clawbot", task=task, workflow=flow.slug, version=1) for task in tasks
    )
