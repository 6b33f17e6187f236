"""The same tests on every database; on PostgreSQL once by single statements and once by the portable way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tasks.models import Worker


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Elsewhere the portable way is the only one: it needs no second run."""
    twice = [item for item in items if _is_second_run(item)]
    if twice:
        items[:] = [item for item in items if item not in twice]


def _is_second_run(item: pytest.Item) -> bool:
    params = getattr(getattr(item, "callspec", None), "params", {})
    return params.get("implementation") == "portable" and params.get("backend") != "postgres"


@pytest.fixture(params=["own", "portable"])
def implementation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(database: str, implementation: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database in turn, with the implementation of `tasks.store` that is under test."""
    from tasks import store

    if implementation == "portable":
        monkeypatch.setattr(store, "_here", lambda: store.portable)
    return database


@pytest.fixture
def worker(engine: str) -> Worker:
    from tasks.engine import workers

    return workers.start("here")
