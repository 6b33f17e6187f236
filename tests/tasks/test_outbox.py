"""Messages owed to people: written with the change, delivered once."""

from __future__ import annotations

import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from agents.contract import Refused
from tasks import carriers, clock, notices, outbox, supervision
from tasks.carriers import Broken, Busy, Unclear
from tasks.models import Event, Notice, Task
from tests.tasks.builders import a_task

HOUR = timedelta(hours=1)


class Pigeon:
    """A carrier of these tests. `flights` says how each send ends; `seen` is who got what."""

    PACE = 0.0

    def __init__(self) -> None:
        self.flights: list[Exception] = []
        self.seen: list[str] = []
        self.found: list[Any] = []
        self.looked: list[str] = []
        self.on_send = lambda notice: None

    def send(self, notice: Notice) -> dict[str, Any]:
        self.on_send(notice)
        if self.flights:
            raise self.flights.pop(0)
        self.seen.append(notice.key)
        return {"tree": 7}

    def find(self, notice: Notice) -> dict[str, Any] | None:
        self.looked.append(notice.key)
        answer = self.found.pop(0) if self.found else ({"tree": 7} if notice.key in self.seen else None)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pigeon(monkeypatch, settings) -> Pigeon:
    bird = Pigeon()
    settings.CARRIERS = ["pigeon"]
    monkeypatch.setattr(carriers, "get", lambda name: bird)
    monkeypatch.setattr(carriers, "names", lambda: frozenset({"pigeon"}))
    return bird


def owe(key: str = "completion:1", task: Task | None = None, to: tuple[str, ...] = ("editors",)) -> Notice:
    outbox.owe("completion", task=task or a_task(), to=to, content={"summary": "Done."}, key=key)
    return Notice.objects.get(key=f"{key}:pigeon:{to[0]}")


def state(notice: Notice) -> str:
    notice.refresh_from_db()
    return notice.state


def send(after: timedelta = timedelta(0)) -> int:
    clock.move(after)
    return outbox.send_due()


# -- owing


@pytest.mark.django_db
def test_owes_one_message_to_each_recipient_by_each_carrier(pigeon: Pigeon, settings) -> None:
    settings.CARRIERS = ["pigeon", "console"]

    outbox.owe("completion", task=a_task(), to=["editors", "user:ana", "editors"], content={}, key="k")

    assert set(Notice.objects.values_list("carrier", "recipient")) == {
        (carrier, to) for carrier in ("pigeon", "console") for to in ("editors", "user:ana")
    }
    assert Notice.objects.count() == 4


@pytest.mark.django_db
def test_owes_the_same_key_only_once(pigeon: Pigeon) -> None:
    task = a_task()

    owe(task=task)
    owe(task=task)
    send()
    owe(task=task)
    send()

    assert pigeon.seen == ["completion:1:pigeon:editors"]


@pytest.mark.django_db
def test_owes_nothing_where_the_change_is_rolled_back(pigeon: Pigeon) -> None:
    with transaction.atomic():
        owe()
        transaction.set_rollback(True)

    assert not Notice.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", notices.KINDS)
def test_has_a_text_for_every_kind_that_names_the_task_and_leads_to_it(pigeon: Pigeon, kind: str) -> None:
    outbox.owe(kind, task=a_task(), to=["editors"], content={}, key="k")

    text = Notice.objects.get().text
    assert "ART-1 Why agents need a manager" in text
    assert "/tasks/ART-1/" in text


@pytest.mark.django_db
def test_refuses_a_kind_that_nobody_wrote(pigeon: Pigeon) -> None:
    with pytest.raises(ValueError, match="completion"):
        outbox.owe("gossip", task=a_task(), to=["editors"], content={}, key="k")


# -- delivering


@pytest.mark.django_db
def test_delivers_once_and_says_so_in_the_log(pigeon: Pigeon) -> None:
    notice = owe()

    assert (send(), send()) == (1, 0)

    assert state(notice) == "sent"
    assert notice.remote == {"tree": 7}
    assert notice.sent_at is not None
    assert Event.objects.filter(kind="notice.sent", task=notice.task).count() == 1


@pytest.mark.django_db
def test_gives_one_notice_to_only_one_of_two_senders(pigeon: Pigeon) -> None:
    notice = owe()
    seen_by_both = Notice.objects.get(pk=notice.pk)

    outbox.deliver(notice, clock.now())
    outbox.deliver(seen_by_both, clock.now())

    assert len(pigeon.seen) == 1


@pytest.mark.django_db
def test_waits_as_long_as_the_carrier_asks(pigeon: Pigeon) -> None:
    notice = owe()
    pigeon.flights = [Busy("Not now.", after=90)]

    assert [send(), send(timedelta(seconds=80)), send(timedelta(seconds=15))] == [0, 0, 1]
    assert state(notice) == "sent"


@pytest.mark.django_db
def test_waits_longer_each_time_where_the_carrier_does_not_say(pigeon: Pigeon) -> None:
    notice = owe()
    pigeon.flights = [Busy("Away.")] * 20
    waits = []
    for _ in range(20):
        send(HOUR)
        notice.refresh_from_db()
        waits.append(notice.not_before - clock.now())

    assert waits[0] < waits[3] < waits[6]
    assert max(waits) <= outbox.LONGEST_PAUSE


@pytest.mark.django_db
def test_gives_up_in_the_end_and_says_why(pigeon: Pigeon) -> None:
    notice = owe()
    pigeon.flights = [Busy("Away.")] * 500

    for _ in range(outbox.MOST_ATTEMPTS + 5):
        send(HOUR)

    assert state(notice) == "dead"
    assert "Away." in notice.error


@pytest.mark.django_db
def test_calls_uncertain_what_its_sender_never_came_back_from(pigeon: Pigeon) -> None:
    notice = owe()
    pigeon.on_send = lambda notice: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        send()
    assert state(notice) == "sending"
    pigeon.on_send = lambda notice: None
    assert send() == 0  # its deadline is not over: it may still be sending

    Notice.objects.update(sending_until=timezone.now() - timedelta(seconds=1))
    outbox.lapse(clock.now())

    assert state(notice) == "uncertain"
    assert Event.objects.filter(kind="notice.uncertain").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("arrived", [True, False])
def test_looks_before_it_repeats_a_doubtful_message(pigeon: Pigeon, arrived: bool) -> None:
    notice = owe()
    pigeon.flights = [Unclear("Cut off.")]
    send()
    assert state(notice) == "uncertain"
    if arrived:
        pigeon.seen.append(notice.key)

    send(HOUR)

    assert pigeon.looked == [notice.key]
    assert pigeon.seen == [notice.key]
    assert state(notice) == "sent"


@pytest.mark.django_db
def test_lets_a_late_message_become_visible_before_it_looks(pigeon: Pigeon) -> None:
    owe()
    pigeon.flights = [Unclear("Timed out.")]
    send()

    send(outbox.SETTLING - timedelta(seconds=1))

    assert pigeon.looked == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer", [Unclear("No."), Broken("No right to look."), Busy("Wait.", after=5), OSError("?")]
)
def test_never_repeats_what_it_cannot_look_for(pigeon: Pigeon, answer: Exception) -> None:
    notice = owe()
    pigeon.flights = [Unclear("Cut off.")]
    send()
    pigeon.found = [answer] * 5

    for _ in range(5):
        send(HOUR)

    assert len(pigeon.looked) == 5
    assert pigeon.seen == []
    assert state(notice) == "uncertain"
    assert Event.objects.filter(kind="notice.uncertain").count() == 1


@pytest.mark.django_db
def test_calls_uncertain_what_failed_in_a_way_nobody_foresaw(pigeon: Pigeon) -> None:
    notice = owe()
    pigeon.flights = [RuntimeError("A wing broke.")]

    send()

    assert state(notice) == "uncertain"
    assert "A wing broke." in notice.error


@pytest.mark.django_db
def test_lets_the_others_go_when_one_recipient_has_to_wait(pigeon: Pigeon) -> None:
    pigeon.PACE = 1.0
    task = a_task()
    owe("one", task, ("editors",))
    pigeon.flights = [Busy("Too many.", after=60)]
    send()
    owe("two", task, ("editors",))
    owe("three", task, ("operators",))

    send(timedelta(seconds=5))

    assert pigeon.seen == ["three:pigeon:operators"]


@pytest.mark.django_db
def test_drops_what_comes_back_after_another_took_over(pigeon: Pigeon) -> None:
    notice = owe()

    def overtaken(_: Notice) -> None:
        Notice.objects.filter(pk=notice.pk).update(fence=99, state="uncertain")

    pigeon.on_send = overtaken
    send()

    assert state(notice) == "uncertain"
    assert notice.fence == 99
    assert not Event.objects.filter(kind="notice.sent").exists()


# -- holds


@pytest.mark.django_db
@pytest.mark.parametrize(("scope", "target"), [("all", ""), ("task", "ART-1"), ("workflow", "article")])
def test_lets_nothing_leave_under_a_hold_and_all_of_it_afterwards(
    pigeon: Pigeon, ben, scope: str, target: str
) -> None:
    owe()
    hold = supervision.pause(scope, target, by="user:ben", why="Legal reads first")
    assert send(HOUR) == 0

    supervision.resume(hold, by="user:ben")

    assert send() == 1
    assert len(pigeon.seen) == 1


@pytest.mark.django_db
def test_holds_one_task_and_lets_the_others_go(pigeon: Pigeon, ben) -> None:
    owe("one", a_task())
    owe("two", a_task("Another"))
    supervision.pause("task", "ART-1", by="user:ben", why="Legal reads first")

    send()

    assert pigeon.seen == ["two:pigeon:editors"]


@pytest.mark.django_db
def test_lets_nothing_leave_that_was_taken_just_before_the_hold(pigeon: Pigeon, ben, monkeypatch) -> None:
    notice = owe()
    take = outbox._take

    def take_then_hold(*arguments: Any) -> bool:
        taken = take(*arguments)
        supervision.pause("all", "", by="user:ben", why="Stop")
        return taken

    monkeypatch.setattr(outbox, "_take", take_then_hold)

    send()

    assert pigeon.seen == []
    assert state(notice) == "pending"
    assert notice.attempts == 0


@pytest.mark.django_db
def test_does_not_send_once_it_slept_past_its_time(pigeon: Pigeon, monkeypatch) -> None:
    notice = owe()
    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=iter(range(0, 10_000, 100)).__next__))

    outbox.deliver(notice, clock.now())

    assert pigeon.seen == []
    assert state(notice) == "pending"


# -- what a person may do


@pytest.mark.django_db
@pytest.mark.parametrize("error", [Broken("No such loft."), Unclear("Cut off.")])
def test_sends_again_what_a_person_asks_for(pigeon: Pigeon, ben, error: Exception) -> None:
    notice = owe()
    pigeon.flights = [error]
    send()
    notice.refresh_from_db()

    outbox.resend(notice, by="user:ben")
    send()

    assert state(notice) == "sent"
    assert Event.objects.filter(kind="notice.resent", by="user:ben").count() == 1


@pytest.mark.django_db
def test_looks_at_once_where_a_person_asks(pigeon: Pigeon, ben) -> None:
    notice = owe()
    pigeon.flights = [Unclear("Cut off.")]
    send()

    outbox.check(notice, by="user:ben")
    send()

    assert pigeon.looked == [notice.key]


@pytest.mark.django_db
def test_refuses_to_send_again_what_arrived_or_whom_it_does_not_concern(pigeon: Pigeon, ben, ana) -> None:
    notice = owe()
    send()

    for verb in (outbox.resend, outbox.check):
        with pytest.raises(Refused, match="Cannot"):
            verb(notice, by="user:ben")
        with pytest.raises(Refused, match="operators"):
            verb(notice, by="user:ana")


# -- on every database


def test_takes_each_notice_once_among_many_senders(database: str, pigeon: Pigeon) -> None:
    task = a_task()
    for number in range(40):
        owe(f"n{number:02}", task)
    start, failed = threading.Barrier(4), []

    def sender() -> None:
        try:
            start.wait()
            for _ in range(3):
                outbox.send_due()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sender) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert sorted(pigeon.seen) == sorted(Notice.objects.values_list("key", flat=True))
    assert set(Notice.objects.values_list("state", flat=True)) == {"sent"}
    assert Event.objects.filter(kind="notice.sent").count() == 40


def test_is_never_inside_a_transaction_when_it_sends(database: str, pigeon: Pigeon) -> None:
    inside: list[bool] = []
    pigeon.on_send = lambda notice: inside.append(connection.in_atomic_block)
    owe()

    send()

    assert inside == [False]


def test_lapses_by_the_clock_of_the_database(database: str, pigeon: Pigeon) -> None:
    owe()
    pigeon.on_send = lambda notice: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        send()
    clock.move(timedelta(days=1))  # this host's clock is wrong

    assert outbox.lapse(clock.now()) == 0
