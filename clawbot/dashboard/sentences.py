"""What an event says to a person: one sentence, made from its kind and its data.

Events hold facts, so the words may improve without rewriting the log. A kind without a sentence here
shows its own name, and tests/clawbot/dashboard/test_sentences.py insists that there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clawbot import words
from clawbot.people import names
from tasks.models import Event

Data = dict[str, Any]


def sentence(event: Event) -> str:
    """The event in words, without who, when and which task: those have their own columns."""
    make = SENTENCES.get(event.kind)
    return (
        make(Facts(event.data | {"stage": event.stage or event.data.get("stage", "")}))
        if make
        else event.kind
    )


class Facts(dict[str, Any]):
    """Data of any age: a fact that an old event lacks reads as nothing."""

    def __missing__(self, key: str) -> str:
        return ""

    def said(self, key: str) -> str:
        """The fact as a sentence of its own, or nothing."""
        text = str(self[key]).strip()
        return f": {text}" if text else ""


VERBS: dict[str, str] = {
    "approve": "Approved", "send_back": "Returned", "edit": "Edited", "skip": "Skipped", "retry": "Retried",
    "cancel": "Cancelled", "override": "Overrode",
}  # fmt: skip

SENTENCES: dict[str, Callable[[Facts], str]] = {
    "task.injected": lambda d: f"New task under {d['workflow']}",
    "task.started": lambda d: "Taken from the backlog",
    "task.done": lambda d: "Finished" if d["outcome"] != "cancelled" else "Ended",
    "task.cancelled": lambda d: f"Cancelled{d.said('reason')}",
    "task.rerun": lambda d: f"Runs again from {d['stage']}{d.said('reason')}",
    "task.overridden": lambda d: f"Moved to {d['stage']} by hand{d.said('reason')}",
    "subtask.claimed": lambda d: f"Started {d['stage']}{_attempt(d)}",
    "subtask.finished": lambda d: f"Finished {d['stage']}{_in(d)}{d.said('summary')}",
    "subtask.retried": lambda d: f"{d['stage']} will be tried again{d.said('why')}",
    "subtask.waiting": lambda d: f"Waits for a person at {d['stage']}{d.said('why')}",
    "subtask.returned": lambda d: f"Returned to {d['to']} with {_count(d['requests'], 'request')}",
    "subtask.skipped": lambda d: f"Skipped {d['stage']}{d.said('reason')}",
    "subtask.retry": lambda d: f"May try {d['stage']} again{d.said('reason')}",
    "subtask.rescued": lambda d: f"Took {d['stage']} back from a worker that died",
    "subtask.released": lambda d: f"Gave {d['stage']} back unfinished: its worker stopped",
    "subtask.stopped": lambda d: f"Stopped {d['stage']}{d.said('reason')}",
    "run.discarded": lambda d: f"A late result of {d['stage']} was not used",
    "artifact.made": lambda d: f"Made {d['kind']} {d['number']}{d.said('path')}",
    "artifact.edited": lambda d: f"Edited {d['kind']}, now version {d['number']}",
    "review.opened": lambda d: f"Asked a person at {d['stage']}",
    "review.decided": lambda d: f"{VERBS.get(d['verb'], 'Decided')}{_channel(d)}{d.said('note')}",
    "review.undone": lambda d: "Took the decision back",
    "review.released": lambda d: "The decision took effect",
    "review.taken": lambda d: "Is reading it",
    "review.assigned": lambda d: f"Gave the review to {names.who(d['to']).name if d['to'] else 'anyone'}",
    "review.reminded": lambda d: "Sent a reminder",
    "finding.judged": lambda d: f"Called finding {d['finding']} {d['state']}",
    "comment.made": lambda d: "Commented on the draft",
    "comment.removed": lambda d: "Took a comment back",
    "hold.placed": lambda d: f"Paused {_scope(d)}{d.said('why')}",
    "hold.lifted": lambda d: f"Resumed {_scope(d)}",
    "notice.sent": lambda d: f"Sent {d['kind']} to {d['recipient']} by {d['carrier']}",
    "notice.uncertain": lambda d: f"Cannot tell whether {d['carrier']} delivered{d.said('error')}",
    "notice.dead": lambda d: f"Could not deliver by {d['carrier']}{d.said('error')}",
    "notice.resent": lambda d: f"Sends {d['kind']} to {d['recipient']} again",
    "schedule.fired": lambda d: f"The schedule started {_count(d['tasks'], 'task')}",
    "stage.stalled": lambda d: f"{d['stage']} takes far longer than usual{_of(d)}",
    "worker.started": lambda d: f"Worker {d['worker']} started",
    "worker.lost": lambda d: f"Worker {d['worker']} stopped answering",
    "worker.ended": lambda d: f"Worker {d['worker']} ended{d.said('why')}",
    "cluster.restarted": lambda d: f"Restarted the workers{d.said('why')}",
    "agent.version": lambda d: f"{d['agent']} now works by version {d['number']}{d.said('note')}",
    "workflow.version": lambda d: f"{d['workflow']} has version {d['number']}",
}

#: what a level's worth of attention looks like: kind -> condition
CONDITIONS = {
    "subtask.retried": "warn", "subtask.rescued": "warn", "run.discarded": "warn", "stage.stalled": "stalled",
    "worker.lost": "warn", "cluster.restarted": "warn", "notice.uncertain": "warn", "notice.dead": "failed",
    "subtask.waiting": "waiting", "review.opened": "waiting", "subtask.returned": "returned",
    "hold.placed": "paused", "task.done": "done", "task.cancelled": "failed",
}  # fmt: skip


def _attempt(d: Facts) -> str:
    return f", attempt {d['attempt']}" if isinstance(d["attempt"], int) and d["attempt"] > 1 else ""


def _in(d: Facts) -> str:
    return f" in {words.duration(d['seconds'])}" if isinstance(d["seconds"], int | float) else ""


def _of(d: Facts) -> str:
    if not isinstance(d["seconds"], int | float) or not isinstance(d["usual"], int | float):
        return ""
    return f": {words.duration(d['seconds'])}, usually {words.duration(d['usual'])}"


def _channel(d: Facts) -> str:
    return {
        "slack": " in Slack",
        "cli": " on the command line",
        "api": " through the API",
        "mcp": " through MCP",
    }.get(d["channel"], "")


def _count(value: Any, word: str) -> str:
    number = len(value) if isinstance(value, list) else value or 0
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _scope(d: Facts) -> str:
    return "everything" if d["scope"] == "all" else f"{d['scope']} {d['target']}"
