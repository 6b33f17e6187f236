"""Work of one workflow in every kind of row, for people who have a role in another one only.

Whatever of it reaches them is seen: its workflow is *zebra*, its tasks read ZEB-1, all its texts hold
*quagga*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps

from agents.contract import Finding, Made, Outcome
from tasks import clock, log, schedules, supervision
from tasks.border import messages
from tasks.models import (
    Artifact,
    Comment,
    Decision,
    Hold,
    Member,
    Message,
    Notice,
    Review,
    Schedule,
    Task,
    Workflow,
)
from tests.tasks.builders import KINDS, a_task, a_workflow, an_agent, claim_all, finish

MARKS = ("zebra", "zeb-", "quagga")
OWNER = "user:owner"


@dataclass
class World:
    """The foreign rows that addresses name."""

    task: Task
    review: Review
    decision: Decision
    comment: Comment
    finding: int
    artifact: Artifact
    message: Message
    notice: Notice
    schedule: Schedule
    hold: Hold
    flow: Any


def build(person: Any) -> World:
    """The foreign work, made by a house admin through the verbs; `article` stands beside it."""
    person("owner", "admins")
    an_agent("writer")
    a_workflow()
    flow = a_workflow("zebra", key="ZEB")
    task, second = _task("Quagga report"), _task("Quagga letter")
    review = Review.objects.select_related("task", "artifact").get(task=task, open=1)
    assert review.artifact is not None
    comment = supervision.comment(review.artifact, by=OWNER, text="Quagga?")
    other = Review.objects.get(task=second, open=1)
    decision = supervision.approve(other, by=OWNER, request_id="quagga", note="Quagga, fine.")
    envelope = {
        "from": "quagga-desk", "to": "zebra", "type": "quagga", "data": {"title": "Quagga order"},
        "correlation_id": "quagga-1", "timestamp": "2026-02-17T12:00:00Z",
    }  # fmt: skip
    message = messages.receive(envelope, channel="api", by=OWNER).message
    plan = schedules.add(
        "zebra", name="quagga", line="0 9 * * *", zone="UTC", by=OWNER, input={"title": "Quagga daily"}
    )
    supervision.pause("workflow", "zebra", by=OWNER, why="Quagga holiday")
    hold = supervision.pause("task", task.key, by=OWNER, why="Quagga rest")
    log.record("task.done", by=OWNER, task=second, outcome="quagga")
    return World(
        task=task, review=review, decision=decision, comment=comment, artifact=review.artifact,
        finding=task.findings.get().pk, message=message, notice=Notice.objects.filter(task=task)[0],
        schedule=plan, hold=hold, flow=flow,
    )  # fmt: skip


def _task(title: str) -> Task:
    """A task of the foreign workflow that waits for a person, with a finding."""
    task = a_task(title, flow="zebra", by=OWNER)
    doubt = Finding(kind="unsupported_claim", text="Quagga?", quote="Quagga quagga.")
    for _ in range(4):
        for claimed in claim_all():
            made = Made(kind=KINDS[claimed.subtask.agent], text=f"Quagga quagga. {claimed.subtask.pk}")
            found = (doubt,) if claimed.subtask.agent == "reviewer" else ()
            finish(claimed, Outcome(made=(made,), summary="Quagga.", findings=found))
    return task


def member(person: Any, name: str, role: str, flow: str = "article") -> Any:
    """Somebody without a group, with this role in one workflow; with none at all where `role` is empty."""
    user = person(name, "viewers")
    user.groups.clear()
    user.is_staff = user.is_superuser = False
    user.save()
    if role:
        where = Workflow.objects.filter(slug=flow).first() or a_workflow(flow)
        Member.objects.create(user=user, workflow=where, role=role, added_by=OWNER, added_at=clock.now())
    return user


def rows() -> dict[str, list[Any]]:
    """Every row of the work, to compare."""
    kept = [*apps.get_app_config("tasks").get_models(), *apps.get_app_config("agents").get_models()]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in kept}
