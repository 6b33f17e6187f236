"""A throw-away database on the server that an address names, for one measurement."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def throw_away(url: str, folder: Path) -> Iterator[str]:
    """The address of a new database on the same server as `url`, dropped at the end. For SQLite, a new
    file in `folder`."""
    name = f"clawbot_bench_{secrets.token_hex(4)}"
    if url.startswith("sqlite"):
        yield f"sqlite:///{folder / name}.sqlite3"
        return
    _execute(url, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        _execute(url, f"DROP DATABASE {name}" + (" WITH (FORCE)" if url.startswith("postgres") else ""))


def _execute(url: str, statement: str) -> None:
    if url.startswith("postgres"):
        import psycopg

        with psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
            session.execute(statement.encode())
        return
    import pymysql

    place = urlsplit(url)
    with pymysql.connect(
        host=place.hostname, port=place.port or 3306, user=place.username, password=place.password or ""
    ) as connection:
        connection.cursor().execute(statement)
