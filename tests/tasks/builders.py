"""A small workflow and helpers that do what workers and people do, through the verbs."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents.contract import Finding, Made, Outcome
from tasks import lifecycle, log, workflow
from tasks.models import Subtask, Task, Worker, Workflow, WorkflowVersion

ARTICLE: list[dict[str, Any]] = [
    {
        "name": "research",
        "agent": "research",
        "done_as": "research_done",
        "retry": {"times": 3, "backoff": 30},
    },
    {"name": "write", "agent": "writer", "needs": ["research"], "done_as": "draft_ready"},
    {
        "name": "review",
        "agent": "reviewer",
        "needs": ["write"],
        "judges": "write",
        "done_as": "reviewed",
        "send_back": {"to": "write", "at_most": 2},
    },
    {"name": "format", "agent": "formatter", "needs": ["review"], "done_as": "formatted"},
    {
        "name": "approve",
        "agent": "human",
        "needs": ["format"],
        "judges": "write",
        "done_as": "approved",
        "notify": ["editors"],
    },
    {"name": "publish", "agent": "publisher", "needs": ["approve"], "done_as": "published"},
]


def a_workflow(
    name: str = "article", stages: Sequence[Any] | None = None, key: str = "ART", **more: Any
) -> Workflow:
    """A stored workflow with one version."""
    shape = workflow.Shape.model_validate(
        {"name": name, "title": name.capitalize(), "key": key, "stages": stages or ARTICLE, **more}
    )
    definition = json.loads(json.dumps(shape.model_dump()))
    with transaction.atomic():
        flow, _ = Workflow.objects.get_or_create(slug=name, defaults={"title": shape.title, "key": key})
        flow.active = WorkflowVersion.objects.create(
            workflow=flow,
            number=flow.versions.count() + 1,
            definition=definition,
            sha256=hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest(),
            created_at=timezone.now(),
            created_by="clawbot",
        )
        flow.save()
        log.record("workflow.version", by="clawbot", workflow=name, number=flow.active.number, sha256="")
    return flow


def a_task(
    title: str = "Why agents need a manager", *, by: str = "clawbot", flow: str = "article", **more: Any
) -> Task:
    """An injected task."""
    if not Workflow.objects.filter(slug=flow).exists():
        a_workflow(flow)
    return lifecycle.inject(flow, title=title, input=more.pop("input", {}), by=by, **more)


def a_worker(name: str = "worker-a") -> Worker:
    """A living worker."""
    now = timezone.now()
    return Worker.objects.create(
        name=name,
        host="host",
        pid=1,
        started_at=now,
        heartbeat_at=now,
        lease_until=now + timedelta(hours=1),
    )


def done(kind: str = "draft", text: str = "Agents work, people decide.", **more: Any) -> Outcome:
    """A finished piece of work."""
    return Outcome(word="done", made=(Made(kind=kind, text=text),), summary=f"Made one {kind}.", **more)


def returned(sentence: str = "Agents never sleep.") -> Outcome:
    """What a reviewer says who cannot find a source."""
    finding = Finding(kind="unsupported_claim", text="No source says so.", quote=sentence)
    return Outcome(word="send_back", why="One claim has no source.", findings=(finding,))


KINDS = {
    "research": "research",
    "writer": "draft",
    "formatter": "page_html",
    "publisher": "published_html",
    "reviewer": "review",
}


def claim_all(worker: Worker | None = None) -> list[lifecycle.Claimed]:
    """All that may be claimed now."""
    return lifecycle.claim(worker or Worker.objects.filter(ended_at=None).first() or a_worker(), 100)


def finish(claimed: lifecycle.Claimed, outcome: Outcome | None = None, **more: Any) -> bool:
    """Bring back one result; whether it was accepted."""
    outcome = outcome or done(
        KINDS.get(claimed.subtask.agent, "draft"), f"{claimed.subtask.stage} {uuid.uuid4()}"
    )
    return not lifecycle.finish([lifecycle.Result(claimed, outcome, **more)])


def work_until(task: Task, stage: str) -> None:
    """Let agents do every stage before `stage`."""
    for _ in range(30):
        row = current(task, stage)
        if row.status in {Subtask.Status.READY, Subtask.Status.WAITING, Subtask.Status.DONE}:
            return
        for claimed in claim_all():
            if claimed.task.pk == task.pk:
                built = (
                    list(task.artifacts.values_list("sha256", flat=True))
                    if claimed.subtask.agent == "formatter"
                    else []
                )
                finish(claimed, built_on=built)
    raise AssertionError(f"{task.key} never came to {stage}")


def current(task: Task, stage: str) -> Subtask:
    """The current row of a stage."""
    return Subtask.objects.get(task=task, stage=stage, live=1)


def statuses(task: Task) -> dict[str, str]:
    """Stage -> status of the current rows."""
    return dict(Subtask.objects.filter(task=task, live=1).order_by("position").values_list("stage", "status"))


def an_agent(name: str) -> None:
    """Hire an agent of this name that accepts and returns anything, once."""
    from agents.definition import Definition

    hired(Definition(name=name, role="llm", title=name.capitalize()))


def hired(definition: Any) -> None:
    """Hire an agent with its line in the log, whatever the workflows would say to it."""
    from agents import staff

    if made := staff.store(definition, by="clawbot", note=""):
        told = {"agent": definition.name, "number": made.number, "sha256": made.sha256, "note": ""}
        log.record("agent.version", by="clawbot", **told)
