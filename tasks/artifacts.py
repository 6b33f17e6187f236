"""Stores versions of what runs and people make. Nothing here is ever overwritten."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from agents.contract import CALL

from .models import Artifact, Run, Subtask, Task


def digest(text: str, data: dict[str, Any]) -> str:
    """SHA-256 over the text, then over the data as canonical JSON."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode() + b"\0" + canonical.encode()).hexdigest()


class Numbers:
    """The next free number per task and kind, for a batch: one query, no gaps.

    The caller holds the tasks' rows (it has just moved a subtask of each), so nobody else numbers
    artifacts of the same task meanwhile; the unique index would refuse it.
    """

    def __init__(self, tasks: Iterable[int]) -> None:
        rows = (
            Artifact.objects.filter(task__in=list(tasks))
            .values_list("task", "kind")
            .annotate(last=Max("number"))
        )
        self._last = {(task, kind): last for task, kind, last in rows.order_by()}

    def next(self, task: int, kind: str) -> int:
        """Take the next number."""
        number = self._last.get((task, kind), 0) + 1
        self._last[task, kind] = number
        return number


def build(
    numbers: Numbers,
    *,
    task: Task,
    subtask: Subtask | None,
    run: Run | None,
    kind: str,
    text: str,
    data: dict[str, Any],
    made_by: str,
    at: datetime,
    path: str = "",
    built_on: Iterable[str] = (),
    stage: str = "",
) -> Artifact:
    """An unsaved artifact with the next number of its kind."""
    return Artifact(
        task=task,
        kind=kind,
        number=numbers.next(task.pk, kind),
        stage=stage or (subtask.stage if subtask else ""),
        subtask=subtask,
        run=run,
        text=text,
        data=data,
        sha256=digest(text, data),
        path=path,
        built_on=list(built_on),
        made_by=made_by,
        made_at=at,
    )


def works() -> QuerySet[Artifact]:
    """What was made as work: everything but the calls that agents ask leave for."""
    return Artifact.objects.exclude(kind=CALL)


def latest(task: Task, kind: str) -> Artifact | None:
    """The newest version of a kind."""
    return Artifact.objects.filter(task=task, kind=kind).order_by("-number").first()


def subjects(reports: Sequence[Artifact]) -> dict[int, Artifact]:
    """Which draft each of these reports is about, by the report's key: what its run corrected, else the
    version that its run was given, as its hashes say. A report of before hashes were kept is about the draft
    that was the newest then."""
    drafts: dict[int, list[Artifact]] = defaultdict(list)
    for draft in Artifact.objects.filter(task__in={one.task_id for one in reports}, kind="draft").order_by(
        "id"
    ):
        drafts[draft.task_id].append(draft)
    found = {}
    for report in reports:
        mine = list(reversed(drafts[report.task_id]))
        corrected = (one for one in mine if report.run_id and one.run_id == report.run_id)
        given = (one for one in mine if one.sha256 in report.built_on)
        newest = (one for one in mine if one.pk < report.pk and not report.built_on)
        about = next(corrected, None) or next(given, None) or next(newest, None)
        if about:
            found[report.pk] = about
    return found


def reports(tasks: Iterable[Any]) -> dict[int, tuple[Artifact, Artifact]]:
    """The newest report of each task with the draft that it is about, by the task's key."""
    newest = works().filter(task__in=list(tasks), kind="review").order_by().values("task")
    rows = list(Artifact.objects.filter(pk__in=newest.annotate(pk_=Max("pk")).values("pk_")))
    about = subjects(rows)
    return {one.task_id: (one, about[one.pk]) for one in rows if one.pk in about}


def judged(task: Task, stage: str) -> Artifact | None:
    """The newest version of what this stage makes: a reviewer's correction or a person's edit of it
    counts, whoever made it."""
    kind = (
        works().filter(task=task, stage=stage).order_by("-id").values_list("kind", flat=True).first()
        if stage
        else None
    )
    return latest(task, kind) if kind else None
