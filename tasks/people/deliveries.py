"""Deliveries in doubt: messages to people and to other systems that only a person can settle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from tasks import access, clock, log
from tasks.machine import Refused
from tasks.models import Message, Notice, Task

DOUBT = ("uncertain", "dead")
MOST = 20


@dataclass(frozen=True)
class Doubt:
    """One delivery that is uncertain, or failed for good, and what may be done about it."""

    row: Notice | Message
    noun: str  # notice, message
    verbs: tuple[str, ...]  # check, resend, delivered
    task: Task | None
    to: str
    since: datetime
    why: str


def doubts(who: Any) -> list[Doubt]:
    """The newest deliveries in doubt that this person sees: first those that may have arrived."""
    notices = access.seen(Notice, who).filter(state__in=DOUBT).select_related("task").order_by("-id")
    rows = access.seen(Message, who).filter(state__in=DOUBT, direction=Message.Direction.OUT)
    messages = rows.select_related("task").order_by("-id")
    found = [*map(_of_notice, notices[:MOST]), *map(_of_message, messages[:MOST])]
    return sorted(found, key=lambda one: (one.row.state == "dead", one.since))


def _of_notice(row: Notice) -> Doubt:
    verbs = ("check", "resend", "delivered") if row.state == "uncertain" else ("resend", "delivered")
    why = row.error or "Nobody knows whether it arrived."
    return Doubt(row, "notice", verbs, row.task, f"{row.carrier} to {row.recipient}", row.created_at, why)


def _of_message(row: Message) -> Doubt:
    to = str(row.envelope.get("to", "")) if isinstance(row.envelope, dict) else ""
    why = row.error or "Nobody knows whether it arrived."
    return Doubt(row, "message", ("resend", "delivered"), row.task, f"{row.channel} to {to}", row.at, why)


def delivered(row: Notice | Message, *, by: str) -> None:
    """Say that a delivery in doubt has arrived: it is never sent again. Refused for one that is not in
    doubt; for one that was sent, nothing changes."""
    access.require(by, "resend", row)
    model = type(row)
    noun = model._meta.model_name
    with transaction.atomic():
        rows = model._default_manager.filter(pk=row.pk, state__in=DOUBT)
        now = clock.now()
        if rows.update(state="sent", fence=F("fence") + 1, sending_until=None, sent_at=now, error=""):
            facts = _facts(row) | {"why": "A person saw it there."}
            log.record(f"{noun}.sent", by=by, task=row.task, **facts)
        elif not model._default_manager.filter(pk=row.pk, state="sent").exists():
            raise Refused(f"Cannot call {row.key} delivered: it is on its way, and will say so by itself.")


def _facts(row: Notice | Message) -> dict[str, Any]:
    if isinstance(row, Notice):
        return {
            "notice": row.pk, "kind": row.kind, "carrier": row.carrier, "recipient": row.recipient,
        }  # fmt: skip
    to, kind = row.envelope.get("to", ""), row.envelope.get("type", "")
    return {"message": row.pk, "channel": row.channel, "to": to, "type": kind}
