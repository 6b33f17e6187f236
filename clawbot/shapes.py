"""What a task looks like to programs: `status --json`, the REST API and MCP give exactly this.

The names are promises (docs/settings.md and the CHANGELOG): add, never rename.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from agents.masking import mask_deep
from agents.models import Agent, AgentVersion
from clawbot.dashboard.sentences import sentence
from clawbot.people.models import Token
from tasks import items
from tasks.items import Items
from tasks.models import Artifact, Event, Hold, Message, Notice, Review, Subtask, Task, Workflow
from tasks.people import asked, quorum
from tasks.people.policy import UNAPPROVED
from tasks.why import whys
from tasks.workflow.graph import UNDO

Shape = dict[str, Any]
MOST_CHILDREN = 200  # of a task that fans out into tasks


def task_shape(task: Task) -> Shape:
    """Everything about one task."""
    reviews = [review_shape(review) for review in _open_reviews(task)]
    rows = _current(task)
    fans_out = any(row.spread is not None for row in rows) or task.undoing_at
    counted = items.counts([task.pk]) if fans_out else {}
    children = _children(task)
    return brief_shapes([task])[0] | {
        "stage_status": task.stage_status,
        "why": whys([task])[task.pk].sentence,
        "waiting_for": reviews[0] if reviews else None,
        "reviews": reviews,
        "stages": [
            stage_shape(row, counted.get((task.pk, row.stage)), children)
            for row in rows
            if not row.stage.endswith(UNDO)
        ],
        "undoing": task.undoing_at is not None,
        "undo": [stage_shape(row) for row in rows if row.stage.endswith(UNDO)],
        "parent": task.parent.task.key if task.parent else None,
        "children": [child_shape(child) for child in children],
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
        "item": review.subtask.item or None,
        "reason": asked.said(review),
        "needs": quorum.sentence(review) or None,
        "verbs": list(review.verbs),
        "due_at": _stamp(review.due_at),
        "owner": review.owner or None,
        "artifact_sha256": review.artifact_sha256 or None,
        "version": review.version,
    }


def waiting_shape(review: Review) -> Shape:
    """A review with the task that it is about."""
    return review_shape(review) | {
        "task": review.task.key,
        "title": review.task.title,
        "workflow": review.task.workflow.slug,
        "artifact": review.artifact.kind if review.artifact else None,
        "deciders": review.deciders,
        "open": review.open is not None,
        "opened_at": _stamp(review.opened_at),
        "closed_at": _stamp(review.closed_at),
    }


def stage_shape(row: Subtask, counted: Items | None = None, children: Iterable[Task] = ()) -> Shape:
    """One stage, in its current round. Where it fans out, `items` counts its items; `awaits` is `child` or
    `message` where it waits for something outside of its task, a message `until` then."""
    injected = [child.key for child in children if child.parent and child.parent.stage == row.stage]
    return {
        "name": row.stage,
        "item": row.item or None,
        "status": row.status,
        "passed_over": row.passed_over,
        "items": items_shape(counted) if counted else None,
        "awaits": row.awaits or None,
        "until": _stamp(row.not_before) if row.awaits == Subtask.Awaits.MESSAGE else None,
        "children": injected,
        "agent": row.agent,
        "round": row.round,
        "attempts": row.attempts,
        "done_as": row.done_as if row.status == Subtask.Status.DONE else None,
        "reason": row.reason or None,
        "started_at": _stamp(row.started_at),
        "finished_at": _stamp(row.finished_at),
    }


def items_shape(counted: Items) -> Shape:
    """How many items a stage has, and how they are."""
    return {
        "done": counted.done, "of": counted.of, "skipped": counted.skipped, "waiting": counted.waiting,
        "doing": counted.doing,
    }  # fmt: skip


def child_shape(child: Task) -> Shape:
    """A task that this one injected, and for which stage."""
    row = child.parent
    return {
        "key": child.key,
        "stage": row.stage if row else None,
        "item": row.item or None if row else None,
        "status": child.status,
        "outcome": child.outcome or None,
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
        "unapproved": artifact.data.get(UNAPPROVED) or None,
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


def hold_shape(hold: Hold) -> Shape:
    """One "stop here", open or lifted."""
    return {
        "id": hold.pk,
        "scope": hold.scope,
        "target": hold.target or None,
        "why": hold.why,
        "by": hold.placed_by,
        "at": _stamp(hold.placed_at),
        "until": _stamp(hold.until),
        "open": hold.open is not None,
        "lifted_by": hold.lifted_by or None,
        "lifted_at": _stamp(hold.lifted_at),
    }


def agent_shape(agent: Agent) -> Shape:
    """One member of the staff, by its active version."""
    version = agent.active
    wording = version.definition if version else {}
    return {
        "name": agent.slug,
        "title": wording.get("title", ""),
        "role": wording.get("role", ""),
        "scope": wording.get("scope", ""),
        "model": wording.get("model", ""),
        "tools": list(wording.get("tools", [])),
        "version": version.number if version else None,
        "offered": agent.offered.number if agent.offered else None,
    }


def agent_version_shape(version: AgentVersion, *, active: bool) -> Shape:
    """One wording of an agent."""
    return {
        "agent": version.agent.slug,
        "number": version.number,
        "active": active,
        "note": version.note,
        "made_by": version.created_by,
        "made_at": _stamp(version.created_at),
        "sha256": version.sha256,
        "definition": version.definition,
    }


def workflow_shape(flow: Workflow) -> Shape:
    """One kind of work, by its active version; `input` is the JSON Schema of what a task must bring."""
    version = flow.active
    return {
        "name": flow.slug,
        "title": flow.title,
        "about": flow.about,
        "key": flow.key,
        "version": version.number if version else None,
        "offered": flow.offered.number if flow.offered else None,
        "input": version.definition.get("input", {}) if version else {},
        "stages": [
            {name: stage[name] for name in ("name", "agent", "needs", "done_as")}
            for stage in (version.stages if version else [])
        ],
    }


def event_shape(event: Event) -> Shape:
    """One line of the log; `sentence` is what the Activity page says."""
    return {
        "id": event.pk,
        "at": _stamp(event.at),
        "kind": event.kind,
        "by": event.by,
        "task": event.task.key if event.task else None,
        "stage": event.stage or None,
        "sentence": sentence(event),
        "data": event.data,
    }


def message_shape(message: Message) -> Shape:
    """One envelope that crossed the border, and what became of it."""
    return {
        "id": message.pk,
        "direction": message.direction,
        "channel": message.channel,
        "state": message.state,
        "task": message.task.key if message.task else None,
        "correlation_id": message.correlation_id or None,
        "envelope": mask_deep(message.envelope),
        "error": message.error or None,
        "at": _stamp(message.at),
        "sent_at": _stamp(message.sent_at),
    }


def token_shape(token: Token) -> Shape:
    """One token, without its secret."""
    return {
        "id": token.pk,
        "owner": token.user.username,
        "name": token.name,
        "scope": token.scope,
        "hint": token.hint,
        "made_by": token.created_by,
        "made_at": _stamp(token.created_at),
        "expires_at": _stamp(token.expires_at),
        "used_at": _stamp(token.used_at),
        "revoked_at": _stamp(token.revoked_at),
    }


def _open_reviews(task: Task) -> list[Review]:
    """Due first; what is due at no time comes last."""
    found: Iterable[Review] = Review.objects.filter(task=task, open=1).select_related("subtask")
    return sorted(
        found, key=lambda review: (review.due_at is None, review.due_at or review.opened_at, review.pk)
    )


def _current(task: Task) -> list[Subtask]:
    """The rows of whole stages: an item is no stage, and there may be thousands."""
    rows = Subtask.objects.filter(task=task, live=1, item="").defer("given", "requests")
    return list(rows.order_by("position", "pk"))


def _children(task: Task) -> list[Task]:
    rows = Task.objects.filter(parent__task=task, parent__live=1).select_related("parent")
    return list(rows.order_by("id")[:MOST_CHILDREN])


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
