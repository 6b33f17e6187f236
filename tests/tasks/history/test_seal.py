"""The log is sealed in batches, loses no line that commits late, and says of every tampering where it is."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tasks import clock, log
from tasks.event_kinds import KINDS
from tasks.history import append_only, chain, seal
from tasks.models import Event, Seal

LINES = 12_000
BY = ("agent:writer", "user:ana", "orchestrator:rescue", "clawbot")


def write(count: int, *, begin: int = 0) -> None:
    """That many honest lines."""
    kinds = list(KINDS)
    log.write(
        log.line(kinds[n % len(kinds)], by=BY[n % 4], stage="write", **facts(kinds[n % len(kinds)], n))
        for n in range(begin, begin + count)
    )


def facts(kind: str, n: int) -> dict[str, Any]:
    """What an event of this kind carries, in values of several types."""
    return dict(zip(sorted(KINDS[kind].always), cycle((n, f"ünïcode {n}", 0.1 * n)), strict=False))


def seal_all() -> None:
    while seal.seal():
        pass


def kinds(**how: Any) -> list[str]:
    return [fault.kind for fault in chain.check(**how).faults if fault.kind != "unguarded"]


@pytest.fixture
def house(db, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings, "DATA", tmp_path)


@pytest.mark.usefixtures("house")
class TestSealing:
    def test_seals_what_was_committed_and_nothing_twice(self) -> None:
        write(5)

        assert (seal.seal(), seal.seal()) == (5, 0)

        write(2, begin=5)
        assert seal.seal() == 2
        assert [(one.number, one.first, one.count) for one in Seal.objects.all()] == [(1, 1, 5), (2, 6, 2)]
        assert kinds() == []

    def test_says_how_long_the_oldest_line_has_waited(self) -> None:
        write(1)

        assert seal.unsealed_seconds(clock.now() + timedelta(seconds=40)) == pytest.approx(40, abs=5)
        assert kinds(now=clock.now() + timedelta(minutes=6)) == ["unsealed"]

        seal.seal()
        assert seal.unsealed_seconds() == 0
        assert kinds(now=clock.now() + timedelta(minutes=6)) == []

    def test_does_nothing_where_another_was_quicker(self, monkeypatch) -> None:
        write(3)
        events = seal._events

        def slow(which: Any) -> Any:
            monkeypatch.setattr(seal, "_events", events)
            seal.seal()
            return events(which)

        monkeypatch.setattr(seal, "_events", slow)

        assert seal.seal() == 0
        assert Seal.objects.count() == 1
        assert kinds() == []


# -- Tampering ----------------------------------------------------------------------------------------

#: what somebody does who may write every table and does not have the key
Deed = Callable[[random.Random, list[int]], str]


def _edit(dice: random.Random, ids: list[int]) -> str:
    one = dice.choice(ids)
    what: dict[str, Any] = dice.choice(
        [
            {"by": "user:mallory"}, {"kind": "review.released"}, {"stage": "approve"}, {"channel": "cli"},
            {"at": timezone.now() - timedelta(days=3)}, {"data": {"number": -1}}, {"changed": [{"of": "x"}]},
        ]
    )  # fmt: skip
    Event.objects.filter(pk=one).update(**what)
    return "edited"


def _delete(dice: random.Random, ids: list[int]) -> str:
    Event.objects.filter(pk=dice.choice(ids)).delete()
    return "deleted"


def _insert(dice: random.Random, ids: list[int]) -> str:
    """In the place of one that is taken away, before all others, or after them with an old time."""
    id = dice.choice([0, -5, ids[-1] + dice.randint(1, 50)])
    at = timezone.now() - timedelta(hours=dice.randint(1, 900))
    Event.objects.create(pk=id, kind="review.decided", by="user:ana", at=at, data={"verb": "approve"})
    return "inserted" if id < 1 else "unsealed"


def _swap(dice: random.Random, ids: list[int]) -> str:
    first, second = (Event.objects.get(pk=id) for id in dice.sample(ids, 2))
    first.pk, second.pk = second.pk, first.pk
    first.save()
    second.save()
    return "swapped"


def _cut(dice: random.Random, ids: list[int]) -> str:
    keep = dice.randint(0, Seal.objects.count() - 1)
    last = Seal.objects.filter(number=keep).first()
    Seal.objects.filter(number__gt=keep).delete()
    Event.objects.filter(pk__gt=last.top if last else 0).delete()
    return "truncated"


def _forge(dice: random.Random, ids: list[int]) -> str:
    """Edit one line and make all later hashes anew, with a key of one's own."""
    number = dice.randint(1, Seal.objects.count())
    one = Seal.objects.get(number=number)
    victim = dice.choice([id for first, last in one.ids for id in range(first, last + 1)])
    Event.objects.filter(pk=victim).update(by="user:mallory")
    honest, settings.AUDIT_KEY = settings.AUDIT_KEY, "a key of one's own"
    try:
        reseal(number, victim)
    finally:
        settings.AUDIT_KEY = honest
    return "forged"


def reseal(number: int, victim: int) -> None:
    before = None
    for one in Seal.objects.filter(number__gte=number).order_by("number"):
        ids = [id for first, last in one.ids for id in range(first, last + 1)]
        hashes = [one.hashes[n : n + 64] for n in range(0, len(one.hashes), 64)]
        begin = ids.index(victim) if victim in ids else 0
        before = before or (hashes[begin - 1] if begin else "")
        for place in range(begin, len(ids)):
            before = hashes[place] = seal.link(before, seal.canonical(Event.objects.get(pk=ids[place])))
        one.hashes = "".join(hashes)
        before = one.hash = seal.link(before, seal.row_bytes(one))
        one.save()


def _seal_row(dice: random.Random, ids: list[int]) -> str:
    one = Seal.objects.order_by("?").first()
    one.gaps = [[1, ids[-1], timezone.now().isoformat(), 0]]  # to hide what is put in
    one.save()
    return "edited"


DEEDS: list[Deed] = [_edit, _edit, _delete, _insert, _swap, _cut, _forge, _seal_row]


def tamper(times: int, lines: int) -> list[str]:
    """Tamper that many times, each time with the honest log; returns what was not found."""
    dice = random.Random(20)
    write(lines)
    seal_all()
    assert kinds() == []
    heads = [chain.Head(**seal.head_facts(one)) for one in [seal.head()]]
    ids = list(Event.objects.order_by("pk").values_list("pk", flat=True))
    missed = []
    for number in range(times):
        deed = DEEDS[number % len(DEEDS)]
        with transaction.atomic():
            expected = deed(dice, ids)
            found = kinds(heads=heads)
            if expected not in found:
                missed.append(f"{number} {deed.__name__}: expected {expected}, found {found}")
            transaction.set_rollback(True)
    assert kinds(heads=heads) == []
    return missed


@pytest.mark.usefixtures("house")
def test_finds_a_hundred_tamperings_of_a_hundred_and_takes_no_honest_line_for_one(monkeypatch) -> None:
    monkeypatch.setattr(seal, "BATCH", 50)
    append_only.lift()

    assert tamper(100, 400) == []


@pytest.mark.usefixtures("house")
def test_finds_nothing_wrong_in_ten_thousand_honest_lines() -> None:
    write(LINES)
    seal_all()

    report = chain.check(now=clock.now() + timedelta(hours=1))

    assert (report.events, report.seals, report.faults) == (LINES, LINES // seal.BATCH, [])


def test_finds_them_on_every_database(database, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(seal, "BATCH", 20)
    append_only.lift()
    try:
        assert tamper(16, 100) == []
    finally:
        append_only.guard()


@pytest.mark.usefixtures("house")
class TestTellingWhere:
    @pytest.fixture(autouse=True)
    def _sealed(self, house, monkeypatch) -> None:
        monkeypatch.setattr(seal, "BATCH", 10)
        append_only.lift()
        write(30)
        seal_all()

    def found(self, **how: Any) -> str:
        (fault,) = [one for one in chain.check(**how).faults if one.kind != "unguarded"]
        return str(fault)

    def test_names_the_line_that_was_edited(self) -> None:
        one = Event.objects.order_by("pk")[12]
        Event.objects.filter(pk=one.pk).update(by="user:mallory")

        assert f"edited: event {one.pk} (line 13 of the log" in self.found()

    def test_names_the_line_that_is_gone(self) -> None:
        one = Event.objects.order_by("pk")[12]
        one.delete()

        assert self.found().startswith("deleted: event ")
        assert "(line 13 of the log) is gone" in self.found()

    def test_names_the_seals_that_are_gone(self) -> None:
        Seal.objects.filter(number=2).delete()

        texts = [str(fault) for fault in chain.check().faults]
        assert "deleted: seals 2 to 2 are gone, which held 10 events." in texts

    def test_names_the_head_that_is_no_longer_there(self) -> None:
        kept = chain.read_heads(f"Head of the log: 30 events, seal 3\n{seal.head().hash}\n")
        Event.objects.filter(pk__gt=Seal.objects.get(number=2).top).delete()
        Seal.objects.filter(number=3).delete()

        assert kinds() == []
        assert self.found(heads=kept).startswith("truncated: the head of")

    def test_tells_a_wrong_key_from_an_edit(self, monkeypatch) -> None:
        monkeypatch.setattr(settings, "AUDIT_KEY", "another")

        assert {fault.kind for fault in chain.check().faults} >= {"forged"}


def test_loses_no_line_that_commits_late(database) -> None:
    """A transaction writes line n and is slow; lines after it are sealed first, then it commits."""
    if database == "sqlite":
        pytest.skip("SQLite has one writer at a time.")
    written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            log.record("task.done", by="agent:late", outcome="completed")
            written.set()
            may_commit.wait(30)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(30)
    write(3)
    assert seal.seal() == 3
    may_commit.set()
    thread.join()

    assert seal.seal() == 1
    late, newest = Event.objects.get(by="agent:late"), seal.head()
    assert newest.ids == [[late.pk, late.pk]]
    assert late.pk < newest.top
    assert newest.gaps == []
    assert kinds() == []


def test_gives_a_gap_up_when_nobody_is_left_who_could_fill_it(database, monkeypatch) -> None:
    # Whoever writes elsewhere on this server, in a test beside this one, counts as somebody who is left.
    monkeypatch.setattr(seal, "_oldest_writer", seal._next_writer)
    with suppress(ZeroDivisionError), transaction.atomic():
        write(2)
        raise ZeroDivisionError
    write(1)
    seal.seal()
    assert (database == "sqlite") == (seal.head().gaps == [])

    write(1)
    seal.seal(clock.now() + timedelta(hours=2))

    assert seal.head().gaps == []
    assert kinds() == []
