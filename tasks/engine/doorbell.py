"""How a drain hears that there may be work: PostgreSQL notifies, SQLite counts commits, others are asked.

A bell is only a hint: the drain looks by itself once a second whatever the bell does.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from django.db import connection

from tasks import queue

TICK = 0.01  # seconds between looks at SQLite's commit counter: 5 microseconds each
SHORT_POLL = 0.05  # seconds between looks at the bell's row where the database cannot tell


async def rings(ask: Callable[[Callable[[], Any]], Awaitable[Any]]) -> AsyncGenerator[None, None]:
    """Yield whenever there may be work. `ask` runs a function in the drain's database thread."""
    listen = {"postgresql": _notified, "sqlite": _committed}.get(connection.vendor)
    source = listen() if listen else _polled(ask)
    async for ring in source:
        yield ring


async def _notified() -> AsyncGenerator[None, None]:
    """LISTEN on a connection of its own; psycopg's own loop would occupy a thread."""
    import psycopg

    place: dict[str, Any] = connection.get_connection_params()
    place = {key: place[key] for key in ("dbname", "user", "password", "host", "port") if place.get(key)}
    heard = asyncio.Event()
    with psycopg.connect(**place, autocommit=True) as line:
        line.execute(f"LISTEN {queue.CHANNEL}")
        line.add_notify_handler(lambda _: heard.set())
        loop = asyncio.get_running_loop()
        socket = line.fileno()
        loop.add_reader(socket, _read, line, heard)
        try:
            while not line.closed:
                await heard.wait()
                heard.clear()
                yield
        finally:
            loop.remove_reader(socket)


def _read(line: Any, heard: asyncio.Event) -> None:
    """Take in what the server sent. A broken line ends the listening; the caller opens another."""
    try:
        line.pgconn.consume_input()
        while line.pgconn.notifies():
            heard.set()
    except Exception:
        line.close()
        heard.set()


async def _committed() -> AsyncGenerator[None, None]:
    """SQLite: `data_version` changes with every commit of any other connection."""
    path = str(connection.settings_dict["NAME"])
    look = sqlite3.connect(path, isolation_level=None)
    try:
        seen = None
        while True:
            (version,) = look.execute("PRAGMA data_version").fetchone()
            if version != seen:
                seen = version
                yield
            await asyncio.sleep(TICK)
    finally:
        look.close()


async def _polled(ask: Callable[[Callable[[], Any]], Awaitable[Any]]) -> AsyncGenerator[None, None]:
    while True:
        if await ask(queue.is_rung):
            yield
        await asyncio.sleep(SHORT_POLL)
