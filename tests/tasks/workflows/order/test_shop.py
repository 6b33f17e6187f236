"""The sample shop by itself: what its services promise to whoever asks them."""

from __future__ import annotations

import http.client
import threading

import pytest

from tests.tasks.workflows.order.till import Till, a_shop, charged_twice, states, stock_lost, told

SENT = {"timestamp": "2026-02-17T12:00:00Z"}
PUMPS = [{"sku": "PUMP-200", "quantity": 2}]
HOSE = [{"sku": "HOSE-12", "quantity": 1}]


def level(shop: Till, sku: str) -> int:
    return next(row["level"] for row in shop.books()["stock"] if row["sku"] == sku)


def pay(shop: Till, order: str, key: str = "", at: int = 0, card: str = "tok_4242"):
    return shop.ask("payment", "payment", order, key, at, total_cents=4025, card=card)


def test_prices_an_order(shop):
    reply = shop.ask("order", "order", "ORD-1", email="lena@fernhill.example", items=PUMPS + HOSE)

    assert reply["word"] == "done"
    assert reply["fields"] == {"duplicate": False, "order_no": "ORD-1", "total_cents": 2 * 18_900 + 2_450}


@pytest.mark.parametrize(
    "items", [None, [], "PUMP-200", [{"sku": "PUMP-200"}], [{"sku": "PUMP-200", "quantity": -1}],
              [{"sku": "<b>", "quantity": 1}], [{"sku": "PUMP-200", "quantity": True, "x": {}}, 3]],
)  # fmt: skip
def test_refuses_an_order_that_cannot_be_read(shop, items):
    assert shop.ask("order", "order", "ORD-1", email="lena@fernhill.example", items=items)["word"] == "fail"


def test_recognises_an_order_that_is_there_already(shop):
    first = shop.ask("order", "order", "ORD-1", order_no="WEB-9", email="a@b.example", items=HOSE)
    second = shop.ask("order", "order", "ORD-2", order_no="WEB-9", email="a@b.example", items=HOSE)
    shop.ask("order", "order.undo", "ORD-2", order_no="WEB-9", email="a@b.example")  # tells nobody

    assert (first["fields"]["duplicate"], second["fields"]["duplicate"]) == (False, True)
    assert second["fields"]["first"] == "ORD-1"
    assert shop.books()["mails"] == []


def test_takes_an_order_again_once_the_first_was_withdrawn(shop):
    shop.ask("order", "order", "ORD-1", order_no="WEB-9", email="a@b.example", items=HOSE)
    shop.ask("order", "order.undo", "ORD-1", order_no="WEB-9", email="a@b.example", why="Changed my mind.")
    again = shop.ask("order", "order", "ORD-2", order_no="WEB-9", email="a@b.example", items=HOSE)

    assert again["fields"]["duplicate"] is False
    assert told(shop.books(), "ORD-1") == ["Your order WEB-9 is cancelled"]


def test_reserves_everything_or_nothing(shop):
    short = [*PUMPS, {"sku": "FILTER-7", "quantity": 5}]
    gone = [*PUMPS, {"sku": "VALVE-3", "quantity": 1}]

    assert shop.ask("inventory", "inventory", "ORD-1", items=short)["word"] == "escalate"
    assert shop.ask("inventory", "inventory", "ORD-2", items=gone)["word"] == "fail"
    assert shop.books()["reservations"] == []
    assert level(shop, "PUMP-200") == 10_000


def test_looks_again_where_there_was_not_enough(shop):
    filters = [{"sku": "FILTER-7", "quantity": 5}]
    shop.ask("inventory", "inventory", "ORD-1", items=filters)
    shop.call("POST", "/stock", {"sku": "FILTER-7", "more": 4})

    assert shop.ask("inventory", "inventory", "ORD-1", items=filters)["word"] == "done"
    assert level(shop, "FILTER-7") == 2


def test_puts_back_what_was_reserved(shop):
    before = shop.books()
    shop.ask("inventory", "inventory", "ORD-1", items=PUMPS)
    assert level(shop, "PUMP-200") == 9_998
    for key in ("one", "two"):
        shop.ask("inventory", "inventory.undo", "ORD-1", key)

    assert level(shop, "PUMP-200") == 10_000
    assert stock_lost(shop.books(), before) == {}


def test_does_a_piece_of_work_once_per_key(shop):
    replies = [pay(shop, "ORD-1", "the key") for _ in range(3)]

    assert replies[0] == replies[1] == replies[2]
    assert len(shop.books()["charges"]) == 1


def test_does_it_again_under_another_key(shop):
    pay(shop, "ORD-1", "one")
    pay(shop, "ORD-1", "two")

    assert charged_twice(shop.books()) == ["ORD-1"]


def test_does_it_once_where_the_same_request_comes_many_times_at_once(shop):
    threads = [threading.Thread(target=pay, args=(shop, "ORD-1", "the key")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(shop.books()["charges"]) == 1


def test_refuses_a_key_that_was_used_for_something_else(shop):
    pay(shop, "ORD-1", "the key")

    assert pay(shop, "ORD-2", "the key")["word"] == "fail"
    assert states(shop.books(), "charges", "ORD-2") == []


def test_remembers_what_it_did_when_it_is_started_again(tmp_path):
    with a_shop(tmp_path) as shop:
        pay(shop, "ORD-1", "the key")
    with a_shop(tmp_path) as shop:
        pay(shop, "ORD-1", "the key")

        assert len(shop.books()["charges"]) == 1


def test_refuses_work_that_was_undone_before_it_came(shop):
    shop.ask("payment", "payment.undo", "ORD-1")

    assert "undone before it came" in pay(shop, "ORD-1")["why"]
    assert shop.books()["charges"] == []


def test_does_again_what_is_asked_anew_after_it_was_undone(shop):
    pay(shop, "ORD-1", "one", at=1)
    shop.ask("payment", "payment.undo", "ORD-1", at=2)

    assert pay(shop, "ORD-1", "late", at=1)["word"] == "fail"
    assert pay(shop, "ORD-1", "anew", at=3)["word"] == "done"
    assert states(shop.books(), "charges", "ORD-1") == ["voided", "authorised"]


def test_takes_money_only_once(shop):
    pay(shop, "ORD-1")
    for key in ("one", "two"):
        assert shop.ask("payment", "capture", "ORD-1", key)["word"] == "done"

    assert states(shop.books(), "charges", "ORD-1") == ["captured"]


def test_gives_the_money_back_whatever_became_of_it(shop):
    for order in ("ORD-1", "ORD-2"):
        pay(shop, order)
    shop.ask("payment", "capture", "ORD-2")
    for order in ("ORD-1", "ORD-2"):
        shop.ask("payment", "payment.undo", order)

    assert states(shop.books(), "charges", "ORD-1") == ["voided"]
    assert states(shop.books(), "charges", "ORD-2") == ["refunded"]
    assert shop.ask("payment", "capture", "ORD-1")["word"] == "fail"


def test_declines_the_card_that_is_made_for_it(shop):
    assert pay(shop, "ORD-1", card="tok_declined") == {"word": "fail", "why": "The card was declined."}


# -- Faults ------------------------------------------------------------------------------------------


def status(shop: Till, order: str = "ORD-1") -> int:
    envelope = {"type": "payment", "correlation_id": order, "data": {"total_cents": 1, "card": "x"}} | SENT
    return shop.call("POST", "/payment", envelope, {"Idempotency-Key": order})[0]


def test_breaks_before_it_did_anything(shop):
    shop.switch("payment", "fail before")

    assert status(shop) == 500
    assert shop.books()["charges"] == []
    assert status(shop) == 200


def test_loses_the_answer_after_it_did_it(shop):
    shop.switch("payment", "fail after")

    with pytest.raises(http.client.RemoteDisconnected):
        status(shop)
    assert len(shop.books()["charges"]) == 1
    assert status(shop) == 200
    assert len(shop.books()["charges"]) == 1


def test_gets_a_request_twice(shop):
    shop.switch("payment", "duplicate")

    assert status(shop) == 200
    assert len(shop.books()["charges"]) == 1


def test_stays_down_until_it_is_mended(shop):
    shop.switch("payment", "down", order="ORD-1")

    assert [status(shop), status(shop), status(shop)] == [503, 503, 503]
    assert status(shop, "ORD-2") == 200
    shop.switch("payment", "none")
    assert status(shop) == 200


def test_is_slow_and_does_it_all_the_same(shop):
    shop.switch("payment", "slow", seconds=0.2)

    assert status(shop) == 200


def test_says_no_where_it_was_told_to(shop):
    shop.switch("payment", "decline")

    assert pay(shop, "ORD-1")["word"] == "fail"


FOR_PAYMENT = {"service": "payment", "kind": "slow"}
NO_SWITCH = [
    {}, [], 3, {"service": "moon", "kind": "down"}, {"service": "payment", "kind": "x"},
    FOR_PAYMENT | {"times": -1}, FOR_PAYMENT | {"seconds": "x"}, FOR_PAYMENT | {"seconds": 1e9},
]  # fmt: skip


@pytest.mark.parametrize("fault", NO_SWITCH)
def test_refuses_a_switch_that_does_not_exist(shop, fault):
    assert shop.call("POST", "/faults", fault)[0] == 400


# -- The border --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b"[" * 50_000, b'{"type": 1, "correlation_id": "x", "data": 3}']
)
def test_refuses_what_is_no_envelope(shop, body):
    assert shop.call("POST", "/payment", body, {"Idempotency-Key": "k"})[0] == 400


def test_serves_only_its_own_types_and_only_with_a_key(shop):
    envelope = {"type": "label", "correlation_id": "ORD-1", "data": {}} | SENT

    assert shop.call("POST", "/payment", envelope, {"Idempotency-Key": "k"})[0] == 400
    assert shop.call("POST", "/shipping", envelope)[0] == 400
    assert (
        shop.call("POST", "/shipping", {**envelope, "type": "capture.undo"}, {"Idempotency-Key": "k"})[0]
        == 400
    )
    assert shop.call("POST", "/payment", {**envelope, "type": "payment"}, {"Idempotency-Key": "k"})[0] == 400


def test_lets_no_page_of_another_site_touch_the_switches(shop):
    fault = {"service": "payment", "kind": "down"}

    assert shop.call("POST", "/faults", fault, {"Origin": "https://evil.example"})[0] == 403
    assert shop.call("POST", "/faults", fault, {"Host": "rebound.example"})[0] == 403
    assert shop.call("POST", "/faults", fault, {"Origin": shop.url})[0] == 200


def test_shows_its_books_and_escapes_what_customers_wrote(shop):
    bad = "<script>alert(1)</script>"
    shop.ask("order", "order", "ORD-1", order_no=bad, email=bad, items=HOSE)
    shop.ask("order", "order.undo", "ORD-1", order_no=bad, email=bad, why=bad)
    shop.call("POST", "/faults", {"service": "payment", "kind": "down", "order": bad})

    status, page, headers = shop.call("GET", "/")

    assert status == 200
    assert "Sample shop" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_is_switched_from_its_page(shop):
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": shop.url}
    status, _, headers = shop.call("POST", "/faults", b"service=shipping&kind=down&order=&times=", form)

    assert (status, headers["Location"]) == (303, "/")
    assert [(fault["service"], fault["times"]) for fault in shop.books()["faults"]] == [("shipping", 0)]
    assert shop.call("POST", "/stock", b"sku=VALVE-3&more=7", form)[0] == 303
    assert level(shop, "VALVE-3") == 7
