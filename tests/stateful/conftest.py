"""The clock goes back to the real time after each test, and what was read of versions is forgotten."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest

from tests import conftest, databases


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick runs are on SQLite and PostgreSQL; the long ones on MariaDB too."""
    items[:] = [
        item for item in items if not (_backend(item) == "mariadb" and not item.get_closest_marker("chaos"))
    ]


def _backend(item: pytest.Item) -> str:
    return str(getattr(getattr(item, "callspec", None), "params", {}).get("backend", ""))


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    from tasks.workflow import versions

    yield
    versions.forget()


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An empty database of each of the two kinds: kind -> address."""
    with ExitStack() as stack:
        found: dict[str, str] = {}
        for kind in ("sqlite", "postgres"):
            folder = tmp_path_factory.mktemp(kind)
            try:
                found[kind] = stack.enter_context(databases.throw_away(kind, folder))
            except databases.Absent as reason:
                pytest.skip(str(reason))
            databases.migrate(found[kind], folder / "var")
        yield found


@pytest.fixture
def on(
    places: dict[str, str], django_db_blocker: Any
) -> Iterator[Callable[[str], AbstractContextManager[None]]]:
    """`with on("postgres"):` this process works on that database inside."""
    from django.db import connections

    from clawbot.settings import connection

    @contextmanager
    def working_on(kind: str) -> Iterator[None]:
        usual = connections.settings["default"]
        place = connections.configure_settings({"default": connection(places[kind])})["default"]
        try:
            conftest._point_default_at(place)
            yield
        finally:
            conftest._point_default_at(usual)

    with django_db_blocker.unblock():
        yield working_on
