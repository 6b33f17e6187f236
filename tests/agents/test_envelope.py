"""The envelope: what is read, what is refused and in which words, and when two are the same."""

import json

import pytest

from agents import envelope
from agents.contract import Unusable

ORDER = {
    "from": "order-agent", "to": "inventory-agent", "type": "check-stock",
    "data": {"product_id": "SKU-12345", "quantity": 2},
    "correlation_id": "order-789", "timestamp": "2026-02-17T12:00:00Z",
}  # fmt: skip


def refusal(message):
    with pytest.raises(Unusable) as refused:
        envelope.check(message)
    return str(refused.value)


def test_reads_the_documented_envelope_as_it_is():
    assert envelope.check(envelope.parse(json.dumps(ORDER).encode())) == ORDER


def test_needs_neither_a_correlation_nor_a_time():
    short = {name: ORDER[name] for name in ("from", "to", "type", "data")}

    assert envelope.check(short) == {**short, "correlation_id": "", "timestamp": ""}


def test_takes_a_whole_number_for_a_correlation():
    assert envelope.check({**ORDER, "correlation_id": 789})["correlation_id"] == "789"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"form": "x"}, "`form` is no part of an envelope. Did you mean `from`?"),
        ({"to": ""}, "`to` is missing. An envelope has from, to, type, data, correlation_id, timestamp."),
        ({"data": None}, "`data` is missing."),
        ({"data": [1]}, "`data` is not an object."),
        ({"type": True}, "`type` is not text."),
        ({"to": "x" * 121}, "`to` has 121 characters; at most 120 are read."),
        ({"timestamp": "yesterday"}, "`timestamp` is 'yesterday'. Write a time with its zone"),
        ({"timestamp": "2026-02-17T12:00:00"}, "Write a time with its zone"),
        ({"data": {"a": float("nan")}}, "It is not JSON"),
        ({"data": {"a": float("inf")}}, "It is not JSON"),
        ({"data": {"a": "x" * 200_000}}, "at most 200,000 are read"),
        ({"data": {"a": {1, 2}}}, "It is not JSON"),
    ],
)
def test_says_what_is_wrong_and_what_would_be_right(change, told):
    assert told in refusal({**ORDER, **change})


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "It is not JSON"),
        (b"\xff\xfe", "It is not JSON"),
        (b"hello", "It is not JSON"),
        (b"[]", "It is a JSON list"),
        (b"[" * 50_000, "nested too deeply"),
        (b'{"to": "a", "to": "b"}', "a key is there twice"),
        (b'{"data": {"n": NaN}}', "NaN is no number"),
        (b'{"data": {"n": 1e999}}', "a number is too large"),
        (b'{"data": ' + b'{"a":' * 40 + b"1" + b"}" * 41, "nested more than 30 levels"),
        (
            b" " * 200_001,
            "It has 200,001 bytes; at most 200,000 are read. Send an address instead.",
        ),
    ],
)
def test_refuses_bytes_that_are_no_message(raw, told):
    with pytest.raises(Unusable, match=told):
        envelope.parse(raw)


def test_keeps_nothing_that_no_database_agrees_on():
    odd = {**ORDER, "data": {"na\0me": "a\0b \ud800 \u202ec"}}

    assert envelope.check(odd)["data"] == {"name": "ab ? c"}


def test_tells_equal_envelopes_by_their_digest_whatever_the_order_of_their_keys():
    turned = dict(reversed(ORDER.items()))

    assert envelope.digest(turned) == envelope.digest(ORDER)
    assert envelope.digest({**ORDER, "data": {"quantity": 3}}) != envelope.digest(ORDER)


def test_sees_the_same_message_in_one_that_was_only_stamped_anew():
    again = {**ORDER, "timestamp": "2026-02-17T12:05:00Z"}

    assert envelope.same(ORDER, again)
    assert not envelope.same(ORDER, {**again, "data": {}})
