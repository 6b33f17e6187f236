"""Writes events. They are for reading; no rule reads them back, and no secret stands in them.

`line()` builds one, `write()` stores a batch in the caller's transaction, `record()` does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from agents.masking import mask_deep

from . import clock
from .history import changes
from .models import Event, Task

#: Every kind of event, with what its `data` holds. `docs/events.md` is made from this.
KINDS: dict[str, str] = {
    "task.injected": "workflow, version: the workflow version it runs under",
    "task.started": "stages: which may run now",
    "task.done": "outcome: completed",
    "task.changed": "because: the kind of the event, of another task, that brought it about",
    "task.restored": "of, id, columns: [was, now]: a row was given back what the log says of it",
    "task.noted": "rows: how the task was found when the log began to carry changes",
    "task.cancelled": "reason",
    "task.undoing": "why, stage: the one that failed, stages: what is taken back, newest first",
    "task.rerun": "stage, round, reason: a new round from that stage",
    "task.overridden": "stage, round, reason, was: the stages that were open, unapproved: its gates",
    "subtask.claimed": "subtask, item, agent, attempt, fence, worker, run, version: the agent's",
    "subtask.finished": "subtask, item, done_as, summary, attempt, seconds",
    "subtask.spread": "items: into how many it was spread",
    "subtask.passed_over": "why: its branch was not taken",
    "subtask.awaits": "until: an answer from another system; why: without `until`, a task that it injects",
    "subtask.answered": "message",
    "subtask.injects": "child: the key of the task it waits for",
    "subtask.retried": "why, not_before, attempt",
    "subtask.waiting": "why",
    "subtask.returned": "to, round, requests: how many",
    "subtask.skipped": "reason, unapproved: where it is a gate, at which nobody approved",
    "review.answered": "item, review, request: its number, files, sources: what joined those of the task",
    "subtask.retry": "reason: a person let it try again",
    "subtask.rescued": "worker, attempt, crashes",
    "subtask.released": "worker: given back unfinished when its worker stopped",
    "subtask.stopped": "reason: a person fenced off what ran",
    "run.discarded": "attempt: its result came too late and was not used",
    "artifact.made": "kind, number, sha256, path, built_on: its hash, unapproved: gates skipped before it",
    "artifact.tampered": "artifact, kind, number, sha256, found: the hash of what is there now, why",
    "artifact.edited": "kind, number, sha256, base",
    "review.opened": "review, kind, due_at",
    "review.decided": "review, verb, artifact_sha256, note, channel",
    "review.undone": "review, verb; why, where an edit did it",
    "review.released": "review, verb",
    "review.undo_seen": "review, release_at: the undo window began as its button was seen",
    "review.completed": "review: whoever was still needed has left or is away",
    "tool.granted": "review, tool, target, sha256: of the call; approved_by, until: it may be made once",
    "review.seen": "review: somebody who may answer it opened it for the first time",
    "review.taken": "review, until",
    "review.assigned": "review, to",
    "review.reminded": "review, rung: a reminder, or another group",
    "review.ended": "review, verb: the end of its ladder",
    "review.put_back": "review",
    "absence.began": "user, until, delegate, why",
    "absence.ended": "user",
    "member.set": "user, workflow, role: empty where it was taken away, member: its row",
    "finding.judged": "finding, state",
    "finding.revoked": "finding, kind, quote: a person took a correction back",
    "trust.raised": "workflow, agent, kind, judged, agreed, low",
    "trust.ended": "workflow, agent, kind, why",
    "comment.made": "comment, artifact",
    "comment.removed": "comment",
    "hold.placed": "hold, scope, target, why, until",
    "hold.lifted": "hold, scope, target",
    "hold.restored": "of, id, columns: [was, now]: a hold was given back what the log says of it",
    "hold.noted": "rows: the holds that were found when the log began to carry changes",
    "notice.owed": "notices, kind: where nothing else tells of them",
    "notice.sent": "notice, kind, carrier, recipient",
    "notice.uncertain": "notice, kind, carrier, recipient, error",
    "notice.dead": "notice, kind, carrier, recipient, error",
    "notice.resent": "notice, kind, carrier, recipient: a person asked for it",
    "message.crossed": "messages: envelopes that agents sent and got while their runs went on",
    "message.received": "message, channel, sender, type, effect: injected or continued",
    "message.noted": "message, channel, sender, type, effect: nothing waited for it",
    "message.refused": "message, channel, error",
    "message.sent": "message, channel, to, type",
    "message.uncertain": "message, channel, to, type, error: it may have arrived, and is sent again",
    "message.dead": "message, channel, to, type, error",
    "message.resent": "message, channel, to, type: a person asked for it",
    "schedule.fired": "schedule, workflow, name, due_at, tasks, trouble",
    "schedule.missed": "schedule, workflow, name, since, policy: what its policy leaves out after a stop",
    "schedule.added": "schedule, workflow, name, cron, zone",
    "schedule.changed": "schedule, workflow, name, cron, zone",
    "schedule.removed": "schedule, workflow, name, cron, zone",
    "schedule.paused": "schedule, workflow, name, cron, zone, why",
    "schedule.resumed": "schedule, workflow, name, cron, zone",
    "stage.silent": "stage, item, reason: it stands still, and the row says so until it is claimed",
    "stage.stalled": "stage, seconds, usual",
    "worker.started": "worker",
    "worker.lost": "worker, held",
    "worker.ended": "worker, why",
    "cluster.restarted": "why",
    "queue.refused": "queue, why: a task in it was not one of ours, and was removed unrun",
    "process.apart": "process, host, pid, folder, why: it does not see what others see, and claims nothing",
    "process.agrees": "process, host, pid, folder: it sees what the others see again",
    "person.made": "user, role: the group; made at a terminal, as the first people are",
    "agent.version": "agent, number, sha256, note",
    "agent.offered": "agent, number, sha256: what its shipped file says now; a person chose another wording",
    "agent.activated": "agent, number, was: the offered version is the active one",
    "agent.kept": "agent, number: the offered version was put aside",
    "workflow.version": "workflow, number, sha256",
    "workflow.offered": "workflow, number, sha256: what its shipped file says now; a person chose another",
    "workflow.activated": "workflow, number, was: another version is the active one",
    "workflow.kept": "workflow, number: the offered version was put aside",
    "house.noted": "rows: what was found of people, messages and settings when the log began to tell of them",
    "person.changed": "person, name: an account, its password, or a power of it became another",
    "person.groups": "person, name, groups: the groups of that account from now on",
    "person.removed": "person, name",
    "link.made": "link, name: a one-time way in was made for that account",
    "link.used": "link",
    "person.signed_in": "how: password or link",
    "token.made": "token, name, owner, scope, expires_at",
    "token.revoked": "token, name, owner",
}


#: The door that the present request or command came through: page, api, cli, slack; empty: by itself.
_channel: ContextVar[str] = ContextVar("channel", default="")


@contextmanager
def through(channel: str) -> Iterator[None]:
    """Events written inside came through this door."""
    before = _channel.set(channel)
    try:
        yield
    finally:
        _channel.reset(before)


def line(kind: str, /, *, by: str, task: Task | None = None, stage: str = "", **data: Any) -> Event:
    """An unsaved event. Raises ValueError for a kind that `KINDS` does not list."""
    if kind not in KINDS:
        raise ValueError(f"Unknown event kind {kind!r}: add it to tasks.log.KINDS with what its data holds.")
    data = mask_deep(data)
    channel = str(data.get("channel") or _channel.get())[:40]
    return Event(kind=kind, by=by, task=task, stage=stage, at=clock.now(), channel=channel, data=data)


def write(events: Iterable[Event]) -> None:
    """Store events in the caller's transaction, with what it has changed since the last ones; their keys are
    not read back."""
    from . import store  # which writes events itself

    lines = list(events)
    if lines and (untold := changes.untold()):
        lines += _tell(lines, untold)
    store.write_events(lines)


def _tell(lines: Sequence[Event], untold: Iterable[changes.Change]) -> list[Event]:
    """Give each change to the event of its task that fits it best; a task without any gets one of its own."""
    carried: dict[int, list[changes.Change]] = {}
    of_task: dict[int | None, list[Event]] = {None: list(lines)}
    for event in lines:
        if event.task_id:
            of_task.setdefault(event.task_id, []).append(event)
    more: list[Event] = []
    for change in untold:
        if change.task not in of_task:
            event = line("task.changed", by=lines[-1].by, because=lines[-1].kind)
            event.task_id = change.task
            of_task[change.task] = [event]
            more.append(event)
        carried.setdefault(id(_fitting(of_task[change.task], change.of)), []).append(change)
    for event in [*lines, *more]:
        if mine := carried.get(id(event)):
            event.changed = changes.packed(mine)
    return more


def _fitting(events: Sequence[Event], noun: str) -> Event:
    """The injection for all of a new task; else the last event of the noun's own family, else the last."""
    injected = next((event for event in events if event.kind == "task.injected"), None)
    family = (event for event in reversed(events) if event.kind.startswith(f"{noun}."))
    return injected or next(family, events[-1])


def record(kind: str, /, *, by: str, task: Task | None = None, stage: str = "", **data: Any) -> None:
    """Store one event in the caller's transaction."""
    write([line(kind, by=by, task=task, stage=stage, **data)])
