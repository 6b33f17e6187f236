"""What goes out across the border by queue: rows owed with an outcome, taken by a bridge, sent, settled.

    pending -> sending -> sent
                       -> pending    the broker was not reached
                       -> uncertain  it may have arrived: sent again under the same id
                       -> dead       it cannot be sent until a person mends something

At least once: every copy carries the row's key as its id, so the other side can tell copies apart. A row is
taken with a fence and a deadline, so any number of bridges may run.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from agents.message_format import MessageFormat
from tasks import access, clock, log, outbox
from tasks.engine.workers import DatabaseNow
from tasks.machine import Refused
from tasks.models import Hold, Message
from tasks.workflow import versions

BY = "clawbot:bridge"
M = Message.State

#: How long a bridge may take for a batch; a row past it has nobody who sends it.
SENDING = timedelta(seconds=60)
#: Before what may have arrived is sent once more.
SETTLING = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(minutes=10)
AT_ONCE = 50


def publishable(to: Collection[str] = (), *, limit: int = AT_ONCE) -> list[Message]:
    """The messages that are due, oldest first, without those under a hold; only those addressed to `to`,
    where given. A row whose bridge is past its deadline is due again, as uncertain."""
    lapse()
    rows = _out().filter(state__in=[M.PENDING, M.UNCERTAIN], not_before__lte=clock.now())
    if to:
        rows = rows.filter(envelope__to__in=list(to))
    return list(rows.exclude(_held()).select_related("task", "run").order_by("id")[:limit])


def take(messages: list[Message], channel: str) -> list[Message]:
    """Take these for sending by the bridge `channel`; returns those that are its own now. What came under a
    hold or was taken by another bridge meanwhile is left alone."""
    taken: list[Message] = []
    with transaction.atomic():
        for one in messages:
            mine = _out().filter(pk=one.pk, state=one.state, fence=one.fence)
            if mine.update(
                state=M.SENDING, fence=F("fence") + 1, attempts=F("attempts") + 1, channel=channel[:40],
                sending_until=DatabaseNow() + SENDING,
            ):  # fmt: skip
                one.fence += 1
                one.attempts += 1
                taken.append(one)
    # A hold that was committed since we looked: nothing leaves any more.
    held = set(_out().filter(_held(), pk__in=[one.pk for one in taken]).values_list("pk", flat=True))
    give_back([one for one in taken if one.pk in held])
    return [one for one in taken if one.pk not in held]


def settle(message: Message, state: str, *, error: str = "", address: str = "") -> bool:
    """End one attempt; False where another bridge holds the row by now. What is to be sent again waits
    longer each time."""
    now = clock.now()
    values: dict[str, Any] = {"error": error[:300], "sending_until": None}
    if address:
        values["address"] = address[:300]
    if state == M.SENT:
        values["sent_at"] = now
    elif state == M.UNCERTAIN:
        values["not_before"] = now + max(SETTLING, pause(message.attempts))
    elif state == M.PENDING and error:
        values["not_before"] = now + pause(message.attempts)
    with transaction.atomic():
        rows = _out().filter(pk=message.pk, state=M.SENDING, fence=message.fence)
        if not rows.update(state=state, **values):
            return False
        if state != M.PENDING and state != message.state:  # a check that finds nothing new says nothing new
            _tell(message, state, error)
    return True


def give_back(messages: list[Message]) -> None:
    """These were taken and never tried: they are as they were."""
    for one in messages:
        settle(one, one.state)


def lapse() -> int:
    """Call uncertain what a bridge took and never came back from; returns how many. By the database's
    clock, like every lease."""
    late = _out().filter(state=M.SENDING, sending_until__lt=DatabaseNow()).select_related("task")
    return sum(settle(one, M.UNCERTAIN, error="Its bridge stopped while sending.") for one in late)


def resend(message: Message, *, by: str) -> None:
    """Send a dead message again, or an uncertain one at once: -> pending. Refused for any other state."""
    access.require(by, "resend", message)
    with transaction.atomic():
        rows = _out().filter(pk=message.pk, state__in=[M.UNCERTAIN, M.DEAD])
        if not rows.update(state=M.PENDING, fence=F("fence") + 1, not_before=clock.now(), error=""):
            raise Refused(f"Cannot send {message.key} again: it is neither dead nor uncertain.")
        _tell(message, "resent", by=by)


def names(message: Message) -> MessageFormat:
    """How whoever gets this message names its fields: the `message_format` of the agent that sent it."""
    run = message.run
    if run is None or run.agent_version is None:
        return MessageFormat()
    return versions.agent(run.agent, run.agent_version).message_format


def pause(attempts: int) -> timedelta:
    """The wait after this many attempts: doubled each time, at most ten minutes."""
    return min(timedelta(seconds=2 ** min(attempts, 10)), LONGEST_PAUSE)


def _out() -> QuerySet[Message]:
    return Message.objects.filter(direction=Message.Direction.OUT)


def _held() -> Q:
    """An agent's hold keeps back what it sent, too."""
    agents = Hold.objects.filter(open=1, scope=Hold.Scope.AGENT).values_list("target", flat=True)
    return outbox.under_hold() | Q(run__agent__in=list(agents))


def _tell(message: Message, state: str, error: str = "", *, by: str = BY) -> None:
    more = {"error": error} if state in (M.UNCERTAIN, M.DEAD) else {}
    log.record(
        f"message.{state}", by=by, task=message.task, message=message.pk, channel=message.channel,
        to=message.envelope.get("to", ""), type=message.envelope.get("type", ""), **more,
    )  # fmt: skip
