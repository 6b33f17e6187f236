"""Where stages stand: below what they need, apart from each other, with few crossings."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from typing import Any

import pytest

from clawbot.dashboard.drawing import GAP_X, NODE, UNDO, draw


def stage(name, *needs, **more):
    return {"name": name, "needs": list(needs), **more}


def drawn(*stages, lines=2):
    drawing = draw(stages, {one["name"]: lines for one in stages})
    return drawing, {node.stage["name"]: node for node in drawing.nodes}


def test_puts_a_line_of_stages_below_each_other():
    drawing, at = drawn(stage("a"), stage("b", "a"), stage("c", "b"))

    assert at["a"].x == at["b"].x == at["c"].x
    assert at["a"].y + at["a"].height < at["b"].y < at["c"].y
    assert [(edge.kind, edge.start, edge.end) for edge in drawing.edges] == [
        ("needs", "a", "b"), ("needs", "b", "c")
    ]  # fmt: skip


def test_puts_branches_side_by_side_and_their_join_between_them():
    _, at = drawn(stage("a"), stage("b", "a"), stage("c", "a"), stage("d", "b", "c"))

    assert at["b"].y == at["c"].y
    assert at["c"].x - at["b"].x >= NODE + GAP_X
    assert at["b"].middle < at["d"].middle < at["c"].middle
    assert at["a"].middle == pytest.approx(at["d"].middle, abs=1)


def test_orders_a_layer_so_that_lines_do_not_cross():
    _, at = drawn(
        stage("a"), stage("b"), stage("left", "b"), stage("right", "a"), stage("end", "left", "right")
    )

    assert (at["a"].x < at["b"].x) == (at["right"].x < at["left"].x)


def test_leads_a_long_edge_around_the_stages_that_it_passes():
    drawing, at = drawn(stage("a"), stage("b", "a"), stage("c", "a", "b"))
    long = next(edge for edge in drawing.edges if (edge.start, edge.end) == ("a", "c"))

    passing = float(long.path.split("C")[1].split()[4])

    assert not at["b"].x < passing < at["b"].x + at["b"].width


def test_draws_a_return_up_the_left_side():
    drawing, at = drawn(stage("write"), stage("review", "write", send_back={"to": "write", "at_most": 3}))
    back = next(edge for edge in drawing.edges if edge.kind == "back")

    assert (back.start, back.end) == ("review", "write")
    assert min(float(word) for word in back.path.replace("C", "").replace("M", "").split()[::2]) >= 0
    assert at["write"].x > 40


def test_keeps_room_beside_a_stage_for_its_undo():
    drawing, at = drawn(stage("pay", undo="refund"), stage("other"))
    left, right = sorted(at.values(), key=lambda node: node.x)

    assert right.x - left.x >= NODE + (GAP_X + UNDO if left.stage["name"] == "pay" else 0) + GAP_X
    assert drawing.width >= at["pay"].x + NODE + GAP_X + UNDO


def test_gives_a_stage_with_a_condition_more_room():
    assert drawn(stage("a"), lines=4)[1]["a"].height > drawn(stage("a"))[1]["a"].height


def test_draws_sixty_stages_at_once_and_lets_none_touch_another():
    dice = random.Random(60)
    many = [
        stage(f"s{n}", *(f"s{other}" for other in dice.sample(range(n), min(n, dice.randint(0, 3)))))
        for n in range(60)
    ]
    began = time.perf_counter()
    drawing, at = drawn(*many)

    assert time.perf_counter() - began < 2
    rows: dict[int, Any] = {}
    for node in at.values():
        rows.setdefault(node.y, []).append(node.x)
    assert all(
        right - left >= NODE + GAP_X - 0.1 for xs in rows.values() for left, right in pairwise(sorted(xs))
    )
    assert all(
        0 <= node.x <= drawing.width - NODE and node.y + node.height <= drawing.height for node in at.values()
    )
    assert len(drawing.edges) == sum(len(one["needs"]) for one in many)
