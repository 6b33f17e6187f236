"""The shipped staff and workflows, in an empty folder of data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def house(database: str, admin: Any, ana: Any, tmp_path: Path, settings: Any) -> Path:
    """A database of each kind with everything that ships, and the folder where files go."""
    from tasks.workflow import shipped

    settings.DATA = tmp_path / "var"
    settings.DATA.mkdir()
    shipped.sync("clawbot")
    return settings.DATA
