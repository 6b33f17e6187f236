"""What every test may ask for: a safe environment, no network, the cast, and databases of each kind.

The suite runs on SQLite in a folder of its own; `TEST_DATABASE_URL` runs it on another server. Tests of
promises that must hold everywhere ask for `database` (in this process) or `environment` (for processes
they start) and run once on each of SQLite, PostgreSQL and MariaDB.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import databases, network
from tests.templates import Undefined

# Before Django reads them: the suite must see neither the developer's .env nor the developer's data.
DATA = Path(tempfile.mkdtemp(prefix="clawbot-tests-"))
SAFE = {
    "DJANGO_SETTINGS_MODULE": "clawbot.settings",
    "CLAWBOT_DATA": str(DATA),
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{DATA / 'clawbot.sqlite3'}",
    "SECRET_KEY": "only-for-tests-and-long-enough-to-be-taken-for-a-real-one",
    "CLAWBOT_MODELS": "",
    "SLACK_BOT_TOKEN": "",
}
for word in [name for name in os.environ if name.startswith(("CLAWBOT_", "SLACK_", "OPENCLAW_"))]:
    del os.environ[word]
os.environ.update(SAFE)


#: folders whose tests start many processes, or measure
ALONE = {"benchmarks", "pages", "races", "stateful"}


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    from tasks import folder

    # A file, not memory: threads, the live server and started processes must see the same database.
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(DATA / "test.sqlite3")
    options: Any = settings.TEMPLATES[0]["OPTIONS"]
    options["string_if_invalid"] = Undefined()
    folder.prepare()  # as every start does
    # How slowly a password is hashed is Django's business; here it would only cost time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers inherit the environment: with this word in it, pytest-django would read the settings before
    this file could give each worker a data folder of its own."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a person needs a database: the usual one, unless each kind was asked for."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if "person" in asked and not asked & {"database", "db", "transactional_db"}:
            item.add_marker(pytest.mark.django_db)
        # One worker keeps a file together; what starts processes of its own runs beside none of its kind.
        where = item.path.relative_to(databases.ROOT / "tests")
        item.add_marker(pytest.mark.xdist_group("alone" if where.parts[0] in ALONE else str(where)))


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(DATA, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _only_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        network.refuse_the_world(patch)
        yield


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    """Databases begin again and again with the same keys: what was read of versions is forgotten, and
    what was kept of a log that is no more."""
    from tasks.history import chain
    from tasks.workflow import versions

    yield
    versions.forget()
    (DATA / chain.HEADS).unlink(missing_ok=True)


# -- The cast ----------------------------------------------------------------------------------------


@pytest.fixture
def person(request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    """Makes a person of a group: `person("dora", "editors")`."""
    if "database" in request.fixturenames:
        request.getfixturevalue("database")

    def make(name: str, group: str) -> Any:
        from django.contrib.auth.models import Group

        from clawbot.people.models import User

        user = User.objects.create_user(name, is_staff=group == "admins", is_superuser=group == "admins")
        user.join(Group.objects.get_or_create(name=group)[0])
        return user

    return make


@pytest.fixture
def ana(person: Callable[[str, str], Any]) -> Any:
    """The editor: she approves."""
    return person("ana", "editors")


@pytest.fixture
def ben(person: Callable[[str, str], Any]) -> Any:
    """The operator: he pauses, retries and overrides."""
    return person("ben", "operators")


@pytest.fixture
def cleo(person: Callable[[str, str], Any]) -> Any:
    """The viewer: she only looks."""
    return person("cleo", "viewers")


@pytest.fixture
def admin(person: Callable[[str, str], Any]) -> Any:
    """Looks after people, agents and settings."""
    return person("admin", "admins")


# -- Databases of each kind --------------------------------------------------------------------------

EACH_BACKEND = [pytest.param(name, marks=getattr(pytest.mark, name, ())) for name in databases.BACKENDS]


@pytest.fixture(scope="session", params=EACH_BACKEND)
def backend(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn: sqlite, postgres, mariadb. Skips those that are not here."""
    kind = str(request.param)
    try:
        {"postgres": databases.postgres, "mariadb": databases.mariadb}.get(kind, str)()
    except databases.Absent as reason:
        pytest.skip(str(reason))
    return kind


@pytest.fixture
def database_url(backend: str, tmp_path: Path) -> Iterator[str]:
    """The address of a new empty database of each kind, dropped after the test."""
    with databases.throw_away(backend, tmp_path) as url:
        yield url


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment for processes a test starts: a migrated database of each kind and a data folder."""
    databases.migrate(database_url, tmp_path / "var")
    return databases.environment(database_url, tmp_path / "var")


@pytest.fixture(scope="session")
def _houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The address of a migrated database of a kind, made when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def address(kind: str) -> str:
            folder = tmp_path_factory.mktemp(kind)
            url = stack.enter_context(databases.throw_away(kind, folder))
            databases.migrate(url, folder / "var")
            return url

        yield address


@pytest.fixture
def _migrated(_houses: Callable[[str], str], backend: str) -> str:
    return _houses(backend)


@pytest.fixture
def database(_migrated: str, backend: str, django_db_blocker: Any) -> Iterator[str]:
    """This process's own connection on each kind of database in turn: real transactions, emptied after."""
    from django.core.management import call_command
    from django.db import connections

    from clawbot.settings import connection

    usual = connections.settings["default"]
    with django_db_blocker.unblock():
        try:
            _point_default_at(connections.configure_settings({"default": connection(_migrated)})["default"])
            yield backend
            call_command("flush", interactive=False, verbosity=0)
        finally:
            _point_default_at(usual)


def _point_default_at(place: dict[str, Any]) -> None:
    from django.db import connections

    connections["default"].close()
    del connections["default"]  # the next use opens it anew, from the settings below
    connections.settings["default"] = place
