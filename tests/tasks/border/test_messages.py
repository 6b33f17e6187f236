"""What comes in across the border: one effect per message, whatever the door and however often."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from agents.contract import Outcome, Refused, Send
from agents.definition import Definition
from agents.prose.clean import clean_deep
from tasks import clock, lifecycle
from tasks.border import messages
from tasks.models import Event, Message, Subtask, Task
from tasks.workflow import shipped
from tests.agents.hostile import inputs
from tests.tasks.builders import a_task, a_workflow, claim_all, current, finish
from tests.tasks.test_drain import work_off

ORDER: list[dict[str, Any]] = [
    {"name": "check_stock", "agent": "inventory-agent", "done_as": "checked"},
    {"name": "pay", "agent": "payment-agent", "needs": ["check_stock"], "done_as": "paid"},
]
RETURN: list[dict[str, Any]] = [{"name": "take_back", "agent": "inventory-agent", "done_as": "taken_back"}]
ENVELOPE: dict[str, Any] = {
    "from": "order-agent", "to": "inventory-agent", "type": "check-stock",
    "data": {"product_id": "SKU-12345", "quantity": 2},
    "correlation_id": "order-789", "timestamp": "2026-02-17T12:00:00Z",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _order(request: pytest.FixtureRequest) -> None:
    """The usual database, unless the test asks for each kind."""
    request.getfixturevalue("database" if "database" in request.fixturenames else "db")
    a_workflow("order", ORDER, key="ORD")


def receive(**change: Any) -> Any:
    """Take in the envelope, changed so; `by`, `channel` and `key` are about the door."""
    door = {name: change.pop(name) for name in ("by", "channel", "key") if name in change}
    return messages.receive({**ENVELOPE, **change}, **{"by": "clawbot", "channel": "api", **door})


def awaiting(task: Task, stage: str = "check_stock") -> Subtask:
    """A stage that asked another system and waits for the answer."""
    claimed = next(one for one in claim_all() if one.subtask.stage == stage)
    assert finish(claimed, Outcome(word="await", after_seconds=600))
    return current(task, stage)


def sent(row: Subtask, to: str = "warehouse", key: str = "out-1") -> Message:
    """What that stage sent."""
    now = clock.now()
    return Message.objects.create(
        direction="out", channel="", key=key, task=row.task, subtask=row, state="sent", not_before=now,
        at=now, envelope={**ENVELOPE, "from": row.agent, "to": to}, correlation_id=row.task.key,
    )  # fmt: skip


def refusal(**change: Any) -> str:
    with pytest.raises(Refused) as refused:
        receive(**change)
    assert not Message.objects.exists()
    assert not Task.objects.exists()
    return str(refused.value)


# -- injecting


def test_injects_a_task_for_the_agent_that_begins_a_workflow() -> None:
    received = receive(by="clawbot")

    assert (received.effect, received.new) == ("injected", True)
    task = Task.objects.get()
    assert received.task == task
    assert (task.workflow.slug, task.title, task.created_by) == ("order", "check-stock", "clawbot")
    assert task.input["product_id"] == "SKU-12345"
    assert task.correlation_id == "order-789"
    assert current(task, "check_stock").status == "ready"


def test_keeps_the_envelope_with_its_task_and_says_so_in_the_log() -> None:
    received = receive()

    row = Message.objects.get()
    assert (row.direction, row.channel, row.state, row.task) == ("in", "api", "received", received.task)
    assert row.envelope == ENVELOPE
    event = Event.objects.get(kind="message.received")
    assert event.data == {
        "message": row.pk, "channel": "api", "sender": "order-agent", "type": "check-stock",
        "effect": "injected",
    }  # fmt: skip


def test_injects_into_the_workflow_that_is_named() -> None:
    assert receive(to="order").task.workflow.slug == "order"


def test_takes_the_title_from_the_data() -> None:
    assert receive(data={"title": "Two lamps"}).task.title == "Two lamps"


def test_lets_the_type_pick_where_an_agent_begins_several_workflows() -> None:
    a_workflow("return_goods", RETURN, key="RET")

    assert receive(type="check-stock").task.workflow.slug == "order"
    assert receive(type="take_back", correlation_id="b").task.workflow.slug == "return_goods"
    assert receive(type="return-goods", correlation_id="c").task.workflow.slug == "return_goods"


def test_lets_the_type_alone_pick_what_is_addressed_to_the_house() -> None:
    assert receive(to="clawbot", type="order").task.workflow.slug == "order"


def test_names_the_choices_where_the_type_picks_none() -> None:
    a_workflow("return_goods", RETURN, key="RET")

    told = refusal(type="hello")

    assert "`inventory-agent` begins more than one workflow" in told
    assert "Write `order` or `return_goods` as its `to` or its `type`." in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"to": "ordr"},
            "no agent of that name begins one. Did you mean `order`?",
        ),
        ({"to": "payment-agent"}, "Known: order."),
        ({"data": []}, "Cannot take the message: `data` is not an object."),
        ({"form": "x"}, "Did you mean `from`?"),
        ({"timestamp": "noon"}, "Write a time with its zone"),
        ({"data": {"sources": ["/etc/passwd"]}}, "no files came with this task"),
    ],
)
def test_refuses_in_words_and_changes_nothing(change: dict[str, Any], told: str) -> None:
    assert told in refusal(**change)


def test_refuses_who_may_not_inject(cleo: Any) -> None:
    assert "Only editors may inject" in refusal(by="user:cleo")


def test_lets_an_editor_send(ana: Any) -> None:
    assert receive(by="user:ana").task.created_by == "user:ana"


# -- the same message twice


def test_takes_the_same_message_once_through_whatever_door() -> None:
    first = receive()
    again = receive(channel="amqp:orders")

    assert (again.effect, again.new, again.task) == ("again", False, first.task)
    assert Task.objects.count() == Message.objects.count() == 1


def test_takes_two_messages_that_differ_as_two() -> None:
    receive()
    receive(data={"quantity": 3}, correlation_id="order-790")

    assert Task.objects.count() == 2


def test_knows_a_message_by_the_senders_key_even_where_it_was_stamped_anew() -> None:
    receive(key="m-1")

    assert receive(key="m-1", timestamp="2026-02-17T12:09:00Z").effect == "again"
    assert Task.objects.count() == 1


def test_refuses_a_key_that_belongs_to_another_message() -> None:
    receive(key="m-1")

    with pytest.raises(Refused, match="the key 'm-1' belongs to another message, which came in at"):
        receive(key="m-1", data={"quantity": 99})
    assert Task.objects.count() == 1


def test_keeps_the_keys_of_two_senders_apart(ana: Any, ben: Any) -> None:
    receive(key="1", by="user:ana")

    assert receive(key="1", by="user:ben", correlation_id="other").effect == "injected"


def test_tries_again_what_failed_before_it_was_taken() -> None:
    with pytest.raises(Refused):
        receive(to="nobody")

    a_workflow("nobody", RETURN, key="NOB")
    assert receive(to="nobody").effect == "injected"


def test_gives_one_effect_to_many_copies_at_once(database: str) -> None:
    start, effects, failed = threading.Barrier(6), [], []

    def door() -> None:
        try:
            start.wait()
            for number in range(5):
                for _ in range(5):
                    try:
                        effects.append(receive(correlation_id=f"order-{number}").effect)
                        break
                    except Exception as error:
                        if "lock" not in str(error).lower():
                            raise
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=door) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert sorted(effects) == ["again"] * 25 + ["injected"] * 5
    assert Task.objects.count() == Message.objects.count() == 5


def test_lets_two_new_messages_of_one_correlation_share_a_task(database: str) -> None:
    start, effects = threading.Barrier(2), []

    def door(number: int) -> None:
        start.wait()
        effects.append(receive(data={"quantity": number}).effect)
        connection.close()

    threads = [threading.Thread(target=door, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(effects) == ["injected", "noted"]
    assert Task.objects.count() == 1


# -- going on


def test_lets_the_stage_that_waits_for_it_go_on() -> None:
    task = a_task(flow="order")
    row = awaiting(task)

    received = receive(correlation_id=task.key, **{"from": "warehouse", "data": {"word": "done"}})

    assert (received.effect, received.task) == ("continued", task)
    row.refresh_from_db()
    assert (row.status, row.awaits) == ("ready", "")
    assert received.message.subtask == row
    assert [one.subtask.pk for one in claim_all()] == [row.pk]


def test_finds_the_task_by_what_the_outside_calls_it() -> None:
    task = receive().task
    row = awaiting(task)

    assert receive(type="stock", data={"word": "done"}).effect == "continued"
    row.refresh_from_db()
    assert row.status == "ready"


def test_lets_go_on_whoever_asked_this_sender() -> None:
    a_workflow(
        "both",
        [
            {"name": "ask_a", "agent": "asker", "done_as": "a"},
            {"name": "ask_b", "agent": "asker", "done_as": "b"},
        ],
        key="BOT",
    )
    task = a_task(flow="both")
    claimed = {one.subtask.stage: one for one in claim_all()}
    for stage, to in (("ask_a", "alpha"), ("ask_b", "beta")):
        finish(claimed[stage], Outcome(word="await", sends=(Send(to=to, type="t"),), after_seconds=600))
    beta = current(task, "ask_b")

    received = receive(correlation_id=task.key, **{"from": "beta", "to": "asker"})

    assert received.message.subtask == beta


def test_lets_go_on_exactly_what_sent_the_message_that_is_answered() -> None:
    task = a_task(flow="order")
    row = awaiting(task)
    sent(row, key="run-key-7")

    by_id = messages.receive(
        {**ENVELOPE, "correlation_id": ""}, channel="amqp", by="clawbot", answers="run-key-7"
    )

    assert (by_id.effect, by_id.message.subtask) == ("continued", row)
    assert receive(correlation_id="run-key-7").task == task


def test_notes_what_nobody_waits_for() -> None:
    task = a_task(flow="order")

    received = receive(correlation_id=task.key)

    assert (received.effect, received.message.state, received.message.task) == ("noted", "noted", task)
    assert Event.objects.filter(kind="message.noted", task=task).count() == 1
    assert Task.objects.count() == 1


def test_lets_a_stage_go_on_once_however_many_answer() -> None:
    task = a_task(flow="order")
    awaiting(task)

    effects = [receive(correlation_id=task.key, data={"n": number}).effect for number in (1, 2)]

    assert effects == ["continued", "noted"]


# -- what could not be taken


def test_keeps_what_could_not_be_read() -> None:
    row, new = messages.refuse(b"\xff\0 nonsense", "It is not JSON.", channel="amqp:orders", by="clawbot")

    assert new
    assert (row.state, row.error, row.channel, row.task) == (
        "refused",
        "It is not JSON.",
        "amqp:orders",
        None,
    )
    assert "nonsense" in row.envelope["unreadable"]
    assert Event.objects.get(kind="message.refused").data["error"] == "It is not JSON."


def test_keeps_one_row_of_what_is_refused_twice() -> None:
    messages.refuse(ENVELOPE, "Nobody.", channel="q", by="clawbot")
    _, new = messages.refuse(ENVELOPE, "Nobody.", channel="q", by="clawbot")

    assert not new
    assert Message.objects.count() == Event.objects.filter(kind="message.refused").count() == 1


ODD = [
    "",
    " ",
    "a\0b",
    "\ud800",
    "\u202egnp",
    "x" * 300,
    "\U0001f9a6",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "%00",
]


def hostile() -> list[str]:
    points = (
        "llm_output",
        "rest_api",
        "outbound_notification",
        "csv_export",
        "logs_audit",
        "webhook_inbound",
    )
    return ODD + [one.values[0][:500] for point in points for one in inputs(point)]  # type: ignore[attr-defined]


def test_survives_hostile_text_everywhere(database: str) -> None:
    for text in hostile():
        _try_everywhere(text)

    kept = list(Message.objects.values_list("envelope", flat=True))
    assert Message.objects.filter(state="received").count() > 10
    assert [clean_deep(envelope) for envelope in kept] == kept


def _try_everywhere(text: str) -> None:
    for change in (
        {"from": text},
        {"to": text},
        {"type": text},
        {"correlation_id": text},
        {"timestamp": text},
    ):
        with suppress(Refused):
            receive(**change)
    for key in (None, text):
        with suppress(Refused):
            receive(data={"title": text, text: text}, correlation_id="", key=key)
    messages.refuse(text.encode("utf-8", "surrogatepass"), text, channel="q", by="clawbot", address=text)


# -- an agent behind a queue, there and back


def asks_the_warehouse(times: int = 2) -> Task:
    shipped.hire(
        Definition.model_validate(
            {"name": "stock", "role": "queue", "settings": {"to": "warehouse", "timeout": "1h"}}
        ),
        by="clawbot",
    )
    stage = {
        "name": "check_stock",
        "agent": "stock",
        "done_as": "checked",
        "retry": {"times": times, "backoff": 0},
    }
    a_workflow("stock_check", [stage], key="STK")
    return a_task(flow="stock_check", input={"sku": "SKU-12345"})


@pytest.mark.django_db(transaction=True)
def test_asks_by_queue_and_goes_on_with_the_answer() -> None:
    task = asks_the_warehouse()

    work_off()
    asked = Message.objects.get(direction="out")
    assert (asked.state, asked.task, asked.envelope["to"]) == ("pending", task, "warehouse")
    assert current(task, "check_stock").awaits == "message"
    received = receive(
        **{"from": "warehouse", "to": "stock", "data": {"word": "done", "fields": {"available": 3}}},
        correlation_id=asked.envelope["correlation_id"],
    )
    work_off()

    assert received.effect == "continued"
    task.refresh_from_db()
    assert (task.status, current(task, "check_stock").fields) == ("done", {"available": 3})


@pytest.mark.django_db(transaction=True)
def test_asks_again_where_no_answer_came_and_where_the_answer_made_no_sense() -> None:
    task = asks_the_warehouse(times=3)
    work_off()

    clock.move(timedelta(hours=2))
    lifecycle.overdue_answers(clock.now())
    work_off()
    receive(**{"from": "warehouse", "data": {"word": "dance"}}, correlation_id=task.key)
    work_off()  # reads what makes no sense
    work_off()  # asks once more

    assert Message.objects.filter(direction="out").count() == 3
    receive(**{"from": "warehouse", "data": {"word": "done"}}, correlation_id=task.key)
    work_off()
    task.refresh_from_db()
    assert task.status == "done"
