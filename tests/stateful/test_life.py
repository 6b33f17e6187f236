"""People, agents, clocks and crashes in any order: what was promised holds after every step.

`make test` plays a few short lives on SQLite and PostgreSQL, `make chaos` many long ones, on MariaDB too.
CLAWBOT_EXAMPLES and CLAWBOT_STEPS make the long ones longer.
"""

from __future__ import annotations

import os

import pytest

from tests.stateful.life import live
from tests.stateful.play import Count

EXAMPLES = int(os.environ.get("CLAWBOT_EXAMPLES", "60"))
STEPS = int(os.environ.get("CLAWBOT_STEPS", "60"))


def test_keeps_every_promise_in_short_lives(database: str) -> None:
    live(3, 30)


@pytest.mark.chaos
def test_keeps_every_promise_in_long_lives(database: str) -> None:
    before = Count.steps
    live(EXAMPLES, STEPS, every=1, seed=True, shrink=True)
    print(f"{database}: {EXAMPLES} lives, {Count.steps - before:,} steps, every promise kept")
