"""A text changed by hand: a new version, and what becomes of all that was built on the old one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from agents.contract import CALL
from tasks import access, artifacts, clock, log, outbox, proof
from tasks.machine import Refused
from tasks.models import Artifact, Decision, Review, Task
from tasks.people import edits, policy

from .shared import Stale, changed, locked


@proof.alarmed
def edit(
    task: Task,
    *,
    by: str,
    text: str,
    kind: str = "draft",
    base_sha256: str | None = None,
    review: Review | None = None,
    then: Mapping[str, str] | None = None,
) -> Artifact:
    """Change a text by hand: a new version, never a changed one. What was built on the old one is stale.

    `then` says for each stage that was built on it whether to keep, rerun or review it (see `after_edit`;
    what it leaves out is done as a careful person would). Without `then` the deterministic stages before
    an open gate render the new text at once, and all else is kept.
    """
    access.require(by, "edit", review or task)
    now = clock.now()
    with transaction.atomic():
        task = locked(task)
        old = _editable(task, kind)
        if edits.would_strand(task, old, by):
            raise Refused(
                f"Cannot edit {old.kind} of {task.key}: you are the last who could still approve it, and "
                "this workflow asks for somebody who wrote nothing of it. Return it with a request instead, "
                "or ask an admin to add somebody."
            )
        text = text.replace("\r\n", "\n")
        if old.text == text:
            return old
        if base_sha256 is not None and base_sha256 != old.sha256:
            raise Stale(
                f"Cannot save your edit of {task.key}: {kind} {old.number} arrived while you wrote. "
                "Your text is kept below; compare and save again.",
                review or Review(task=task),
            )
        found = edits.choices(task, old, text)
        new = artifacts.build(
            artifacts.Numbers([task.pk]),
            task=task,
            subtask=old.subtask,
            run=None,
            kind=kind,
            text=text,
            data=old.data,
            made_by=by,
            at=now,
            built_on=[old.sha256],
            stage=old.stage,
        )
        new.save()
        edits.mark_stale(task, old, but=new, now=now)
        _ask_again(task, kind, by=by, now=now)
        open_reviews = Review.objects.filter(task=task, open=1, artifact__kind=kind)
        gates = list(open_reviews.filter(kind=Review.Kind.GATE).select_related("subtask"))
        voided = [gate for gate in gates if policy.several(gate.deciders) and policy.approvers(gate)]
        open_reviews.update(artifact=new, artifact_sha256=new.sha256, version=F("version") + 1)
        for gate in voided:
            outbox.uncounted(gate, what="Edited", by=by)
        if then is None:
            for gate in gates:
                edits.render_again(task, old, gate.subtask, now=now)
        else:
            then = edits.go_on(task, old, found, then, now=now)
        log.record(
            "artifact.edited",
            by=by,
            task=task,
            stage=old.stage,
            kind=kind,
            number=new.number,
            sha256=new.sha256,
            base=old.sha256,
            **({"then": then} if then else {}),
        )
        changed(task)
    return new


def _ask_again(task: Task, kind: str, *, by: str, now: datetime) -> None:
    """An approval that has not taken effect yet was of the text before this edit: it is void, and its review
    open again."""
    waiting = Decision.objects.filter(
        review__task=task, review__artifact__kind=kind, review__open=None, released_at=None, undone_at=None
    )
    for decision in waiting.select_related("review__subtask"):
        Decision.objects.filter(pk=decision.pk).update(undone_at=now)
        review = decision.review
        Review.objects.filter(pk=review.pk).update(open=1, closed_at=None, version=F("version") + 1)
        log.record(
            "review.undone", by=by, task=task, stage=review.subtask.stage, review=review.pk,
            verb=decision.verb, why="the text was edited",
        )  # fmt: skip


def after_edit(task: Task, *, kind: str = "draft", text: str) -> list[edits.Choice]:
    """What was built on the newest text, were it changed to `text`: each stage with its choices, the one that
    a careful person would make, and why. Changes nothing."""
    return edits.choices(task, _editable(task, kind), text.replace("\r\n", "\n"))


def _editable(task: Task, kind: str) -> Artifact:
    if kind == CALL:
        raise Refused(
            f"Cannot edit the call of {task.key}: an edited one would not be the one that its agent makes. "
            "Return the work, or change what the call is made from and let the agent ask again."
        )
    old = artifacts.latest(task, kind)
    if old is None:
        raise Refused(f"Cannot edit {kind} of {task.key}: there is none yet.")
    return proof.proven(old, what=f"edit {kind} of {task.key}")
