"""Orders on their way: the shipped workflow, the shop as a process, real drains, each kind of database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks import supervision
from tasks.models import Message, Run
from tasks.workflow import samples
from tests.tasks.builders import statuses
from tests.tasks.workflows.order.line import Hours, a_sample, an_order, ended, hire, review, work, work_off
from tests.tasks.workflows.order.till import (
    Till,
    charged_twice,
    paid_and_not_shipped,
    shipped_and_not_paid,
    states,
    stock_held,
    stock_lost,
    told,
)


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    return Hours(monkeypatch)


@pytest.fixture(autouse=True)
def _hired(database: str, shop: Till, tmp_path: Path) -> None:
    hire(tmp_path, seconds=5)


def is_sound(shop: Till) -> bool:
    """Nothing of what must never be in the books is there."""
    books = shop.books()
    return not (
        paid_and_not_shipped(books)
        or charged_twice(books)
        or stock_held(books)
        or shipped_and_not_paid(books)
    )


def test_goes_through_without_a_person(shop):
    before = shop.books()
    task = a_sample("default")

    work()

    assert ended(task) == ("done", "completed")
    assert statuses(task) == {
        "order": "done", "duplicate": "skipped", "inventory": "done", "payment": "done", "label": "done",
        "pickup": "done", "capture": "done", "mail": "done", "crm": "done",
    }  # fmt: skip
    books = shop.books()
    assert [row["cents"] for row in books["charges"]] == [2 * 18_900 + 2_450]
    assert states(books, "charges", task.key) == ["captured"]
    assert told(books, task.key) == [f"Your order {task.key} is on its way"]
    assert [row["note"] for row in books["customers"]] == ["order on its way"]
    tracking, day = books["labels"][0]["tracking"], books["pickups"][0]["day"]
    assert tracking in books["mails"][0]["text"]
    assert day in books["mails"][0]["text"]
    assert stock_lost(books, before) == {}
    assert is_sound(shop)


def test_keeps_every_envelope_that_crossed_the_border(shop):
    task = a_sample("default")

    work()

    rows = Message.objects.filter(task=task)
    assert {row.direction for row in rows} == {"out", "in"}
    assert rows.filter(direction="out").count() == rows.filter(direction="in").count() == 8
    assert {row.correlation_id for row in rows} == {task.key}
    charge = rows.get(direction="out", envelope__type="payment")
    assert charge.address == f"{shop.url}/payment"
    assert charge.envelope["data"] == {"order_no": task.key, "total_cents": 40_250, "card": "tok_4242"}


def test_tells_the_customer_where_there_is_nothing(shop):
    task = a_sample("out_of_stock")

    work()

    assert ended(task) == ("done", "cancelled")
    books = shop.books()
    assert books["charges"] == books["reservations"] == books["labels"] == []
    assert told(books, task.key) == [f"Your order {task.key} is cancelled"]
    assert "out of stock" in books["mails"][0]["text"]


def test_gives_the_stock_back_where_the_card_is_declined(shop):
    before = shop.books()
    task = a_sample("declined")

    work()

    assert ended(task) == ("done", "cancelled")
    books = shop.books()
    assert books["charges"] == []
    assert states(books, "reservations", task.key) == ["released"]
    assert "declined" in books["mails"][0]["text"]
    assert stock_lost(books, before) == {}
    order = [run.subtask.stage for run in Run.objects.filter(subtask__task=task).order_by("id")]
    assert order == ["order", "inventory", "payment", "payment.undo", "inventory.undo", "order.undo"]


def test_asks_a_person_where_there_is_not_enough(shop, ana, ben):
    task = a_sample("not_enough")
    work()

    assert "FILTER-7: 5 wanted, 3 there" in review(task).why
    assert shop.books()["reservations"] == []
    shop.call("POST", "/stock", {"sku": "FILTER-7", "more": 10})
    supervision.retry(task, by="user:ben")
    work()

    assert ended(task) == ("done", "completed")
    assert is_sound(shop)


def test_cancels_what_nobody_wants_to_restock(shop, ben):
    task = a_sample("not_enough")
    work()

    supervision.cancel(task, by="user:ben", reason="The filters come in May.")
    work()

    assert ended(task) == ("done", "cancelled")
    books = shop.books()
    assert told(books, task.key) == [f"Your order {task.key} is cancelled"]
    assert "The filters come in May." in books["mails"][0]["text"]
    assert books["charges"] == []


def test_recognises_an_order_that_came_before(shop):
    task = a_sample("duplicate")

    work()

    assert ended(task) == ("done", "completed")
    assert statuses(task)["duplicate"] == "done"
    assert {statuses(task)[stage] for stage in ("inventory", "payment", "label", "mail")} == {"skipped"}
    books = shop.books()
    assert books["charges"] == books["mails"] == books["reservations"] == []
    assert [row["note"] for row in books["customers"]] == ["WEB-1007 came a second time"]


def test_recognises_the_second_of_two_that_come_at_once(shop):
    both = [an_order(order_no="WEB-2000") for _ in range(2)]

    work()

    assert [ended(task) for task in both] == [("done", "completed")] * 2
    assert len(shop.books()["charges"]) == 1
    assert sorted(statuses(task)["payment"] for task in both) == ["done", "skipped"]


def test_waits_for_a_carrier_that_is_down_and_leaves_the_payment_alone(shop, hours):
    shop.switch("shipping", "down")
    task = a_sample("shipping_down")
    for _ in range(8):  # far more often than a stage is usually tried
        work()
        hours.pass_()

    books = shop.books()
    assert (statuses(task)["payment"], statuses(task)["label"]) == ("done", "ready")
    assert states(books, "charges", task.key) == ["authorised"]
    assert states(books, "reservations", task.key) == ["held"]
    shop.switch("shipping", "none")
    work_off(hours)

    assert ended(task) == ("done", "completed")
    assert Run.objects.filter(subtask__task=task, subtask__stage="payment").count() == 1
    assert is_sound(shop)


CANCELLED_AT = ["inventory", "payment", "label", "pickup", "capture", "mail"]


def test_takes_everything_back_wherever_a_person_cancels(shop, ben, hours):
    before = shop.books()
    orders = {stage: an_order() for stage in CANCELLED_AT}
    for stage, task in orders.items():
        come_to_rest(shop, stage, task.key)
    work()
    at_rest = {stage: statuses(task)[stage] for stage, task in orders.items()}
    assert set(at_rest.values()) == {"ready"}, at_rest

    for task in orders.values():
        supervision.cancel(task, by="user:ben", reason="The customer called.")
    for service in ("inventory", "payment", "shipping", "notification"):
        shop.switch(service, "none")
    work_off(hours)

    books = shop.books()
    for task in orders.values():
        assert ended(task) == ("done", "cancelled")
        assert set(states(books, "charges", task.key)) <= {"voided", "refunded"}
        assert set(states(books, "labels", task.key)) <= {"void"}
        assert set(states(books, "pickups", task.key)) <= {"cancelled"}
        assert told(books, task.key) == [f"Your order {task.key} is cancelled"]
    assert states(books, "charges", orders["capture"].key) == ["voided"]
    assert states(books, "charges", orders["mail"].key) == ["refunded"]
    assert stock_lost(books, before) == {}
    assert is_sound(shop)


def come_to_rest(shop: Till, stage: str, key: str) -> None:
    """Let an order stop at a stage: its service is down for it, where it shares one after the first call."""
    service = {"label": "shipping", "pickup": "shipping", "capture": "payment", "mail": "notification"}
    name = service.get(stage, stage)
    if stage in ("pickup", "capture"):
        shop.switch(name, "duplicate", order=key)  # the first call passes, and uses it up
    shop.switch(name, "down", order=key)


def test_undoes_what_was_under_way_and_whose_answer_was_lost(shop, ben, hours):
    before = shop.books()
    task = an_order()
    shop.switch("payment", "fail after", order=task.key)  # charged, and nobody knows
    work()
    assert states(shop.books(), "charges", task.key) == ["authorised"]

    supervision.cancel(task, by="user:ben", reason="The customer called.")
    work_off(hours)

    assert ended(task) == ("done", "cancelled")
    assert states(shop.books(), "charges", task.key) == ["voided"]
    assert stock_lost(shop.books(), before) == {}


def test_undoes_again_until_it_is_undone(shop, ben, hours):
    task = an_order()
    shop.switch("notification", "down")
    work()
    supervision.cancel(task, by="user:ben", reason="The customer called.")
    for service in ("payment", "inventory", "shipping"):
        shop.switch(service, "down")
    for _ in range(6):
        work()
        hours.pass_()
    assert ended(task)[0] == "doing"
    assert states(shop.books(), "charges", task.key) == ["captured"]

    for service in ("payment", "inventory", "shipping", "notification"):
        shop.switch(service, "none")
    work_off(hours)

    assert ended(task) == ("done", "cancelled")
    assert states(shop.books(), "charges", task.key) == ["refunded"]
    assert is_sound(shop)


def test_says_where_a_service_is_not_known(shop, monkeypatch, hours):
    monkeypatch.delenv("CLAWBOT_SERVICES")
    task = an_order()
    work()

    run = Run.objects.filter(subtask__task=task).latest("id")
    assert "CLAWBOT_SERVICES does not say where it is" in run.error


def test_has_a_journey_for_every_sample():
    told_of: dict[str, Callable[..., Any]] = {
        "default": test_goes_through_without_a_person,
        "declined": test_gives_the_stock_back_where_the_card_is_declined,
        "duplicate": test_recognises_an_order_that_came_before,
        "not_enough": test_asks_a_person_where_there_is_not_enough,
        "out_of_stock": test_tells_the_customer_where_there_is_nothing,
        "shipping_down": test_waits_for_a_carrier_that_is_down_and_leaves_the_payment_alone,
    }

    assert samples.names("order") == list(told_of)


def test_names_fields_as_the_agent_s_message_format_says(shop, tmp_path):
    def swapped(name: str, text: str) -> str:
        names = "message_format: {data: {email: order_no, order_no: email}}\n"
        return text + names if name == "notification-agent.yaml" else text

    hire(tmp_path / "again", swapped, seconds=5)
    task = an_order()

    work()

    mail = shop.books()["mails"][0]
    assert (mail["recipient"], mail["subject"]) == (
        task.key,
        "Your order lena@fernhill.example is on its way",
    )
