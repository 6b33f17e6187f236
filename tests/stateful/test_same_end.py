"""The same commands come to the same end: on SQLite and on PostgreSQL, with pauses and without."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.stateful import picture
from tests.stateful.house import Command, House
from tests.stateful.play import a_house, by_chance, heal, play

SEEDS = int(os.environ.get("CLAWBOT_SEEDS", "40"))


def the_end_on(
    on: Callable[[str], Any],
    kind: str,
    commands: list[Command],
    between: Callable[[House], None] | None = None,
) -> dict[str, Any]:
    with on(kind), a_house() as house:
        for command in commands:
            if between:
                between(house)
            play(house, [command])
        middle = picture.comparable()
        heal(house)
        return {"before healing": middle, "after": picture.comparable()}


def pause_and_resume(house: House) -> None:
    """Pause everything, let the workers ask in vain, and resume; it takes no time."""
    now, count = house.now, house.count
    given = [house.play(("pause", {"who": "ben", "scope": "all", "which": 0, "until": None, "stop": False}))]
    claimed = [house.play(("claim", {"worker": n, "limit": 10})) or house.claims for n in range(2)]
    assert given[0].how == "ok"
    assert claimed
    assert house.claims == []
    house.play(("resume", {"who": "ben", "which": 0}))
    house.now, house.count = now, count


def without_pauses(end: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        noun: [row for row in rows if '"hold.' not in row] for noun, rows in end.items() if noun != "holds"
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = []
    for when in one:
        for noun in one[when]:
            left, right = Counter(one[when][noun]), Counter(other[when].get(noun, []))
            found += [f"{when}, {noun}: only here {line}" for line in left - right]
            found += [f"{when}, {noun}: only there {line}" for line in right - left]
    return found


@pytest.mark.postgres
@pytest.mark.parametrize("seed", [1, 2])
def test_sqlite_and_postgres_come_to_the_same_end(on: Callable[[str], Any], seed: int) -> None:
    commands = by_chance(seed, 60)
    assert differences(the_end_on(on, "sqlite", commands), the_end_on(on, "postgres", commands)) == []


@pytest.mark.chaos
@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(100, 100 + SEEDS))
def test_many_runs_come_to_the_same_end(on: Callable[[str], Any], seed: int) -> None:
    commands = by_chance(seed, 150)
    assert differences(the_end_on(on, "sqlite", commands), the_end_on(on, "postgres", commands)) == []


@pytest.mark.parametrize("seed", [3])
def test_pauses_change_nothing_but_the_time(on: Callable[[str], Any], seed: int) -> None:
    commands = by_chance(seed, 60, without=["pause", "resume"])
    ends = [the_end_on(on, "sqlite", commands, between) for between in (None, pause_and_resume)]
    one, other = ({when: without_pauses(rows) for when, rows in end.items()} for end in ends)
    assert differences(one, other) == []
