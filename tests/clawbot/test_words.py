"""Durations, distances and money as pages write them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from clawbot import words

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "seconds, text",
    [
        (None, ""), (0.4, "under 1 s"), (4, "4 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"),
        (3600, "1 h"), (4320, "1 h 12 min"), (86_399, "23 h 59 min"), (86_400, "1 day"), (300_000, "3 days"),
        (timedelta(minutes=12), "12 min"),
    ],
)  # fmt: skip
def test_writes_a_length_of_time_in_two_units_at_most(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "now"),
        (4, "4 s ago"),
        (-7200, "in 2 h"),
        (-180_000, "in 2 days"),
        (-40 * 86_400, "31 Dec"),
        (90_000, "20 Nov"),
        (400 * 86_400, "17 Oct 2025"),
    ],
)
def test_writes_how_long_ago_or_how_soon(seconds, text):
    assert words.distance(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    "amount, text",
    [
        (None, "$0.00"),
        (0, "$0.00"),
        (Decimal("0.41"), "$0.41"),
        (0.001, "under $0.01"),
        (1234.5, "$1,234.50"),
    ],
)
def test_writes_money_with_cents(amount, text):
    assert words.money(amount) == text
