"""Checks the sealed log: says exactly which line was edited, deleted, put in or exchanged, and whether the
end was cut off or the whole was made anew.

Reads only, in batches, so that a log of any length is checked in little memory. See `tasks/history/seal.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q

from tasks import clock, moments
from tasks.machine import Refused
from tasks.models import Event, Seal

from . import append_only, seal

#: The sweep seals every second; what is older than this and not sealed was forgotten, or put in later.
PATIENCE = timedelta(minutes=5)
WIDTH = 64  # digits of one hash
MOST = 200  # edited lines that are compared with each other
HEADS = "audit/heads.jsonl"  # below CLAWBOT_DATA: what the `file` carrier keeps


@dataclass(frozen=True)
class Fault:
    """One place where the log is not what was sealed. `kind` is one of edited, deleted, inserted, swapped,
    truncated, forged, unsealed, unguarded."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass
class Report:
    """What a check has found. `unsealed_seconds` is the age of the oldest line that waits for its seal."""

    events: int = 0
    seals: int = 0
    head: str = ""
    unsealed_seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    #: seals that this key did not make, with the first event of each that does not fit
    other_key: list[tuple[int, int]] = field(default_factory=list)

    def add(self, kind: str, text: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(kind, text))


@dataclass(frozen=True)
class Head:
    """A head that was kept elsewhere. Only the hash is always known."""

    hash: str
    events: int = 0
    seal: int = 0
    at: str = ""

    def __str__(self) -> str:
        return f"seal {self.seal} of {self.at}" if self.seal else f"{self.hash[:12]}…"


@dataclass
class _Edited:
    """A line whose hash is not the one in its seal."""

    place: int
    event: Event
    before: str
    hash: str


def check(heads: Iterable[Head] = (), now: datetime | None = None) -> Report:
    """Check the whole chain, and that it still holds these heads; the ones that the `file` carrier kept are
    compared in any case."""
    report = Report()
    known: list[list[int]] = []  # ranges of ids that some seal lists
    edited: list[_Edited] = []
    last: Seal | None = None
    for one in Seal.objects.order_by("number").iterator(50):
        _check_place(one, last, report)
        edited += _check_seal(one, last, report)
        known += one.ids
        report.seals, report.events, report.head = one.number, one.first + one.count - 1, one.hash
        last = one
    _name_key(report)
    _name_edited(edited, report)
    _check_rest(known, last, now or clock.now(), report)
    _check_heads([*kept_heads(), *heads], report)
    for trigger in append_only.missing():
        report.add("unguarded", f"the trigger that refuses {trigger} is missing; run `./manage.py guard`.")
    return report


# -- Seals and their events ---------------------------------------------------------------------------


def _check_place(one: Seal, last: Seal | None, report: Report) -> None:
    number, first = (last.number + 1, last.first + last.count) if last else (1, 1)
    if one.number != number:
        lost = one.first - first
        report.add("deleted", f"seals {number} to {one.number - 1} are gone, which held {lost} events.")
    elif one.first != first:
        report.add("edited", f"seal {one.number} begins at event {one.first} of the log instead of {first}.")


def _check_seal(one: Seal, last: Seal | None, report: Report) -> list[_Edited]:
    """The lines of a seal that are not as they were sealed."""
    ids = [id for first, final in one.ids for id in range(first, final + 1)]
    hashes = [one.hashes[at : at + WIDTH] for at in range(0, len(one.hashes), WIDTH)]
    follows = last.number + 1 == one.number if last else one.number == 1
    before = (last.hash if last else "") if follows else None
    right = bool(hashes) and seal.link(hashes[-1], seal.row_bytes(one)) == one.hash
    if len(ids) != len(hashes) or len(ids) != one.count:
        what = f"seal {one.number} lists {len(ids)} events and has {len(hashes)} hashes, for {one.count}."
        report.add("edited", what)
        return []
    events = {event.pk: event for event in _stored(one.ids)}
    wrong: list[_Edited] = []
    for place, (id, hash) in enumerate(zip(ids, hashes, strict=True)):
        event = events.get(id)
        if event is None:
            report.add("deleted", f"event {id} (line {one.first + place} of the log) is gone.")
        elif before is not None and seal.link(before, seal.canonical(event)) != hash:
            wrong.append(_Edited(one.first + place, event, before, hash))
        before = hash
    if not right and wrong and wrong[-1].place == one.first + one.count - 1:
        report.other_key.append((one.number, wrong[0].event.pk))
        return []
    if not right and not wrong:
        report.add("edited", f"seal {one.number} itself was changed.")
    elif not right:
        report.add("forged", f"seal {one.number} was not made with this key.")
    return wrong


def _name_key(report: Report) -> None:
    """Say once what one cause did to many seals."""
    if not (found := report.other_key):
        return
    first, last = found[0], found[-1]
    seals = f"seal {first[0]}" if len(found) == 1 else f"{len(found)} seals, {first[0]} to {last[0]},"
    verb = "was" if len(found) == 1 else "were"
    report.add(
        "forged",
        f"{seals} {verb} made with another key, from event {first[1]} on. Either the audit key of this "
        "machine is not the one they were sealed with (it was lost, exchanged or not copied: put back "
        "CLAWBOT_AUDIT_KEY or its file), or somebody without the key made the chain anew.",
    )


def _stored(ids: Sequence[seal.Range]) -> Iterator[Event]:
    for start in range(0, len(ids), seal.RANGES):
        which = Q()
        for first, final in ids[start : start + seal.RANGES]:
            which |= Q(pk__range=(first, final))
        yield from Event.objects.filter(which).only(*seal.COLUMNS).order_by("pk")


def _name_edited(edited: list[_Edited], report: Report) -> None:
    """Tell two lines that were exchanged from two that were edited."""
    left = {one.event.pk: one for one in edited}
    for one in edited[:MOST]:
        for other in edited[:MOST]:
            pair = one.event.pk in left and other.event.pk in left and one.event.pk < other.event.pk
            if pair and _fits(one, other) and _fits(other, one):
                what = f"events {one.event.pk} and {other.event.pk} (lines {one.place} and {other.place}"
                report.add("swapped", f"{what} of the log) have changed places.")
                del left[one.event.pk], left[other.event.pk]
    for one in left.values():
        event = one.event
        what = f"event {event.pk} (line {one.place} of the log, now {event.kind} by {event.by})"
        report.add("edited", f"{what} is not as it was sealed.")


def _fits(one: _Edited, other: _Edited) -> bool:
    """Whether what stands in the other's place now is what was sealed in this one's."""
    values = {name: getattr(other.event, name) for name in seal.COLUMNS}
    moved = Event(**{**values, "id": one.event.pk})
    return seal.link(one.before, seal.canonical(moved)) == one.hash


# -- What no seal lists -------------------------------------------------------------------------------


def _check_rest(known: list[list[int]], last: Seal | None, now: datetime, report: Report) -> None:
    top = last.top if last else 0
    open_ = last.gaps if last else []
    for event in _stored_between(known, top):
        if not any(first <= event.pk <= final for first, final, *_ in open_):
            report.add(
                "inserted",
                f"event {event.pk} ({event.kind} by {event.by}) was put in after its time was sealed.",
            )
        elif now - event.at > PATIENCE:
            report.add("unsealed", _waits(event))
    waiting = Event.objects.filter(pk__gt=top).only(*seal.COLUMNS).order_by("pk")
    for event in waiting.filter(at__lt=now - PATIENCE)[:MOST]:
        report.add("unsealed", _waits(event))
    report.unsealed_seconds = seal.unsealed_seconds(now)


def _waits(event: Event) -> str:
    what = f"event {event.pk} ({event.kind} by {event.by}) says {moments.exact(event.at)} and has no seal"
    return f"{what}: the orchestrator stands still, or it was put in later."


def _stored_between(known: list[list[int]], top: int) -> Iterator[Event]:
    """Events up to `top` in no known range."""
    holes, before = [], 0
    for first, final in sorted(known):
        if first > before + 1:
            holes.append((before + 1, first - 1))
        before = max(before, final)
    if top > before:
        holes.append((before + 1, top))
    yield from Event.objects.filter(pk__lt=1).only(*seal.COLUMNS)
    yield from _stored(holes)


# -- Heads kept elsewhere -----------------------------------------------------------------------------


def kept_heads() -> list[Head]:
    """The heads that the `file` carrier kept on this machine."""
    file = Path(settings.DATA) / HEADS
    return read_heads(file.read_text("utf-8")) if file.is_file() else []


def read_heads(text: str) -> list[Head]:
    """The heads in a text: JSON lines as the `file` carrier writes them, or any text with hashes in it, as
    it came by Slack. Refused where there is none."""
    found: list[Head] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("{"):
            try:
                facts = json.loads(line)
                head = Head(facts["hash"], int(facts["events"]), int(facts["seal"]), str(facts["at"]))
            except (ValueError, KeyError, TypeError) as error:
                raise Refused(f"Cannot read a head from {line[:60]!r}: {error}.") from None
            found.append(head)
        else:
            found += [Head(hash) for hash in re.findall(r"\b[0-9a-f]{64}\b", line)]
    if not found:
        raise Refused("Cannot compare: there is no head in it. A head has a hash of 64 hexadecimal digits.")
    return found


def _check_heads(heads: Sequence[Head], report: Report) -> None:
    hashes: dict[str, int] = {}
    numbers: dict[int, str] = {}
    for number, hash in Seal.objects.order_by("number").values_list("number", "hash").iterator(1_000):
        hashes[hash], numbers[number] = number, hash
    for head in heads:
        if head.hash in hashes:
            continue
        if head.seal in numbers:
            report.add("forged", f"{head} had another hash when its head was sent: the chain was made anew.")
        else:
            lost = f", at {head.events:,} events" if head.events else ""
            report.add(
                "truncated",
                f"the head of {head}{lost} is not in the chain any more, which ends with seal {report.seals} "
                f"at {report.events:,} events: its end was cut off, or it was made anew.",
            )


def as_json(report: Report) -> dict[str, Any]:
    """A report as commands print it."""
    return {
        "events": report.events, "seals": report.seals, "head": report.head,
        "unsealed_seconds": round(report.unsealed_seconds, 1),
        "faults": [{"kind": fault.kind, "text": fault.text} for fault in report.faults],
    }  # fmt: skip
