"""What a task looks like to programs: `status --json`, the REST API and MCP give exactly this.

The names are promises (docs/settings.md and the CHANGELOG): add, never rename.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tasks.models import Artifact, Notice, Review, Subtask, Task
from tasks.why import whys

Shape = dict[str, Any]


def task_shape(task: Task) -> Shape:
    """Everything about one task."""
    reviews = [review_shape(review) for review in _open_reviews(task)]
    return brief_shapes([task])[0] | {
        "stage_status": task.stage_status,
        "why": whys([task])[task.pk].sentence,
        "waiting_for": reviews[0] if reviews else None,
        "reviews": reviews,
        "stages": [stage_shape(row) for row in _current(task)],
        "artifacts": [artifact_shape(one) for one in Artifact.objects.filter(task=task).order_by("id")],
        "notices": [notice_shape(one) for one in Notice.objects.filter(task=task).order_by("id")],
    }


def brief_shapes(tasks: Sequence[Task]) -> list[Shape]:
    """The first five fields, as lists of tasks have them."""
    return [
        {
            "key": task.key,
            "title": task.title,
            "workflow": task.workflow.slug,
            "status": task.status,
            "outcome": task.outcome or None,
        }
        for task in tasks
    ]


def review_shape(review: Review) -> Shape:
    """One open wait for a person. `artifact_sha256` and `version` are what a decision must name."""
    return {
        "id": review.pk,
        "kind": review.kind,
        "stage": review.subtask.stage,
        "reason": review.why,
        "verbs": list(review.verbs),
        "due_at": _stamp(review.due_at),
        "owner": review.owner or None,
        "artifact_sha256": review.artifact_sha256 or None,
        "version": review.version,
    }


def stage_shape(row: Subtask) -> Shape:
    """One stage, in its current round."""
    return {
        "name": row.stage,
        "item": row.item or None,
        "status": row.status,
        "agent": row.agent,
        "round": row.round,
        "attempts": row.attempts,
        "done_as": row.done_as if row.status == Subtask.Status.DONE else None,
        "reason": row.reason or None,
        "started_at": _stamp(row.started_at),
        "finished_at": _stamp(row.finished_at),
    }


def artifact_shape(artifact: Artifact) -> Shape:
    """One version of a thing that was made; its text is asked for by itself."""
    return {
        "kind": artifact.kind,
        "version": artifact.number,
        "sha256": artifact.sha256,
        "path": artifact.path or None,
        "made_by": artifact.made_by,
        "made_at": _stamp(artifact.made_at),
        "stale": artifact.stale_since is not None,
    }


def notice_shape(notice: Notice) -> Shape:
    """One message owed to people."""
    return {
        "kind": notice.kind,
        "carrier": notice.carrier,
        "recipient": notice.recipient,
        "state": notice.state,
        "text": notice.text,
        "sent_at": _stamp(notice.sent_at),
    }


def _open_reviews(task: Task) -> list[Review]:
    """Due first; what is due at no time comes last."""
    found: Iterable[Review] = Review.objects.filter(task=task, open=1).select_related("subtask")
    return sorted(
        found, key=lambda review: (review.due_at is None, review.due_at or review.opened_at, review.pk)
    )


def _current(task: Task) -> list[Subtask]:
    return list(Subtask.objects.filter(task=task, live=1).order_by("position", "item"))


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
