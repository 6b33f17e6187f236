"""What a notice says: the facts that every message of a kind carries, gathered from the rows.

`templates/notices/KIND.txt` makes a plain text of them, a carrier may make more. Nothing here sends.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum

from . import clock, moments
from .costs import UNPRICED, Cost
from .models import Decision, Finding, Review, Run, Task
from .people import asked, policy, quorum

#: Every kind about a task, each with its text in templates/notices/ (`head` there is about none).
KINDS = ("completion", "escalation", "stalled", "silent", "overdue", "decided", "trust", "tampered")
#: The kinds that ask for a decision; their message is amended once it was given.
ASKING = ("completion", "escalation")

VERBS = {"approve": "Approved", "send_back": "Returned"}
DOORS = {
    "page": "on the page",
    "slack": "in Slack",
    "cli": "on the command line",
    "api": "through the API",
    "mcp": "through MCP",
}


def facts(kind: str, task: Task, review: Review | None) -> dict[str, Any]:
    """The facts of a notice of this kind, as plain JSON. Raises ValueError for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of notice {kind!r}. Known: {', '.join(KINDS)}.")
    about = {
        "task": task.pk,
        "key": task.key,
        "title": task.title,
        "workflow": task.workflow.title,
        "url": f"{settings.BASE_URL}/tasks/{task.key}/",
        "said_at": clock.now().isoformat(),
    }
    if review is not None:
        about |= _wait(review)
    if kind == "completion":
        about |= _work(task)
    if kind == "escalation":
        about |= _evidence(task)
    return about


def answer(decision: Decision) -> dict[str, Any]:
    """What was decided, by whom and through which door."""
    return {
        "what": VERBS.get(decision.verb, decision.verb.replace("_", " ").capitalize()),
        "who": decision.by.removeprefix("user:"),
        "where": DOORS.get(decision.channel, ""),
        "note": decision.note,
        "decided_at": decision.decided_at.isoformat(),
    }


def _wait(review: Review) -> dict[str, Any]:
    then = next((rung["escalate"] for rung in review.ladder if rung.get("escalate")), "")
    return {
        "review": review.pk,
        "review_version": review.version,
        "why": asked.said(review),
        "verbs": list(review.verbs),
        "draft": review.artifact.number if review.artifact and review.kind != Review.Kind.TOOL else None,
        "asks": review.kind,
        "owner": review.owner.removeprefix("user:"),
        "group": policy.whom(review.deciders),
        "needs": quorum.sentence(review),
        "then": then,
        "due_at": review.due_at.isoformat() if review.due_at else "",
        "due_words": moments.named(review.due_at, clock.now()) if review.due_at else "",
        "url": f"{settings.BASE_URL}/reviews/{review.pk}/",
    }


def _work(task: Task) -> dict[str, Any]:
    """What it took so far. Read afresh: the caller's task may be older than its stages."""
    now = Task.objects.values("stage_status", "started_at").get(pk=task.pk)
    spent = Run.objects.filter(task=task).aggregate(
        stages=Count("subtask__stage", distinct=True),
        cost=Sum("cost_usd"),
        unpriced=Count("pk", filter=UNPRICED),
        into=Sum("tokens_in"),
        out=Sum("tokens_out"),
    )
    return {
        "status": now["stage_status"],
        "took": _words(now["started_at"], clock.now()),
        "stages": spent["stages"],
        "cost_usd": float(spent["cost"] or 0),
        "cost": str(Cost(spent["cost"] or Decimal(0), spent["unpriced"])),
        "tokens": (spent["into"] or 0) + (spent["out"] or 0),
    }


def _evidence(task: Task) -> dict[str, Any]:
    """The reviewer's first open remark, with the source's own words."""
    found = Finding.objects.filter(task=task, state=Finding.State.OPEN).order_by("severity", "number").first()
    if found is None:
        return {}
    return {
        "finding": found.number,
        "finding_text": found.text,
        "quote": found.quote,
        "source": found.source,
        "passage": found.passage,
    }


def _words(since: datetime | None, until: datetime) -> str:
    return words((until - since).total_seconds()) if since else ""


def words(seconds: float) -> str:
    """A length of time for a sentence: 40 s, 12 min, 1 h 12 min."""
    minutes = int(seconds // 60)
    if not minutes:
        return f"{int(seconds)} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
