"""What changed between two texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawbot import diff
from clawbot.diff import Piece

WORDS = st.lists(st.sampled_from(["agents", "never", "sleep", "people", "decide", ",", "38%"]), max_size=30)


def pieces(old: str, new: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in diff.block(old, new)]


def test_names_only_the_word_that_changed():
    assert pieces("Teams often hand work over.", "Teams now hand work over.") == [
        ("same", "Teams "),
        ("removed", "often "),
        ("added", "now "),
        ("same", "hand work over."),
    ]


def test_keeps_punctuation_apart_from_the_word_before_it():
    assert pieces("A shorter cycle.", "A shorter cycle, measured twice.") == [
        ("same", "A shorter cycle"),
        ("added", ", measured twice"),
        ("same", "."),
    ]


def test_gives_a_removed_last_word_the_blank_that_stood_before_it():
    assert pieces("He waits now.", "He waits.") == [("same", "He waits"), ("removed", " now"), ("same", ".")]


def test_replaces_a_block_whole_when_little_of_it_is_left():
    assert pieces("Agents never sleep at night.", "Buy seven cheap red apples today.") == [
        ("removed", "Agents never sleep at night."),
        ("added", "Buy seven cheap red apples today."),
    ]


def test_replaces_a_block_above_the_cap_whole():
    long = "word " * (diff.MOST_WORDS + 1)

    assert [kind for kind, _ in pieces(long, long + "more")] == ["removed", "added"]


@given(WORDS, WORDS)
def test_same_and_added_pieces_always_make_the_new_text(old: list[str], new: list[str]):
    found = diff.block(" ".join(old), " ".join(new))

    assert "".join(piece.text for piece in found if piece.kind != "removed") == " ".join(new)


@given(WORDS, WORDS)
def test_same_and_removed_pieces_hold_every_word_of_the_old_text(old: list[str], new: list[str]):
    found = diff.block(" ".join(old), " ".join(new))

    kept = " ".join(piece.text for piece in found if piece.kind != "added")
    assert kept.replace(",", " , ").split() == old


def test_pairs_a_changed_paragraph_with_itself_and_not_with_the_one_that_came():
    old = ["Agents read the request and find suppliers.", "People decide in the end."]
    new = [
        "A wholly new opening paragraph here.",
        "Agents read the request and find three suppliers.",
        old[1],
    ]

    assert diff.pairs(old, new) == [(None, 0), (0, 1), (1, 2)]


def test_says_which_paragraph_went():
    assert diff.pairs(["One stays.", "Two goes away."], ["One stays."]) == [(0, 0), (1, None)]


def test_counts_a_replaced_word_once():
    blocks = diff.words(
        "Teams often hand work over.\n\nIt ends.", "Teams now hand work over.\n\nIt ends soon."
    )

    assert diff.changed(blocks) == 2


def test_says_added_and_removed_in_words_and_leaves_blanks_outside_the_mark():
    assert Piece("removed", "often ").html == '<del><span class="hidden-text">removed: </span>often</del> '
    assert Piece("added", "now").html == '<ins><span class="hidden-text">added: </span>now</ins>'


@pytest.mark.parametrize("kind", ["same", "added", "removed"])
def test_escapes_what_agents_wrote(kind: str):
    assert "<script" not in Piece(kind, "<script>alert(1)</script>").html
