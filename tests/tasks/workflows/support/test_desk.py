"""The sample desk by itself: its books decide, and one key is one effect."""

import pytest

DANA, RUBEN = "dana@northlight.example", "ruben@harbourpress.example"


def test_knows_a_customer_by_the_address_alone(desk):
    assert desk.ask("account", "1", address="DANA@northlight.example")["customer_name"] == "Dana Whitfield"
    assert desk.ask("account", "2", address="nobody@evil.example") == {
        "known": False, "refundable": 0.0, "wanted": False,
    }  # fmt: skip


def test_shows_nobody_the_invoice_of_somebody_else(desk):
    fields = desk.ask("account", "1", address=DANA, invoice="KV-20418")

    assert (fields["found"], fields["refundable"]) == (False, 0.0)
    assert "amount" not in fields


def test_pays_back_what_is_due_once(desk):
    first = desk.ask("refund", "k", customer="C-101", invoice="KV-20417", amount=36)
    again = desk.ask("refund", "k", customer="C-101", invoice="KV-20417", amount=36)
    other = desk.ask("refund", "k2", customer="C-101", invoice="KV-20417", amount=36)

    assert first == again
    assert first["state"] == "refunded"
    assert other["state"] == "nothing_due"
    assert desk.paid_back() == [("KV-20417", 3600)]


@pytest.mark.parametrize(
    "asked",
    [
        {"customer": "C-104", "invoice": "KV-20433", "amount": 560},
        {"customer": "C-101", "invoice": "KV-20418", "amount": 108},
        {"customer": "C-101", "invoice": "KV-20417", "amount": -36},
        {"customer": "C-101", "invoice": "KV-20417"},
        {"customer": "", "invoice": "", "amount": 1},
    ],
)
def test_pays_nothing_that_is_not_due(desk, asked):
    assert desk.ask("refund", "k", **asked)["state"] == "nothing_due"
    assert desk.paid_back() == []


def test_pays_no_more_than_was_allowed_and_no_more_than_is_due(desk):
    assert desk.ask("refund", "k1", customer="C-102", invoice="KV-20418", amount=50)["amount"] == 50.0
    assert desk.ask("refund", "k2", customer="C-102", invoice="KV-20418", amount=9999)["amount"] == 58.0
    assert desk.ask("account", "a", address=RUBEN)["refundable"] == 0.0


def test_pays_back_a_subscription_that_was_cancelled_in_time(desk):
    fields = desk.ask("account", "a", address="mei@tanakastudio.example", wanted="refund")

    assert (fields["refundable"], fields["reason"]) == (6.0, "cancelled within 14 days")


def test_opens_one_ticket_and_keeps_one_lead_per_key(desk):
    for _ in range(3):
        ticket = desk.ask("ticket", "t", address=DANA, subject="Stuck", urgency="high", missing=["error"])
        lead = desk.ask("lead", "l", address="eva@steelworks.example", grade="hot", score=90)

    assert ticket["ticket"] == "T-1"
    assert "four working hours" in ticket["next"]
    assert lead["owner"] == "Mira Vance"
    assert len(desk.books()["tickets"]) == len(desk.books()["leads"]) == 1


@pytest.mark.parametrize(
    ("status", "path", "body", "key"),
    [
        (400, "/refund", b"{", "k"),
        (400, "/refund", b'{"data": []}', "k"),
        (400, "/refund", b'{"data": {"amount": "much"}, "correlation_id": "x"}', "k"),
        (400, "/refund", b'{"data": {}, "correlation_id": "x"}', ""),
        (400, "/elsewhere", b'{"data": {}, "correlation_id": "x"}', "k"),
        (413, "/refund", b" " * 1_000_001, "k"),
    ],
)
def test_refuses_what_it_cannot_read(desk, status, path, body, key):
    try:
        assert desk.call("POST", path, body, key)[0] == status
    except ConnectionError:
        assert status == 413  # it hung up before all of it was sent
    assert desk.paid_back() == []
