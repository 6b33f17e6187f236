"""What comes in across the border: an envelope injects a task, lets a waiting stage go on, or is noted.

Every door (API, queue bridge, mail) calls `receive`. The same message twice is one effect: the unique key of
its row decides, in the transaction of the effect.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.db.models import Q

from agents import envelope as shape
from agents.contract import Unusable
from agents.prose.clean import one_line
from tasks import access, arrivals, clock, lifecycle, log, machine, moments
from tasks.machine import Refused
from tasks.models import Message, Run, Subtask, Task

from . import addressing

M = Message.State

#: Two messages that name the same new correlation at the same moment: the later one finds the task.
TRIES = 3


@dataclass(frozen=True)
class Received:
    """What became of a message. `new` is False where the same message was here before (`again`)."""

    task: Task | None
    new: bool
    effect: Literal["injected", "continued", "noted", "again"]
    message: Message


def receive(
    envelope: dict[str, Any],
    *,
    channel: str,
    by: str,
    key: str | None = None,
    answers: str = "",
    address: str = "",
) -> Received:
    """Take in one envelope for `by` (`user:ana`), through `channel` (api, mail, a bridge's name).

    `key` is the sender's own name for this message; without one its content is. `answers` names the message
    it answers, where the channel can tell (the id under which we sent it); a `correlation_id` may do so too.
    `address` says where it came from. Refused, with nothing changed: a bad envelope, nobody to take it, an
    input that the workflow does not allow, a key that belongs to another message.
    """
    access.require(by, "inject")
    try:
        envelope = shape.check(envelope)
    except Unusable as error:
        raise Refused(f"Cannot take the message: {error}") from None
    row = Message(
        direction=Message.Direction.IN, channel=channel[:40], key=_key(envelope, channel, by, key),
        envelope=envelope, correlation_id=envelope["correlation_id"], address=one_line(address),
    )  # fmt: skip
    for attempt in range(TRIES):
        if known := Message.objects.select_related("task").filter(key=row.key).first():
            if known.task:
                access.require(by, "inject", known.task)
            return _again(known, envelope, key)
        try:
            with transaction.atomic(), log.through(channel):
                return _take(row, by=by, answers=answers)
        except IntegrityError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def known(key: str, *, channel: str, by: str) -> Message | None:
    """The message that came in under this key before; None where none did."""
    return Message.objects.select_related("task").filter(key=_key({}, channel, by, key)).first()


def refuse(
    what: dict[str, Any] | bytes, why: str, *, channel: str, by: str, address: str = ""
) -> tuple[Message, bool]:
    """Keep a message that could not be taken, for a channel that cannot tell its sender so. Returns its row,
    and whether it is new. What could not even be read is kept as the start of its text."""
    if isinstance(what, bytes):
        raw, kept = what, {"unreadable": one_line(what[:4_000].decode("utf-8", "replace"), 1_000)}
    else:
        raw, kept = shape.digest(what).encode(), what
    now = clock.now()
    with transaction.atomic():
        row, new = Message.objects.get_or_create(
            key=f"refused:{hashlib.sha256(raw).hexdigest()}",
            defaults={
                "direction": Message.Direction.IN, "channel": channel[:40], "envelope": kept,
                "correlation_id": str(kept.get("correlation_id", ""))[:200], "state": M.REFUSED,
                "error": one_line(why, 300), "not_before": now, "at": now, "address": one_line(address),
            },
        )  # fmt: skip
        if new:
            log.record("message.refused", by=by, message=row.pk, channel=row.channel, error=row.error)
    return row, new


def replies(row: Subtask) -> tuple[dict[str, Any], ...]:
    """The envelopes that answered what this stage asked last, oldest first. None once an agent has read them
    and wants another try: it asks again. A worker that died over them has not read them."""
    unread = (Run.Status.DOING, Run.Status.LOST, Run.Status.STOPPED, Run.Status.DISCARDED)
    last = Run.objects.filter(subtask=row).exclude(status__in=unread).order_by("-fence").first()
    if last is None or last.status != Run.Status.ASKED:
        return ()
    came = Message.objects.filter(subtask=row, direction=Message.Direction.IN, state=M.RECEIVED)
    came = came.filter(at__gte=last.started_at).exclude(channel="http").order_by("id")
    return tuple(came.values_list("envelope", flat=True))


def _key(envelope: dict[str, Any], channel: str, by: str, key: str | None) -> str:
    """A name for ever. A sender's own key counts for that sender alone; content counts for all."""
    if not key:
        return f"content:{shape.digest(envelope)}"
    whole = f"{channel}:{by}:{key}"
    if len(whole) <= 200 and whole.isprintable():
        return whole
    return f"key:{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _again(known: Message, envelope: dict[str, Any], key: str | None) -> Received:
    if not shape.same(known.envelope, envelope):
        raise Refused(
            f"Cannot take the message: the key {key!r} belongs to another message, which came in at "
            f"{moments.exact(known.at)}. Give each message a key of its own."
        )
    return Received(known.task, False, "again", known)


def _take(row: Message, *, by: str, answers: str) -> Received:
    """Inside a transaction: the row first, so that of two at once the later one waits and is refused."""
    row.pk, row.state, row.at = None, M.RECEIVED, clock.now()
    row.not_before = row.at
    row.save(force_insert=True)
    asked = _asked(answers, row.correlation_id)
    task = asked.task if asked else _known(row.correlation_id)
    effect: Literal["injected", "continued", "noted"]
    if task is None:
        effect, task = "injected", _inject(row.envelope, by=by)
    else:
        access.require(by, "inject", task)
        waiting = _go_on(task, row, asked)
        row.subtask = waiting or (asked.subtask if asked else None)
        effect = "continued" if waiting else "noted"
        row.state = M.RECEIVED if waiting else M.NOTED
        machine.touch(Task.objects.filter(pk=task.pk))
    row.task = task
    row.save(update_fields=["task", "subtask", "state"])
    log.record(
        f"message.{row.state}", by=by, task=task, stage=row.subtask.stage if row.subtask else "",
        message=row.pk, channel=row.channel, sender=row.envelope["from"], type=row.envelope["type"],
        effect=effect,
    )  # fmt: skip
    return Received(task, True, effect, row)


def _asked(*names: str) -> Message | None:
    """The message of ours that is answered: the other side repeats the id under which it got it."""
    named = [name for name in names if name]
    sent = Message.objects.filter(direction=Message.Direction.OUT, key__in=named, task__isnull=False)
    return sent.select_related("task", "subtask").first() if named else None


def _known(correlation_id: str) -> Task | None:
    if not correlation_id:
        return None
    return Task.objects.filter(Q(key=correlation_id) | Q(correlation_id=correlation_id)).first()


def _inject(envelope: dict[str, Any], *, by: str) -> Task:
    data = envelope["data"]
    title = data.get("title")
    return lifecycle.inject(
        addressing.workflow(envelope),
        title=title if isinstance(title, str) and title.strip() else envelope["type"],
        input=data,
        by=by,
        correlation_id=envelope["correlation_id"] or None,
    )


def _go_on(task: Task, row: Message, asked: Message | None) -> Subtask | None:
    """Let the stage that waits for this answer go on; None where none waits."""
    waiting = _waiting(task, row.envelope, asked)
    return waiting if waiting is not None and arrivals.answered(waiting, now=row.at) else None


def _waiting(task: Task, envelope: dict[str, Any], asked: Message | None) -> Subtask | None:
    """Which stage waits for this: the one whose message is answered, else one that asked this sender, else
    one of the agent that is named, else the first that waits at all."""
    rows = task.subtasks.filter(live=1, status=Subtask.Status.BLOCKED, awaits=Subtask.Awaits.MESSAGE)
    if asked is not None:
        return rows.filter(pk=asked.subtask_id or 0).first()
    waiting = list(rows.order_by("position", "id"))
    sent = Message.objects.filter(direction=Message.Direction.OUT, subtask__in=waiting)
    asked_of = {(one.subtask_id, one.envelope.get("to")) for one in sent}
    for fits in (
        lambda one: (one.pk, envelope["from"]) in asked_of,
        lambda one: one.agent == envelope["to"],
        lambda one: True,
    ):
        if found := next((one for one in waiting if fits(one)), None):
            return found
    return None
