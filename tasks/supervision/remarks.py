"""What people say about a text before they decide: comments, and what they think of a finding."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from agents.prose.passages import find
from tasks import access, clock, log
from tasks.machine import Refused
from tasks.models import Artifact, Comment, Finding

from .shared import changed


def comment(artifact: Artifact, *, by: str, text: str, quote: str = "") -> Comment:
    """Remark on a draft. It stays pending until its author decides the review."""
    access.require(by, "comment", artifact)
    text = text.strip()
    if not text:
        raise Refused("Cannot add an empty comment: write what should change.")
    with transaction.atomic():
        made = Comment.objects.create(
            task=artifact.task,
            artifact=artifact,
            by=by,
            text=text[:3000],
            quote=quote.strip()[:2000],
            made_at=clock.now(),
        )
        log.record("comment.made", by=by, task=artifact.task, comment=made.pk, artifact=artifact.pk)
    return made


def uncomment(made: Comment, *, by: str) -> None:
    """Take back one's own pending comment; one that was sent stays."""
    access.require(by, "comment", made)
    with transaction.atomic():
        gone, _ = Comment.objects.filter(pk=made.pk, by=by, number__isnull=True).delete()
        if gone:
            log.record("comment.removed", by=by, task=made.task, comment=made.pk)
        elif Comment.objects.filter(pk=made.pk).exists():
            raise Refused("Cannot remove this comment: it was sent with a return, or it is somebody else's.")


def in_order(comments: Iterable[Comment]) -> list[Comment]:
    """Comments in the order of the words that they are about; what is about the whole comes last."""

    def place(one: Comment) -> tuple[bool, int, int]:
        span = find(one.quote, one.artifact.text) if one.quote else None
        return span is None, span[0] if span else 0, one.pk

    return sorted(comments, key=place)


def judge(finding: Finding, *, by: str, state: str) -> None:
    """Agree with a reviewer's finding, or dispute it."""
    access.require(by, "judge", finding)
    if state not in {Finding.State.AGREED, Finding.State.DISPUTED}:
        raise Refused(f"Cannot mark finding {finding.number} as {state!r}: agree with it or dispute it.")
    with transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(state=state, decided_by=by)
        log.record("finding.judged", by=by, task=finding.task, finding=finding.pk, state=state)
        changed(finding.task)
