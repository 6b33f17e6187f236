"""Opens and closes waits for a person. A wait has a reason, deciders, a due time and verbs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from agents.contract import CALL
from tasks import access, artifacts, clock, log, machine, outbox
from tasks.models import Artifact, Event, Finding, Review, Subtask, Task
from tasks.workflow import HUMAN, downstream, upstream

from . import asked, away, policy

K = Review.Kind

#: which verbs may answer which kind of wait
VERBS: dict[str, tuple[str, ...]] = {
    K.GATE: ("approve", "send_back", "edit", "cancel"),
    K.ESCALATION: ("answer", "send_back", "approve", "edit", "retry", "skip", "cancel"),
    K.LOOP: ("approve", "send_back", "edit", "skip", "cancel"),
    K.ATTEMPTS: ("retry", "skip", "cancel"),
    K.POISON: ("retry", "skip", "cancel"),
    K.STALLED: ("retry", "skip", "cancel"),
    # No edit: an edited call would be another one than the agent makes.
    K.TOOL: ("approve", "send_back", "retry", "skip", "cancel"),
}
#: who is asked where the workflow does not say
GROUP: dict[str, str] = {K.GATE: "editors", K.ESCALATION: "editors", K.LOOP: "editors"}
DUE = timedelta(hours=4)


def open_gate(row: Subtask, *, now: datetime) -> list[Event]:
    """Move a human stage from ready to waiting, open its review and owe its one notice."""
    stage = row.task.workflow_version.stage(row.stage)
    if not machine.move(
        Subtask.objects.filter(pk=row.pk), "escalate", started_at=now, reason="A person decides."
    ):
        return []
    return open_review(row, K.GATE, _gate_sentence(row), by="clawbot", now=now, stage=stage)


def _gate_sentence(row: Subtask) -> str:
    """What a person should know before reading, as it is when the gate opens."""
    artifact = _subject(row, row.task.workflow_version.stage(row.stage))
    return asked.sentences([(row.task_id, artifact)])[0]


def open_review(
    row: Subtask,
    kind: str,
    why: str,
    *,
    by: str,
    now: datetime,
    stage: dict[str, Any] | None = None,
    author: str = "",
) -> list[Event]:
    """Open the review of a subtask that has just become `waiting`, and owe the people who decide a
    notice. If it is about the text of an `author`, it is theirs, and those of the next gate may decide it
    too. Returns the events to write."""
    stage = stage or row.task.workflow_version.stage(row.stage)
    artifact = _call(row) if kind == K.TOOL else _subject(row, stage)
    due, verbs = stage.get("due") or {}, _verbs(kind, artifact)
    review = Review.objects.create(
        task=row.task,
        subtask=row,
        artifact=artifact,
        artifact_sha256=artifact.sha256 if artifact else "",
        kind=kind,
        why=why,
        verbs=verbs,
        deciders=_of_gate(row) if author else _deciders(kind, stage, verbs),
        owner=away.stand_in(author or row.task.owner, now),
        opened_at=now,
        due_at=now + (timedelta(seconds=due["after"]) if due else DUE),
        ladder=due.get("then", []),
    )
    _notify(review, stage)
    event = log.line(
        "review.opened",
        by=by,
        task=row.task,
        stage=row.stage,
        review=review.pk,
        kind=kind,
        due_at=review.due_at.isoformat() if review.due_at else None,
    )
    return [event, log.line("subtask.waiting", by=by, task=row.task, stage=row.stage, why=why)]


def _subject(row: Subtask, stage: dict[str, Any]) -> Artifact | None:
    """What the person is asked about: the judged text, else the newest thing made before this stage."""
    if stage["judges"]:
        return artifacts.judged(row.task, stage["judges"])
    made = artifacts.works().filter(task=row.task).order_by("-id")
    before = upstream(row.stage, row.task.workflow_version.stages)
    return made.filter(subtask=row).first() or made.filter(stage__in=before).first()


def _call(row: Subtask) -> Artifact | None:
    """The call that the agent asked for last at this piece of work."""
    return Artifact.objects.filter(subtask=row, kind=CALL).order_by("-id").first()


def _verbs(kind: str, artifact: Artifact | None) -> list[str]:
    """Without anything to read there is nothing to approve, edit or return."""
    return [verb for verb in VERBS[kind] if artifact or verb not in {"approve", "edit", "send_back"}]


def _deciders(kind: str, stage: dict[str, Any], verbs: Sequence[str]) -> dict[str, Any]:
    """Who is asked: nobody is told to decide what none of the review's verbs lets them."""
    if kind in {K.GATE, K.TOOL}:
        return dict(stage["deciders"])
    least = min(access.GROUPS.index(access.LEAST[verb]) for verb in verbs)
    group = max(access.GROUPS.index(GROUP.get(kind, "operators")), least)
    return {"group": access.GROUPS[group], "count": 1, "four_eyes": False}


def _of_gate(row: Subtask) -> dict[str, Any]:
    """One of those who decide at the next gate: it is there that the text is released."""
    later = downstream(row.stage, row.task.workflow_version.stages)
    gates = [row.task.workflow_version.stage(name) for name in later]
    rule: dict[str, Any] = next((gate["deciders"] for gate in gates if gate["agent"] == HUMAN), {})
    groups = policy.groups(rule) if rule else ["editors"]
    return {"group": min(groups, key=access.GROUPS.index), "count": 1, "four_eyes": False}


def requests(task: Task, *, by: str) -> list[dict[str, Any]]:
    """The open findings as numbered requests for the next draft."""
    findings = Finding.objects.filter(task=task, state=Finding.State.OPEN).order_by("number")
    return [
        {
            "number": place,
            "text": f"{found.text} {found.suggestion}".strip(),
            "quote": found.quote,
            "by": by,
            "finding": found.pk,
        }
        for place, found in enumerate(findings, start=1)
    ]


def _notify(review: Review, stage: dict[str, Any]) -> None:
    groups = list(stage["notify"]) if review.kind == K.GATE else policy.groups(review.deciders)
    if review.kind == K.LOOP and review.owner:
        groups = [review.owner]
    kind = "completion" if review.kind == K.GATE else "escalation"
    outbox.owe(
        kind,
        task=review.task,
        review=review,
        to=groups,
        content=facts(review),
        key=f"{kind}:review:{review.pk}",
    )


def facts(review: Review) -> dict[str, Any]:
    """The facts every message about a review carries: id, title, path, one-paragraph summary."""
    task = review.task
    summary = artifacts.latest(task, "summary")
    return {
        "key": task.key,
        "title": task.title,
        "path": planned_path(review) or (summary.data.get("path", "") if summary else ""),
        "summary": summary.text if summary and review.kind == K.GATE else asked.said(review),
        "why": asked.said(review),
        "draft": review.artifact.number if review.artifact and review.kind != K.TOOL else None,
        "due_at": review.due_at.isoformat() if review.due_at else None,
        "workflow": task.workflow.title,
        "verbs": review.verbs,
    }


def planned_path(review: Review) -> str:
    """The staged file that the person is asked to release, as written; empty where there is none."""
    paths = (
        Artifact.objects.filter(task=review.task, stale_since__isnull=True)
        .exclude(path="")
        .order_by("-id")
        .values_list("path", flat=True)
    )
    return next((path for path in paths[:12] if path.endswith(".php")), paths.first() or "")


def close(rows: Any, *, now: datetime) -> int:
    """Close the open reviews in this queryset; returns how many were open."""
    return int(rows.filter(open=1).update(open=None, closed_at=now, version=F("version") + 1))


def see(review: Review, *, by: str) -> bool:
    """Note that somebody who may answer a review has opened it; the first time counts. False where it was
    opened before, is closed, or `by` may only look."""
    if review.first_seen_at or not review.open or not by.startswith("user:"):
        return False
    person = access.user(by)
    if not any(access.can(person, verb, review) for verb in review.verbs):
        return False
    with transaction.atomic():
        unseen = Review.objects.filter(pk=review.pk, open=1, first_seen_at__isnull=True)
        if not unseen.update(first_seen_at=clock.now()):
            return False
        log.record("review.seen", by=by, task=review.task, review=review.pk)
    return True
