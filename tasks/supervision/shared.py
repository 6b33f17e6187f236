"""What several of the verbs need: the task locked, the stage checked, the reason asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasks import arrivals, log, machine
from tasks.machine import Refused
from tasks.models import Review, Subtask, Task
from tasks.workflow import upstream

S = Subtask.Status


class Stale(Refused):
    """The person looked at something that has changed since. `review` is how it stands now."""

    def __init__(self, text: str, review: Review) -> None:
        super().__init__(text)
        self.review = review


def follow(row: Subtask, *, by: str, now: datetime, word: str = "") -> None:
    """What follows when a person has ended a stage: successors start, the task may be done."""
    task = row.task
    if word and not row.item:
        machine.touch(Task.objects.filter(pk=task.pk), stage_status=word)
    else:
        changed(task)
    log.write(arrivals.passed({row.pk}, now=now) + arrivals.complete([task.pk], by=by, now=now))


def locked(task: Task) -> Task:
    """The task as it is now, and nobody else changes it before this transaction ends."""
    return Task.objects.select_for_update().select_related("workflow_version", "workflow").get(pk=task.pk)


def changed(task: Task) -> None:
    """A new version of the task, so that pages which show it are made anew."""
    machine.touch(Task.objects.filter(pk=task.pk))


def live_rows(task: Task, stage: str, item: str = "") -> Any:
    """The rows of the newest round: of one stage, of all where none is named, of one of its items."""
    rows = Subtask.objects.filter(task=task, live=1)
    rows = rows.filter(stage=stage) if stage else rows
    return rows.filter(item=item) if item else rows


def check_stage(task: Task, stage: str, verb: str, before: str = "") -> None:
    """Refuse a stage that the workflow has not, or that does not come before another."""
    stages = task.workflow_version.stages
    names = [one["name"] for one in stages]
    if stage not in names:
        raise Refused(
            f"Cannot {verb} {task.key} to {stage!r}: its workflow has the stages {', '.join(names)}."
        )
    if before and stage not in upstream(before, stages) | {before}:
        raise Refused(
            f"Cannot {verb} {task.key} to {stage!r}: it does not come before {before}. "
            f"Choose one of {', '.join(sorted(upstream(before, stages)))}."
        )


def check_open(task: Task, stage: str, verb: str) -> None:
    """Say why nothing moved; silent where the stage is where the verb would have brought it, or has ended."""
    row = live_rows(task, stage).exclude(status__in=[*Subtask.ENDED, S.READY]).first()
    if row is None:
        return check_stage(task, stage, verb)
    why = {
        S.DOING: "it runs now. Wait for it, or pause the task and stop what runs",
        S.BLOCKED: "it has not begun. Wait for what it needs",
        S.WAITING: "a person is asked there. Decide the review",
    }[S(row.status)]
    raise Refused(f"Cannot {verb} {stage} of {task.key}: {why}.")


def needs_reason(reason: str, what: str) -> str:
    """The reason on one line; Refused where it is empty."""
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(f"Cannot {what}: say why in a few words; others will read it.")
    return reason
