"""A change answers a request only if it has to do with it."""

from __future__ import annotations

import pytest

from agents.prose.asked import met, not_done

BEFORE = "Redis never loses data. It was measured by the team. The sky is blue."


@pytest.mark.parametrize(
    ("asked", "passage", "after"),
    [
        (
            "This is wrong.",
            "It was measured by the team.",
            BEFORE.replace("It was measured by the team. ", ""),
        ),
        ("Say what Redis does on a crash.", "", BEFORE + " Redis may lose a second of writes on a crash."),
        ("Shorten it.", "", "Redis never loses data."),
        ("When was that?", "", BEFORE + " That was in 2024."),
        ("Use source 2.", "", BEFORE + " Nothing more is known [2]."),
        ("Call it “Stores at work”.", "", "Stores at work. " + BEFORE),
    ],
)
def test_what_was_asked_for_is_met(asked: str, passage: str, after: str) -> None:
    assert met(asked, passage, BEFORE, after)


@pytest.mark.parametrize(
    ("asked", "passage", "after"),
    [
        ("Nonsense, put it right.", "", BEFORE + " Teams buy many things each day."),
        ("Nonsense, put it right.", "Redis never loses data.", BEFORE + " Teams buy many things each day."),
        ("Say what Redis does on a crash.", "", BEFORE),
        ("Shorten it.", "", BEFORE + " Teams buy many things each day."),
    ],
)
def test_an_unrelated_change_answers_nothing(asked: str, passage: str, after: str) -> None:
    assert not met(asked, passage, BEFORE, after)


def test_says_so_once_with_the_agents_own_words() -> None:
    said = not_done("I added a sentence.", changed=True)

    assert said == "Not done: no words that changed have to do with this request. I added a sentence."
    assert not_done(said, changed=True) == said
    assert not_done("No source says so.", changed=False) == "Not done: No source says so."
