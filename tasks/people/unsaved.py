"""What people have typed into an editor and not saved yet: kept until they save it or discard it.

It is theirs alone and no part of the task: nothing else reads it, and no event tells of it.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from tasks import access, artifacts, clock
from tasks.machine import Refused
from tasks.models import Review, Task, UnsavedEdit


def kept(task: Task, kind: str, *, by: str) -> UnsavedEdit | None:
    """What this person has typed and neither saved nor discarded; None where it is what stands there."""
    row = _row(task, kind, by)
    if row is None or row.saved_at or row.discarded_at:
        return None
    latest = artifacts.latest(task, kind)
    return None if latest and latest.text == row.text else row


def discarded(task: Task, kind: str, *, by: str) -> UnsavedEdit | None:
    """What this person has discarded and may bring back."""
    row = _row(task, kind, by)
    return row if row and row.discarded_at else None


def settled(task: Task, kind: str, *, by: str) -> str:
    """The form whose words were saved or discarded last: a browser that still has them forgets them."""
    row = _row(task, kind, by)
    return row.settled if row else ""


def keep(review: Review, kind: str, text: str, *, by: str, base_sha256: str = "") -> None:
    """Keep what was typed, in place of what was kept before; an emptied field leaves that. Refused where the
    person may not edit it."""
    access.require(by, "edit", review)
    text = text.replace("\r\n", "\n")
    if not text.strip():
        return
    known = _row(review.task, kind, by)
    if known and known.saved_at and known.text == text:
        return  # sent by the page as it left, and overtaken by its own saving
    person = access.user(by)
    if person is None:
        raise Refused(f"Cannot keep the words of {by}: there is no such person.")
    UnsavedEdit.objects.update_or_create(
        user=person, task_id=review.task_id, kind=kind,
        defaults={
            "text": text, "base_sha256": base_sha256, "typed_at": clock.now(), "saved_at": None,
            "discarded_at": None,
        },
    )  # fmt: skip


def settle(task: Task, kind: str, *, by: str, form: str) -> None:
    """The words of this form are a draft now: nothing unsaved is left of them."""
    _rows(task, kind, by).update(saved_at=clock.now(), settled=form[:64], discarded_at=None)


def discard(task: Task, kind: str, *, by: str, form: str = "") -> None:
    """Put the words away. They can be brought back until the person types anew."""
    with transaction.atomic():
        rows = _rows(task, kind, by)
        rows.filter(discarded_at=None, saved_at=None).update(discarded_at=clock.now())
        if form:
            rows.update(settled=form[:64])


def bring_back(task: Task, kind: str, *, by: str) -> None:
    """Undo `discard`."""
    _rows(task, kind, by).update(discarded_at=None)


def _rows(task: Task, kind: str, by: str) -> QuerySet[UnsavedEdit]:
    return UnsavedEdit.objects.filter(task=task, kind=kind, user__username=by.removeprefix("user:"))


def _row(task: Task, kind: str, by: str) -> UnsavedEdit | None:
    return _rows(task, kind, by).first()
