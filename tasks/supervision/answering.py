"""An agent's question answered: with words, files and addresses, as a numbered request in its next brief."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from tasks import arrivals, artifacts, log, machine, outbox, queue, workspace
from tasks.engine import site
from tasks.machine import Refused
from tasks.models import Decision, Review, Subtask, Task
from tasks.workflow import check_input

from .decisions import decidable, decide
from .shared import changed

#: the kind of artifact that keeps each version of a task's input once an answer has changed it
INPUT = "input"
LONGEST = 20_000
_ABOUT_SOURCES = re.compile(r"\b(?:sources?|files?|address(?:es)?|feeds?)\b", re.I)
_ADDRESS = re.compile(r"https?://[^\s<>\"'()]+", re.I)


def answer(
    review: Review,
    *,
    by: str,
    request_id: str,
    note: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    artifact_sha256: str | None = None,
    review_version: int | None = None,
    channel: str = "page",
) -> Decision:
    """Give an agent what it asked for: waiting -> ready, with `note` and `files` (name and content) as one
    more request of its brief. If it asked for sources, the files and the addresses in the note join those of
    the task, as a new version of its input.

    Refused without words and files, for more than `workspace` takes, and if the review asks no question.
    """
    if known := Decision.objects.filter(request_id=request_id).first():
        return known
    key, note = review.task.key, note.strip()
    if not note and not files:
        raise Refused(f"Cannot answer {key}: write a few words, or add a file.")
    if len(note) > LONGEST:
        raise Refused(f"Cannot answer {key}: at most {LONGEST:,} characters. Put the rest into a file.")
    decidable(review, "answer", by, artifact_sha256, review_version)  # before anything is written
    if files:
        site.require_folder()
    there = workspace.names(key)
    placed = workspace.add(key, files)  # before the transaction: a disk can take long
    try:
        with transaction.atomic():
            if known := Decision.objects.filter(request_id=request_id).first():
                workspace.remove(key, placed)
                return known
            return _answer(
                decidable(review, "answer", by, artifact_sha256, review_version),
                by=by, request_id=request_id, note=note, placed=placed, there=there, channel=channel,
            )  # fmt: skip
    except BaseException:
        workspace.remove(key, placed)
        raise


def _answer(
    review: Review,
    *,
    by: str,
    request_id: str,
    note: str,
    placed: Sequence[str],
    there: Sequence[str],
    channel: str,
) -> Decision:
    decision = decide(review, "answer", by=by, request_id=request_id, note=note, channel=channel)
    now = decision.decided_at
    Decision.objects.filter(pk=decision.pk).update(released_at=now)
    row = review.subtask
    number = max((int(one["number"]) for one in row.requests), default=0) + 1
    said = " ".join([note, f"Files: {', '.join(placed)}." if placed else ""]).strip()
    request = {"number": number, "text": said, "quote": "", "by": by}
    moved = machine.move(
        Subtask.objects.filter(pk=row.pk), "retry", not_before=now, reason="", crashes=0,
        max_attempts=F("attempts") + 1, requests=[*row.requests, request],
    )  # fmt: skip
    if not moved:
        raise Refused(f"Cannot answer {review.task.key}: {row.stage} does not wait for an answer any more.")
    joined = _join(review, placed, note, there, by=by, now=now)
    changed(review.task)
    outbox.decided(review, decision)  # before the event, which carries what changed until then
    log.record(
        "review.answered", by=by, task=review.task, stage=row.stage, item=row.item, review=review.pk,
        request=number, files=list(placed), sources=joined,
    )  # fmt: skip
    log.write(arrivals.arrive(list(Subtask.objects.filter(pk=row.pk)), now=now, named={row.stage}))
    queue.ring()
    return decision


def _join(
    review: Review, placed: Sequence[str], note: str, there: Sequence[str], *, by: str, now: datetime
) -> list[str]:
    """Add what was given to the task's sources, if it was sources that the agent asked for; returns what was
    added. Refused if the workflow's input does not allow it."""
    task: Task = review.task
    schema = task.workflow_version.definition.get("input") or {}
    key = next(
        (one for one in workspace.KEYS if one in task.input or one in schema.get("properties", {})), ""
    )
    new: list[Any] = [*placed, *(one.rstrip(".,;:") for one in _ADDRESS.findall(note))]
    if not key or not new or not _ABOUT_SOURCES.search(review.why):
        return []
    named = list(task.input.get(key) or there)  # a task that names none rests on all of its files
    value = {**task.input, key: named + [one for one in new if one not in named]}
    if problems := check_input(schema, {**value, "title": task.title}):
        raise Refused(f"Cannot answer {task.key}: {' '.join(problems)}")
    for data, who in [(task.input, task.created_by), (value, by)]:
        if data is value or artifacts.latest(task, INPUT) is None:
            artifacts.build(
                artifacts.Numbers([task.pk]), task=task, subtask=None, run=None, kind=INPUT, text="",
                data=data, made_by=who, at=now,
            ).save()  # fmt: skip
    machine.touch(Task.objects.filter(pk=task.pk), input=value)
    return [str(one) for one in new]
