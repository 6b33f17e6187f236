"""Text from outside is made harmless, and says to a reader what it said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.prose.clean import clean

PIECES = [
    "<|im_", "<|im_start|>", "start|>", "<", "|", ">", "[INST]", "[", "/INST]", "<<SYS>>", "<start_of_turn>",
    "start_of_turn>", "<tool_call>", "</tool_", "call>", "\u200b", "\ufe0f", "\U000e0061", "葛", "🏴",
    "\U000e007f", "\U000e0100", " ", "a", "1", "\x96", "\r",
]  # fmt: skip


@pytest.mark.parametrize(
    "seen",
    [
        "葛\U000e0100城市 and 葛城",  # a form that Japanese names insist on
        "神\ufe00社",
        "❤️ 1️⃣",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
        "👩\u200d💻 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # joiners that writing needs
    ],
)
def test_keeps_what_a_reader_sees(seen):
    assert clean(seen) == seen


@pytest.mark.parametrize(
    ("given_text", "left"),
    [
        ("a\U000e0061\U000e0062b", "ab"),  # tags that spell words for machines
        ("a" + "\U000e0130" * 5 + "b", "ab"),
        ("❤" + "\ufe0f" * 9, "❤\ufe0f"),
        ("葛" + "\U000e0100" * 9, "葛\U000e0100"),
        ("zero\u200bwidth", "zerowidth"),
    ],
)
def test_takes_out_what_nobody_sees(given_text, left):
    assert clean(given_text) == left


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_cleaning_twice_changes_nothing_more(pieces):
    once = clean("".join(pieces))

    assert clean(once) == once
    for mark in ("<|im_start|>", "[INST]", "<<SYS>>", "<start_of_turn>", "<tool_call>"):
        assert mark not in once
