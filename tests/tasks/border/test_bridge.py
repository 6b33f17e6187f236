"""The queue bridge against real brokers: nothing lost, nothing done twice, and broken links mended."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import InternalError, OperationalError

from agents.contract import Refused
from agents.message_format import MessageFormat
from tasks import clock
from tasks.border import bridge, messages, publishing
from tasks.border.bridge.inward import Inward
from tasks.border.bridge.links import link
from tasks.border.bridge.outward import Outward
from tasks.models import Hold, Message, Task
from tests import brokers
from tests.brokers import Broker
from tests.tasks.builders import a_task, a_workflow

ORDER: list[dict[str, Any]] = [{"name": "check_stock", "agent": "inventory-agent", "done_as": "checked"}]
pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module", params=brokers.KINDS)
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Each kind of broker in turn; skips those that are not here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "only-for-tests")
        patch.setattr(bridge, "LONGEST_PAUSE", 0.5)
        try:
            with brokers.broker(request.param, tmp_path_factory.mktemp(request.param)) as one:
                yield one
        except brokers.Absent as reason:
            pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def _order(db: None, transactional_db: None) -> None:
    a_workflow("order", ORDER, key="ORD")


@pytest.fixture
def travel(broker: Broker) -> Iterator[Callable[..., Any]]:
    """Starts roads in threads, as the command does; all of them are stopped at the end."""
    stop = threading.Event()
    threads: list[threading.Thread] = []
    said: list[str] = []

    def begin(*roads: bridge.Road) -> list[str]:
        threads.append(thread := threading.Thread(target=bridge.run, args=(list(roads), stop)))
        thread.start()
        return said

    begin.said = said  # type: ignore[attr-defined]
    begin.stop = stop  # type: ignore[attr-defined]
    yield begin
    stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


class Desk:
    """The queues of one test, and what is done with them."""

    def __init__(self, broker: Broker, travel: Callable[..., Any]) -> None:
        self.broker, self.travel = broker, travel
        self.inbox, self.outbox, self.dead = (broker.queue(name) for name in ("in", "out", "dead"))

    def _common(self) -> dict[str, Any]:
        said, stop = self.travel.said, self.travel.stop  # type: ignore[attr-defined]
        return {"url": self.broker.url, "stop": stop, "say": said.append, "name": "bridge-a"}

    def listen(self, **more: Any) -> Inward:
        road = Inward(**self._common(), queue=self.inbox, dead=self.dead, **more)
        self.travel(road)
        return road

    def publish(self, **more: Any) -> Outward:
        road = Outward(**self._common(), queue=self.outbox, **more)
        self.travel(road)
        return road


@pytest.fixture
def desk(broker: Broker, travel: Callable[..., Any]) -> Desk:
    return Desk(broker, travel)


def an_envelope(number: int = 1, **change: Any) -> bytes:
    whole = {
        "from": "shop", "to": "order", "type": "order",
        "data": {"title": f"Order {number}", "number": number},
        "correlation_id": f"order-{number}", "timestamp": "2026-02-17T12:00:00Z", **change,
    }  # fmt: skip
    return json.dumps(whole).encode()


def owe(number: int = 1, to: str = "warehouse", **more: Any) -> Message:
    """What a stage sent with its outcome."""
    now = clock.now()
    envelope = json.loads(an_envelope(number, to=to, **{"from": "inventory-agent"}))
    return Message.objects.create(
        direction="out", channel="", key=f"owed-{number}", envelope=envelope, state="pending", not_before=now,
        at=now, correlation_id=f"order-{number}", **more,
    )  # fmt: skip


def eventually(happens: Callable[[], Any], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def states() -> list[str]:
    return sorted(Message.objects.values_list("state", flat=True))


# -- in


def test_injects_a_task_for_each_message_and_leaves_the_queue_empty(desk: Desk) -> None:
    desk.broker.put(desk.inbox, *[an_envelope(number) for number in range(5)])

    road = desk.listen()
    eventually(lambda: road.tally.get("injected") == 5)

    [listening] = desk.travel.said  # type: ignore[attr-defined]
    scheme = desk.broker.url.partition(":")[0]
    assert listening.startswith(f"Listening on {desk.inbox} at {scheme}://")
    assert sorted(Task.objects.values_list("title", flat=True)) == [f"Order {number}" for number in range(5)]
    row = Message.objects.first()
    assert (row.channel, row.address, row.state) == ("bridge-a", desk.inbox, "received")
    desk.travel.stop.set()  # type: ignore[attr-defined]
    assert desk.broker.get(desk.inbox, 1, seconds=1.5) == []


def test_does_once_what_comes_twice(desk: Desk) -> None:
    desk.broker.put(desk.inbox, an_envelope(1), an_envelope(1), an_envelope(2), an_envelope(1))

    road = desk.listen()
    eventually(lambda: sum(road.tally.values()) == 4)

    assert road.tally == {"injected": 2, "again": 2}
    assert Task.objects.count() == 2


def test_moves_what_cannot_be_taken_to_the_dead_letters_with_the_reason(desk: Desk) -> None:
    desk.broker.put(desk.inbox, b"not json", an_envelope(1, to="nobody"), an_envelope(2), b"[" * 10_000)

    road = desk.listen()
    eventually(lambda: sum(road.tally.values()) == 4)

    assert road.tally == {"refused": 3, "injected": 1}
    rows = Message.objects.filter(state="refused").order_by("error")
    assert [row.error[:40] for row in rows] == [
        "Cannot take the message: `nobody` is no ", "It is nested too deeply to be read.",
        "It is not JSON (Expecting value: line 1 ",
    ]  # fmt: skip
    desk.travel.stop.set()  # type: ignore[attr-defined]
    dead = desk.broker.get(desk.dead, 3)
    assert len(dead) == 3
    assert any(b"not json" in one.body for one in dead)
    assert any("Refused a message from" in line for line in desk.travel.said)  # type: ignore[attr-defined]


def test_reads_a_foreign_systems_names(desk: Desk) -> None:
    theirs = {"sender": "shop", "receiver": "order", "event": "new", "payload": {"name": "Two lamps"}}
    desk.broker.put(desk.inbox, json.dumps(theirs).encode())

    names = {"from": "sender", "to": "receiver", "type": "event", "data": "payload"}
    road = desk.listen(names=MessageFormat(envelope=names, data={"title": "name"}))
    eventually(lambda: road.tally)

    assert Task.objects.get().title == "Two lamps"


def _read_only() -> InternalError:
    """As psycopg's reaches us from a server that takes no changes."""
    error = InternalError("cannot execute INSERT in a read-only transaction")
    error.__cause__ = psycopg.errors.ReadOnlySqlTransaction()
    return error


@pytest.mark.parametrize("error", [OperationalError("the server closed the connection"), _read_only()])
def test_waits_for_the_database_and_keeps_the_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    trouble = [error] * 3
    real = messages.receive

    def receive(*args: Any, **more: Any) -> Any:
        if trouble:
            raise trouble.pop()
        return real(*args, **more)

    monkeypatch.setattr(messages, "receive", receive)
    desk.broker.put(desk.inbox, an_envelope())

    road = desk.listen()
    eventually(lambda: road.tally)

    assert road.tally == {"injected": 1}
    assert any("The database is away" in line for line in desk.travel.said)  # type: ignore[attr-defined]


def test_throws_nothing_away_while_its_person_may_not_inject(desk: Desk, ana: Any) -> None:
    ana.groups.set([Group.objects.get_or_create(name="viewers")[0]])
    desk.broker.put(desk.inbox, an_envelope())

    desk.listen(by="user:ana")
    eventually(lambda: any("Only editors may inject" in line for line in desk.travel.said))  # type: ignore[attr-defined]

    assert not Message.objects.exists()


def test_lets_many_bridges_share_a_queue(desk: Desk) -> None:
    desk.broker.put(desk.inbox, *[an_envelope(number % 20) for number in range(40)])

    roads = [desk.listen() for _ in range(3)]
    eventually(lambda: sum(sum(road.tally.values()) for road in roads) >= 40, seconds=40)

    assert Task.objects.count() == 20


@pytest.fixture
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in hand when a line was cut shows itself again within seconds."""
    monkeypatch.setattr("tasks.border.bridge.links.HIDDEN", 3)
    monkeypatch.setattr("tasks.border.bridge.redis_list.LOOK", 1.0)


@pytest.mark.usefixtures("_soon_again")
def test_survives_a_broker_that_goes_and_comes_back(desk: Desk) -> None:
    desk.listen()
    desk.broker.put(desk.inbox, an_envelope(1))
    eventually(lambda: Task.objects.count() == 1)

    desk.broker.gate.shut()
    eventually(lambda: any("Trying again" in line for line in desk.travel.said))  # type: ignore[attr-defined]
    desk.broker.gate.open()
    desk.broker.put(desk.inbox, an_envelope(2))

    # By the tasks: where the line was cut between commit and acknowledgement, the tally says duplicate.
    eventually(lambda: Task.objects.count() == 2, seconds=40)


# -- out


def test_publishes_what_is_owed_and_says_when_the_broker_had_it(desk: Desk) -> None:
    row = owe(task=a_task(flow="order"))

    road = desk.publish(reply_to=desk.inbox)
    eventually(lambda: road.tally == {"sent": 1})

    row.refresh_from_db()
    assert (row.state, row.channel, row.address, row.attempts) == ("sent", "bridge-a", desk.outbox, 1)
    assert row.sent_at is not None
    (wire,) = desk.broker.get(desk.outbox, 1)
    assert json.loads(wire.body) == row.envelope
    if desk.broker.kind != "redis":  # a list holds nothing but the message
        assert (wire.id, wire.answers) == (row.key, "order-1")


def test_publishes_only_what_is_addressed_to_its_receivers(desk: Desk) -> None:
    owe(1, to="warehouse")
    owe(2, to="bank")

    road = desk.publish(to=("bank",))
    eventually(lambda: road.tally)

    assert states() == ["pending", "sent"]
    assert Message.objects.get(state="sent").envelope["to"] == "bank"


def test_keeps_back_what_is_under_a_hold(desk: Desk) -> None:
    task = a_task(flow="order")
    owe(1, task=task)
    hold = Hold.objects.create(
        scope="task", target=task.key, why="Wait.", placed_by="user:ben", placed_at=clock.now()
    )

    road = desk.publish()
    time.sleep(1)
    assert states() == ["pending"]
    hold.open, hold.lifted_at, hold.lifted_by = None, clock.now(), "user:ben"
    hold.save()

    eventually(lambda: road.tally == {"sent": 1})


def test_publishes_once_the_broker_is_back(desk: Desk) -> None:
    desk.broker.gate.shut()
    owe()

    road = desk.publish()
    eventually(lambda: any("Trying again" in line for line in desk.travel.said))  # type: ignore[attr-defined]
    assert states() == ["pending"]
    desk.broker.gate.open()

    eventually(lambda: road.tally == {"sent": 1})
    assert len(desk.broker.get(desk.outbox, 1)) == 1


def test_calls_uncertain_what_may_have_arrived_and_sends_it_again_under_the_same_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe()
    kind = type(link(desk.broker.url))
    real, cuts = kind.publish, [True]

    def publish(self: Any, *args: Any) -> None:
        real(self, *args)
        if cuts and cuts.pop():
            raise ConnectionResetError("cut after it had arrived")

    monkeypatch.setattr(kind, "publish", publish)
    monkeypatch.setattr(publishing, "SETTLING", timedelta(0))
    monkeypatch.setattr(publishing, "pause", lambda attempts: timedelta(0))

    road = desk.publish()
    eventually(lambda: road.tally == {"uncertain": 1, "sent": 1})

    monkeypatch.undo()
    copies = desk.broker.get(desk.outbox, 2)
    assert len(copies) == 2
    assert len({(copy.id, copy.body) for copy in copies}) == 1


def test_gives_each_message_to_one_of_many_bridges(desk: Desk) -> None:
    for number in range(30):
        owe(number)

    roads = [desk.publish() for _ in range(3)]
    eventually(lambda: sum(road.tally.get("sent", 0) for road in roads) == 30)

    desk.travel.stop.set()  # type: ignore[attr-defined]
    assert len(desk.broker.get(desk.outbox, 31, seconds=3)) == 30


# -- there and back


@pytest.mark.usefixtures("_soon_again")
def test_gives_as_many_effects_as_there_are_different_messages(desk: Desk) -> None:
    """One in five comes twice, and the broker goes away twice. tests/races has the long one."""
    count = 500 if desk.broker.kind == "rabbitmq" else 100
    different = [an_envelope(number) for number in range(count * 4 // 5)]
    # The second copy comes right behind the first, so that all have come when the last one has.
    desk.broker.put(
        desk.inbox, *(body for at, body in enumerate(different) for _ in range(1 + (at % 4 == 0)))
    )

    roads = [desk.listen() for _ in range(2)]
    for share in (0.2, 0.5):
        enough = share * len(different)
        eventually(lambda enough=enough: Task.objects.count() > enough, seconds=120)  # type: ignore[misc]
        desk.broker.gate.shut()
        time.sleep(0.5)
        desk.broker.gate.open()
    eventually(lambda: Task.objects.count() >= len(different), seconds=120)

    desk.travel.stop.set()  # type: ignore[attr-defined]
    assert Task.objects.count() == Message.objects.count() == len(different)
    assert sum(sum(road.tally.values()) for road in roads) > len(different)


# -- without a broker


def test_refuses_an_address_that_names_no_broker() -> None:
    with pytest.raises(Refused, match="write amqp://user:password@host//, sqs:// or redis://"):
        bridge.run([Inward("http://example.org", threading.Event(), print, "x")], threading.Event())


def test_shows_no_password() -> None:
    assert "secret" not in link("amqp://ana:secret@127.0.0.1:1//").place
