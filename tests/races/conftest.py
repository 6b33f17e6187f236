"""Seeing a race go red is enough on one database: PostgreSQL, as on SQLite every transaction is alone."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not _is_second_proof(item)]


def _is_second_proof(item: pytest.Item) -> bool:
    backend = getattr(getattr(item, "callspec", None), "params", {}).get("backend", "postgres")
    return item.name.startswith("test_goes_red") and backend != "postgres"
