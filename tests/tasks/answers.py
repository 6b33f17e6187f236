"""Answers that people gave in the past, stored in bulk: for figures over many of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from tasks import artifacts, clock
from tasks.models import Artifact, Decision, Finding, Review, Run, Subtask, Task, Workflow
from tests.tasks.builders import a_workflow


@dataclass(frozen=True)
class Answer:
    """One review and the decision on it. Seconds; `seen` None: it was decided without its page."""

    by: str
    flow: str = "article"
    verb: str = "approve"
    ago: timedelta = timedelta(hours=1)
    seen: float | None = 60
    took: float = 300
    words: int = 400
    task: int | None = None  # answers with the same number are about one task
    undone: bool = False
    reminded: bool = False


def give(answers: Iterable[Answer]) -> None:
    """Store them, oldest first."""
    given = sorted(answers, key=lambda one: -one.ago)
    flows = {slug: _flow(slug) for slug in {one.flow for one in given}}
    now = clock.now()
    start = 1_000 + Task.objects.count()  # injected tasks count from one
    tasks: dict[object, Task] = {}
    for place, one in enumerate(given):
        flow, number = flows[one.flow], start + len(tasks) + 1
        name = place if one.task is None else ("task", one.task)
        tasks.setdefault(name, Task(
            key=f"{flow.key}-{number}", number=number, workflow=flow, workflow_version=flow.active,
            title="Why agents need a manager", slug=f"why-{number}", created_at=now - one.ago,
            created_by="clawbot", status="doing",
        ))  # fmt: skip
    QuerySet[Any](Task).bulk_create(tasks.values(), batch_size=500)
    of = [tasks[place if one.task is None else ("task", one.task)] for place, one in enumerate(given)]
    rows = [
        Subtask(
            task=task, workflow=task.workflow, stage="approve", agent="human", status="done", position=place,
            item=str(place), not_before=now, started_at=now, finished_at=now,
        )
        for place, task in enumerate(of)
    ]  # fmt: skip
    QuerySet[Any](Subtask).bulk_create(rows, batch_size=500)
    texts = [
        Artifact(
            task=task, kind="draft", number=place + 1, stage="write", text=" ".join(["word"] * one.words),
            sha256=uuid.uuid4().hex, made_by="agent:writer", made_at=now - one.ago,
        )
        for place, (task, one) in enumerate(zip(of, given, strict=True))
    ]  # fmt: skip
    QuerySet[Any](Artifact).bulk_create(texts, batch_size=500)
    reviews, decisions = [], []
    for task, row, text, one in zip(of, rows, texts, given, strict=True):
        opened = now - one.ago
        seen = None if one.seen is None else opened + timedelta(seconds=one.seen)
        at = (seen or opened) + timedelta(seconds=one.took)
        review = Review(
            task=task, subtask=row, artifact=text, artifact_sha256=text.sha256, kind="gate", why="-",
            verbs=["approve"], open=None, opened_at=opened, first_seen_at=seen, closed_at=at,
            rung=int(one.reminded),
        )  # fmt: skip
        reviews.append(review)
        decisions.append(Decision(
            review=review, verb=one.verb, by=f"user:{one.by}", channel="page", review_version=1,
            request_id=uuid.uuid4().hex, decided_at=at, release_at=at, undone_at=at if one.undone else None,
        ))  # fmt: skip
    QuerySet[Any](Review).bulk_create(reviews, batch_size=500)
    QuerySet[Any](Decision).bulk_create(decisions, batch_size=500)


def _flow(slug: str) -> Workflow:
    return Workflow.objects.filter(slug=slug).first() or a_workflow(slug, key=slug[:3].upper())


def judge(task: Task, yes: int, no: int = 0, *, kind: str = "tone", agent: str = "reviewer") -> None:
    """So many remarks of an agent on the task's draft, agreed with and disputed."""
    row = task.subtasks.get(stage="review", live=1)
    run = Run.objects.filter(task=task, agent=agent).first() or Run.objects.create(
        task=task, subtask=row, agent=agent, fence=1, status="done", started_at=clock.now(),
        ended_at=clock.now(),
    )  # fmt: skip
    draft, start = artifacts.latest(task, "draft"), Finding.objects.filter(task=task).count()
    QuerySet[Any](Finding).bulk_create(
        Finding(
            task=task, artifact=draft, run=run, number=start + place + 1, kind=kind, severity="minor",
            text="-", state="agreed" if place < yes else "disputed",
        )
        for place in range(yes + no)
    )  # fmt: skip
