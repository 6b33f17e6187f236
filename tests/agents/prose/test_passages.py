"""Quoted words are found in a text as it is written."""

from __future__ import annotations

from agents.prose.passages import find


def test_finds_words_whatever_their_marks_and_citations():
    text = "They **cut costs** [4] by 7.4 percent."
    place = find("cut costs by 7.4", text)
    assert place is not None
    assert text[slice(*place)] == "cut costs** [4] by 7.4"


def test_finds_nothing_of_words_that_are_not_there_or_no_words():
    assert find("saved time", "They cut costs.") is None
    assert find("…", "They cut costs.") is None
