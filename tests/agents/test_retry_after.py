"""How long a server asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agents import retry_after

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0), ("0", 0.0), (" 1.5 ", 1.5), ("0.25", 0.25), ("Tue, 01 Dec 2026 12:00:30 GMT", 30.0),
        ("Tue, 01 Dec 2026 11:59:00 GMT", 0.0), ("Tuesday, 01-Dec-26 12:01:00 GMT", 60.0),
        ("Tue, 01 Dec 2026 13:00:30 +0100", 30.0), ("", None), ("soon", None), ("-3", None), ("1e9", None),
        ("nan", None), ("9" * 400, None), ("Tue, 99 Dec 2026 12:00:30 GMT", None), ("\u0663", None),
    ],
)  # fmt: skip
def test_reads_seconds_fractions_and_dates_and_nothing_else(text, seconds):
    assert retry_after.seconds(text, NOON) == seconds
