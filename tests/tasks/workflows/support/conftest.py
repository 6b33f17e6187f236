"""A fresh desk for every test that asks for one, as a process, where agents find it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.outside import circuit
from tests.tasks.workflows.support.sample import Sample, a_desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sample]:
    """The sample desk."""
    with a_desk(tmp_path / "desk") as sample:
        monkeypatch.setenv("CLAWBOT_SERVICES", f"desk={sample.url}")
        circuit.forget()
        yield sample
