"""A fresh shop for every test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.outside import circuit
from tests.tasks.workflows.order.till import Till, a_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    """The sample shop, where agents find it."""
    with a_shop(tmp_path / "shop") as till:
        monkeypatch.setenv("CLAWBOT_SERVICES", f"shop={till.url}")
        circuit.forget()
        yield till
