"""Seals the log: binds every committed event to all before it by a chain of keyed hashes.

Events are written without a hash, so that workers never wait for each other. A sweep seals what has been
committed since, in batches; each batch is one row that lists its events and the hash of each:

    hash of an event  = HMAC-SHA256(key, hash before it, the event in canonical form)
    hash of a seal    = HMAC-SHA256(key, hash of its last event, the row in canonical form)

The key lies outside the database (CLAWBOT_AUDIT_KEY): who can write the tables cannot make a hash. The last
seal's hash is the head of the chain; a copy kept elsewhere proves that no later part was cut off.

Ids are given when an event is written and seen when its transaction commits, so a smaller id may appear after
a larger one. A seal remembers each gap it saw; every later one looks there again, until the database says
that nobody who could fill it is left.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from tasks import clock
from tasks.models import Event, Seal

BATCH = 2_000
#: seconds that one sweep may spend on sealing
BUDGET = 2.0
#: So long a gap is looked into at least; exactly so long where the database cannot say who still writes.
KEPT = timedelta(hours=1)
RANGES = 100  # ranges of ids in one query

Range = Sequence[Any]
COLUMNS = ("id", "kind", "task_id", "stage", "by", "at", "channel", "data", "changed")


# -- Hashes -------------------------------------------------------------------------------------------


def canonical(event: Event) -> bytes:
    """An event as bytes that are the same on every database."""
    values = [getattr(event, name) for name in COLUMNS]
    values[COLUMNS.index("at")] = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    return _json(values)


def row_bytes(seal: Seal) -> bytes:
    """What a seal says beside the hashes of its events."""
    at = seal.sealed_at.astimezone(UTC).isoformat(timespec="microseconds")
    return _json([seal.number, seal.first, seal.count, seal.ids, seal.gaps, seal.top, at])


def link(before: str, what: bytes) -> str:
    """The hash that binds `what` to the hash before it."""
    return hmac.digest(_key(), before.encode() + b"\n" + what, "sha256").hex()


def _key() -> bytes:
    return str(settings.AUDIT_KEY).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


# -- Sealing ------------------------------------------------------------------------------------------


def seal(now: datetime | None = None) -> int:
    """Seal what was committed since the last seal; returns how many events. Any number may call at once:
    the number of the next seal is unique, and who comes second has done nothing."""
    started, sealed = time.monotonic(), 0
    while (count := _seal_batch(now or clock.now())) and time.monotonic() - started < BUDGET:
        sealed += count
        if count < BATCH:
            return sealed
    return sealed + count


def _seal_batch(now: datetime) -> int:
    last = Seal.objects.order_by("-number").first() or Seal(
        number=0, first=1, count=0, top=0, gaps=[], hash=""
    )
    # In this order: who is gone before we look has been seen by the time we have looked.
    oldest = _oldest_writer()
    late = _in(last.gaps)
    fresh = list(_events(Q(pk__gt=last.top))[:BATCH])
    newest = _next_writer()
    events = [*late, *fresh]
    if not events:
        return 0
    hashes, before = [], last.hash
    for event in events:
        before = link(before, canonical(event))
        hashes.append(before)
    top = fresh[-1].pk if fresh else last.top
    made = Seal(
        number=last.number + 1, first=last.first + last.count, count=len(events),
        ids=ranges(event.pk for event in events), hashes="".join(hashes), top=top, sealed_at=now,
        gaps=_still(last.gaps, {event.pk for event in late}, oldest, now)
        + _holes(last.top, [event.pk for event in fresh], newest, now),
    )  # fmt: skip
    made.hash = link(before, row_bytes(made))
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        return 0
    return len(events)


def _events(which: Q) -> Any:
    return Event.objects.filter(which).order_by("pk").only(*COLUMNS)


def _in(gaps: Sequence[Range]) -> list[Event]:
    """What was committed meanwhile inside these ranges."""
    found: list[Event] = []
    for start in range(0, len(gaps), RANGES):
        which = Q()
        for first, last, *_ in gaps[start : start + RANGES]:
            which |= Q(pk__range=(first, last))
        found += _events(which)
    return found


def ranges(ids: Iterable[int]) -> list[list[int]]:
    """Ids as ranges, in the order they come in."""
    found: list[list[int]] = []
    for one in ids:
        if found and found[-1][1] == one - 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return found


def _holes(top: int, ids: Sequence[int], edge: int, now: datetime) -> list[list[Any]]:
    """The ids that should lie between these and are not there (yet)."""
    if connection.vendor == "sqlite":  # one writer at a time: what is not there now never will be
        return []
    found, before = [], top
    for one in ids:
        if one > before + 1:
            found.append([before + 1, one - 1, now.isoformat(), edge])
        before = one
    return found


def _still(gaps: Sequence[Range], filled: set[int], oldest: int, now: datetime) -> list[list[Any]]:
    """The gaps that may still be filled, without what was found in them."""
    left: list[list[Any]] = []
    for first, last, since, edge in gaps:
        if now - datetime.fromisoformat(since) > KEPT and oldest >= edge:
            continue
        start = first
        for one in sorted(each for each in filled if first <= each <= last):
            if one > start:
                left.append([start, one - 1, since, edge])
            start = one + 1
        if start <= last:
            left.append([start, last, since, edge])
    return left


def _oldest_writer() -> int:
    """The oldest transaction that may still commit (PostgreSQL; elsewhere time alone decides)."""
    return _ask("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _next_writer() -> int:
    """The transaction that would begin next."""
    return _ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")


def _ask(query: str) -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


# -- How it stands ------------------------------------------------------------------------------------


def head() -> Seal | None:
    """The newest seal; None while nothing was sealed."""
    return Seal.objects.order_by("-number").first()


def head_facts(one: Seal) -> dict[str, Any]:
    """The head as it is sent outside: how many events, which seal, its hash, when."""
    return {
        "events": one.first + one.count - 1, "seal": one.number, "hash": one.hash,
        "at": one.sealed_at.isoformat(timespec="seconds"),
    }  # fmt: skip


def unsealed_seconds(now: datetime | None = None) -> float:
    """How long the oldest event has waited for its seal; 0 where none waits."""
    last = head()
    oldest = Event.objects.filter(pk__gt=last.top if last else 0).order_by("pk").values_list("at", flat=True)
    at = oldest.first()
    return max(0.0, ((now or clock.now()) - at).total_seconds()) if at else 0.0
