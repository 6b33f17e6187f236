"""Waits until the database has probably changed. A bell that is missed costs a moment, never an event."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Protocol

from django.db import connection

# How long a bell sleeps at most: the feed is read at least this often.
LONGEST_SECONDS = 1.0


class Doorbell(Protocol):
    """`wait()` returns when there may be something new, or after a while."""

    async def wait(self) -> None: ...

    def close(self) -> None: ...


class Counter:
    """SQLite: `PRAGMA data_version` changes with every other connection's commit and costs microseconds."""

    EVERY_SECONDS = 0.02

    def __init__(self, path: str) -> None:
        self.file = sqlite3.connect(path, isolation_level=None)
        self.last = self._version()

    async def wait(self) -> None:
        for _ in range(round(LONGEST_SECONDS / self.EVERY_SECONDS)):
            await asyncio.sleep(self.EVERY_SECONDS)
            version = self._version()
            if version != self.last:
                self.last = version
                return

    def close(self) -> None:
        self.file.close()

    def _version(self) -> int:
        return int(self.file.execute("PRAGMA data_version").fetchone()[0])


class Poll:
    """Servers: look at the end of the log ten times a second. A NOTIFY with every event would cost the
    workers a third of their throughput; this look costs one index page, and only while somebody watches."""

    EVERY_SECONDS = 0.1

    async def wait(self) -> None:
        await asyncio.sleep(self.EVERY_SECONDS)

    def close(self) -> None:
        """Holds nothing."""


def doorbell() -> Doorbell:
    """The bell of the configured database."""
    if connection.vendor == "sqlite":
        return Counter(str(connection.settings_dict["NAME"]))
    return Poll()
