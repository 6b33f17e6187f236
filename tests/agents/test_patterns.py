"""Patterns from definitions: no text and no pattern holds up the process."""

import time

import pytest

from agents import patterns

ENDLESS = [r"(a+)+$", r"^(?:a|a)*$", r"^(\w+\s?)+$", r"(a*)*b", "a*" * 30 + "b"]
LONG = "a" * 50_000 + "!"


@pytest.mark.parametrize("pattern", ENDLESS)
def test_needs_no_more_time_for_a_pattern_that_would_hold_up_pythons_own(pattern):
    began = time.monotonic()

    assert patterns.search(pattern, LONG) is None

    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "pattern, why",
    [
        ("(", r"missing \)"),
        ("(?=a)b", "Look-around"),
        (r"(a)\1", "back references"),
        ("(((a{1000}){1000}){1000}){1000}", "repetition"),
        ("\\pQ", "cannot be read"),
    ],
)
def test_says_what_cannot_be_read(pattern, why):
    with pytest.raises(ValueError, match=why):
        patterns.readable(pattern)


def test_finds_what_pythons_own_would_find():
    found = patterns.search(r"total: ([\d.,]+) eur$", "Hello\nTotal: 8,412.50 EUR\nBye", "im")

    assert found[1] == "8,412.50"
    assert patterns.search("^b", "a\nb") is None
    assert patterns.search("^b", "a\nb", "m")


def test_a_flag_does_not_make_a_pattern_readable():
    with pytest.raises(ValueError, match="cannot be read"):
        patterns.search(")(", "text", "i")
