"""The test must see what it is there to see: each planted bug is found, and for the promise it breaks.

Each is looked for in lives that begin near by, which takes seconds; with CLAWBOT_ANYWHERE=1 in all.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.stateful.ledger import Broken
from tests.stateful.life import Life, live
from tests.stateful.mutants import MUTANTS

EXAMPLES = 150
ANYWHERE = os.environ.get("CLAWBOT_ANYWHERE") == "1"


@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.usefixtures("_sqlite")
def test_finds_the_planted_bug(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS[name]
    mutant.plant(monkeypatch)
    began = time.monotonic()
    with pytest.raises(Broken, match=mutant.promise) as found:
        live(EXAMPLES, 40, scenes=Life.scenes if ANYWHERE else [mutant.near])
    print(f"{name}: {time.monotonic() - began:.0f} s: {str(found.value)[:150]}")


@pytest.fixture
def _sqlite(on):  # type: ignore[no-untyped-def]
    with on("sqlite"):
        yield
