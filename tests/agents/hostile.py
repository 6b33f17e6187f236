"""Hostile inputs by entry point: the committed subset, and all where they lie beside the project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLLECTIONS = (ROOT.parent / "shared/data/hostile_inputs.json", ROOT / "tests/data/hostile_agents.json")


def inputs(entry_point: str, wanted: Callable[[str], bool] = lambda text: True) -> list[object]:
    """Every wanted input of an entry point as a pytest parameter named by its id."""
    found: dict[str, str] = {}
    for collection in COLLECTIONS:
        if collection.exists():
            for item in json.loads(collection.read_text("utf-8")):
                if item["entry_point"] == entry_point:
                    found.setdefault(item["id"], item["input"])
    return [pytest.param(text, id=name) for name, text in sorted(found.items()) if wanted(text)]
