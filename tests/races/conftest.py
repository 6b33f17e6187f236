"""Seeing a race go red is enough on one database. The guard of the claim shows on PostgreSQL only: on SQLite
every transaction is alone."""

from __future__ import annotations

import pytest

ONLY = {
    "test_goes_red_without": "sqlite",
    "test_goes_red_without_the_guard_of_the_claim": "postgres",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if _is_wanted(item)]


def _is_wanted(item: pytest.Item) -> bool:
    backend = getattr(getattr(item, "callspec", None), "params", {}).get("backend")
    return backend is None or ONLY.get(getattr(item, "originalname", ""), backend) == backend
