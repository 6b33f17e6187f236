"""What an event says to a person: one sentence, made from its kind and its data.

Events hold facts, so the words may improve without rewriting the log. A kind without a sentence here
shows its own name, and tests/clawbot/dashboard/test_sentences.py insists that there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.contract import CALL
from clawbot import words
from clawbot.people import names
from tasks import items
from tasks.models import Event
from tasks.workflow.graph import UNDO

Data = dict[str, Any]


def sentence(event: Event) -> str:
    """The event in words, without who, when and which task: those have their own columns."""
    make = SENTENCES.get(event.kind)
    return (
        make(Facts(event.data | {"stage": _place(event.stage or event.data.get("stage", ""), event.data)}))
        if make
        else event.kind
    )


def _place(stage: str, data: Data) -> str:
    """A stage as sentences name it: with its item where it fans out; what takes it back by that word."""
    if stage.endswith(UNDO):
        stage = f"the taking back of {stage.removesuffix(UNDO)}"
    return f"{stage}, item {items.number(str(data['item']))}" if data.get("item") else stage


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
    "task.overridden": lambda d: f"Moved to {d['stage']} by hand{_unapproved(d)}{d.said('reason')}",
    "task.changed": lambda d: "Changed with another task",
    "task.noted": lambda d: "Noted as it was when the log began to carry changes",
    "task.restored": lambda d: f"Gave {d['of']} {d['id']} back what the log says of it",
    "task.undoing": lambda d: f"Takes back what it had done{d.said('why')}",
    "subtask.spread": lambda d: f"Spread {d['stage']} over {_count(d['items'], 'item')}",
    "subtask.passed_over": lambda d: f"Passed over {d['stage']}{d.said('why')}",
    "subtask.awaits": lambda d: (
        f"{d['stage'].capitalize()} waits for {'an answer' if d['until'] else 'a task'}{d.said('why')}"
    ),
    "subtask.answered": lambda d: f"An answer came for {d['stage']}",
    "subtask.injects": lambda d: f"Injected {d['child']} for {d['stage']}",
    "subtask.claimed": lambda d: f"Started {d['stage']}{_attempt(d)}",
    "subtask.finished": lambda d: f"Finished {d['stage']}{_in(d)}{d.said('summary')}",
    "subtask.retried": lambda d: f"{d['stage']} will be tried again{d.said('why')}",
    "subtask.waiting": lambda d: f"Waits for a person at {d['stage']}{d.said('why')}",
    "subtask.returned": lambda d: f"Returned to {d['to']} with {_count(d['requests'], 'request')}",
    "subtask.skipped": lambda d: f"Skipped {d['stage']}{_unapproved(d)}{d.said('reason')}",
    "review.answered": lambda d: f"Answered what {d['stage']} asked{_files(d)}",
    "subtask.retry": lambda d: f"May try {d['stage']} again{d.said('reason')}",
    "subtask.rescued": lambda d: f"Took {d['stage']} back from a worker that died",
    "subtask.released": lambda d: f"Gave {d['stage']} back unfinished: its worker stopped",
    "subtask.stopped": lambda d: f"Stopped {d['stage']}{d.said('reason')}",
    "run.discarded": lambda d: f"A late result of {d['stage']} was not used",
    "artifact.made": lambda d: (
        "Wrote down the call it asks leave for"
        if d["kind"] == CALL
        else f"Made {d['kind']} {d['number']}{_unapproved(d)}{d.said('path')}"
    ),
    "artifact.tampered": lambda d: f"{d['kind']} {d['number']} was changed outside of Clawbot",
    "artifact.edited": lambda d: f"Edited {d['kind']}, now version {d['number']}",
    "review.opened": lambda d: f"Asked a person at {d['stage']}",
    "review.decided": lambda d: f"{VERBS.get(d['verb'], 'Decided')}{_channel(d)}{d.said('note')}",
    "review.undone": lambda d: f"Took the decision back{d.said('why')}",
    "review.released": lambda d: "The decision took effect",
    "review.undo_seen": lambda d: "Saw that it can be undone",
    "review.completed": lambda d: "Approved: nobody else is needed any more",
    "tool.granted": lambda d: f"Allowed one call of {d['stage']}{d.said('target')}",
    "review.seen": lambda d: "Opened the review",
    "review.taken": lambda d: "Is reading it",
    "review.assigned": lambda d: f"Gave the review to {names.who(d['to']).name if d['to'] else 'anyone'}",
    "review.reminded": lambda d: "Sent a reminder",
    "finding.judged": lambda d: f"Called finding {d['finding']} {d['state']}",
    "finding.revoked": lambda d: f"Took back a correction of the reviewer ({d['kind']})",
    "trust.raised": lambda d: f"Trusts {d['agent']} with {d['kind']} in {d['workflow']}",
    "trust.ended": lambda d: f"Ended the trust in {d['agent']} for {d['kind']}{d.said('why')}",
    "review.ended": lambda d: f"Ended the wait as the workflow says: {d['verb']}",
    "review.put_back": lambda d: "Put the review back",
    "absence.began": lambda d: f"Is out{d.said('why')}",
    "absence.ended": lambda d: "Is back",
    "member.set": lambda d: f"Made {d['user']} {d['role'] or 'no member'} of {d['workflow']}",
    "comment.made": lambda d: "Commented on the draft",
    "comment.removed": lambda d: "Took a comment back",
    "hold.placed": lambda d: f"Paused {_scope(d)}{d.said('why')}",
    "hold.lifted": lambda d: f"Resumed {_scope(d)}",
    "hold.noted": lambda d: "Noted the pauses as they were when the log began to carry changes",
    "hold.restored": lambda d: f"Gave {d['of']} {d['id']} back what the log says of it",
    "notice.owed": lambda d: f"Owes {_count(d['notices'], 'notice')}: {d['kind']}",
    "notice.sent": lambda d: f"Sent {d['kind']} to {d['recipient']} by {d['carrier']}",
    "notice.uncertain": lambda d: f"Cannot tell whether {d['carrier']} delivered{d.said('error')}",
    "notice.dead": lambda d: f"Could not deliver by {d['carrier']}{d.said('error')}",
    "notice.resent": lambda d: f"Sends {d['kind']} to {d['recipient']} again",
    "message.crossed": lambda d: f"{_count(d['messages'], 'message')} crossed the border during a run",
    "message.received": lambda d: f"A message from {d['sender']} came by {d['channel']}{d.said('type')}",
    "message.noted": lambda d: f"Noted a message from {d['sender']}, awaited by nothing{d.said('type')}",
    "message.refused": lambda d: f"Refused a message that came by {d['channel']}{d.said('error')}",
    "message.sent": lambda d: f"Sent a message to {d['to']} by {d['channel']}{d.said('type')}",
    "message.uncertain": lambda d: f"Cannot tell whether a message reached {d['to']}{d.said('error')}",
    "message.dead": lambda d: f"Could not send a message to {d['to']}{d.said('error')}",
    "message.resent": lambda d: f"Sends a message to {d['to']} again{d.said('type')}",
    "schedule.fired": lambda d: (
        f"The schedule{_of_schedule(d)} started {_count(d['tasks'], 'task')}{d.said('trouble')}"
    ),
    "schedule.missed": lambda d: f"Left out times of the schedule{_of_schedule(d)} that were missed",
    "schedule.added": lambda d: f"Added the schedule{_of_schedule(d)}, {d['cron']} in {d['zone']}",
    "schedule.changed": lambda d: f"Changed the schedule{_of_schedule(d)}, now {d['cron']} in {d['zone']}",
    "schedule.removed": lambda d: f"Removed the schedule{_of_schedule(d)}",
    "schedule.paused": lambda d: f"Paused the schedule{_of_schedule(d)}{d.said('why')}",
    "schedule.resumed": lambda d: f"Resumed the schedule{_of_schedule(d)}",
    "stage.silent": lambda d: f"{d['stage']} stands still{d.said('reason')}",
    "stage.stalled": lambda d: f"{d['stage']} takes far longer than usual{_of(d)}",
    "worker.started": lambda d: f"Worker {d['worker']} started",
    "worker.lost": lambda d: f"Worker {d['worker']} stopped answering",
    "worker.ended": lambda d: f"Worker {d['worker']} ended{d.said('why')}",
    "process.apart": lambda d: f"{_process(d)} claims nothing and touches no file{d.said('why')}",
    "process.agrees": lambda d: f"{_process(d)} sees the data folder of the others again",
    "cluster.restarted": lambda d: f"Restarted the workers{d.said('why')}",
    "queue.refused": lambda d: f"Refused a foreign task in the queue {d['queue']}{d.said('why')}",
    "agent.version": lambda d: f"{d['agent']} now works by version {d['number']}{d.said('note')}",
    "agent.offered": lambda d: f"An update of {d['agent']} is offered, version {d['number']}",
    "agent.activated": lambda d: f"{d['agent']} now works by version {d['number']}, as its file says",
    "agent.kept": lambda d: f"Kept {d['agent']}; its offered version {d['number']} was put aside",
    "workflow.offered": lambda d: f"An update of {d['workflow']} is offered, version {d['number']}",
    "workflow.kept": lambda d: f"Kept {d['workflow']}; its offered version {d['number']} was put aside",
    "workflow.version": lambda d: f"{d['workflow']} has version {d['number']}",
    "workflow.activated": lambda d: f"New tasks of {d['workflow']} now run under version {d['number']}",
    "person.made": lambda d: f"Made an account for {d['user']}, one of the {d['role']}",
    "house.noted": lambda d: "Noted what was found when the log began to tell of it",
    "person.changed": lambda d: f"The account {d['name']} or its password was changed",
    "person.groups": lambda d: f"{d['name']} is in {' and '.join(d['groups'] or ()) or 'no group'}",
    "person.removed": lambda d: f"Removed the account {d['name']}",
    "link.made": lambda d: f"Made a sign-in link for {d['name']}",
    "link.used": lambda d: "Used a sign-in link",
    "person.signed_in": lambda d: f"Signed in with a {d['how']}",
    "token.made": lambda d: f"Made the API token “{d['name']}” for {d['owner']}",
    "token.revoked": lambda d: f"Revoked {d['owner']}’s API token “{d['name']}”",
}

#: what a level's worth of attention looks like: kind -> condition
CONDITIONS = {
    "subtask.retried": "warn", "subtask.rescued": "warn", "run.discarded": "warn", "stage.stalled": "stalled",
    "stage.silent": "stalled",
    "worker.lost": "warn", "cluster.restarted": "warn", "notice.uncertain": "warn", "notice.dead": "failed",
    "process.apart": "warn",
    "subtask.waiting": "waiting", "review.opened": "waiting", "subtask.returned": "returned",
    "hold.placed": "paused", "schedule.paused": "paused", "schedule.missed": "warn", "task.done": "done",
    "task.cancelled": "failed", "message.refused": "warn", "message.uncertain": "warn",
    "message.dead": "failed", "queue.refused": "failed",
    "artifact.tampered": "failed",
}  # fmt: skip


def _attempt(d: Facts) -> str:
    return f", attempt {d['attempt']}" if isinstance(d["attempt"], int) and d["attempt"] > 1 else ""


def _unapproved(d: Facts) -> str:
    """Whether a gate was skipped on the way: its approval is nobody's."""
    gates = [str(gate).replace("_", " ") for gate in d["unapproved"] or ()]
    return f"; nobody approved at {' and '.join(gates)}" if gates else ""


def _in(d: Facts) -> str:
    return f" in {words.duration(d['seconds'])}" if isinstance(d["seconds"], int | float) else ""


def _process(d: Facts) -> str:
    return f"The {d['process']} process {d['pid']} on {d['host']}"


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


def _files(d: Facts) -> str:
    found = d["files"]
    return f" with {_count(found, 'file')}" if isinstance(found, list) and found else ""


def _count(value: Any, word: str) -> str:
    number = len(value) if isinstance(value, list) else value or 0
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _of_schedule(d: Facts) -> str:
    return f" {d['workflow']}/{d['name']}" if d["name"] else ""


def _scope(d: Facts) -> str:
    return "everything" if d["scope"] == "all" else f"{d['scope']} {d['target']}"
