"""What ails the database when it is lost, takes no changes, is full or busy: one word and one sentence for
every door, whichever server it is.

Whoever meets an error of this kind tells `ails`; what is remembered is looked at again once a second, so
that it ends by itself. While all is well this costs nothing.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from .models import Wake

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between looks while something ails it
LOOKED = "look"  # the row that a look writes
RETRY_SECONDS = 5  # what a caller is told to wait


class Ailment(StrEnum):
    """What ails it, and how pages and programs say it."""

    LOST = "The database cannot be reached just now."
    READ_ONLY = "The database takes no changes just now: it is read-only."
    FULL = "The database takes no changes just now: its disk is full."
    EMPTY = "The database has no tables: it is not the one that was here, or it is not migrated yet."
    BUSY = "The database is busy: it did not answer in time."

    @property
    def kind(self) -> str:
        """As programs are told it: lost, read-only, full, empty, busy."""
        return self.name.lower().replace("_", "-")

    @property
    def readable(self) -> bool:
        """Whether it still answers questions."""
        return self in {Ailment.READ_ONLY, Ailment.FULL}


_SQLITE = {
    sqlite3.SQLITE_READONLY: Ailment.READ_ONLY, sqlite3.SQLITE_FULL: Ailment.FULL,
    sqlite3.SQLITE_BUSY: Ailment.BUSY, sqlite3.SQLITE_LOCKED: Ailment.BUSY,
    sqlite3.SQLITE_CANTOPEN: Ailment.LOST, sqlite3.SQLITE_IOERR: Ailment.LOST,
    sqlite3.SQLITE_NOTADB: Ailment.LOST, sqlite3.SQLITE_CORRUPT: Ailment.LOST,
}  # fmt: skip
#: by SQLSTATE, the longest beginning that fits
_POSTGRES = {
    "25006": Ailment.READ_ONLY, "42501": Ailment.READ_ONLY, "53100": Ailment.FULL, "53200": Ailment.BUSY,
    "53300": Ailment.BUSY, "53": Ailment.BUSY, "55P03": Ailment.BUSY, "40": Ailment.BUSY,
    "08": Ailment.LOST, "57P": Ailment.LOST, "28": Ailment.LOST, "3D000": Ailment.LOST, "58": Ailment.LOST,
}  # fmt: skip
_MYSQL = {
    **dict.fromkeys((1290, 1792, 1836, 1142, 1143, 1227, 1370), Ailment.READ_ONLY),
    **dict.fromkeys((3, 28, 1021, 1114, 1041), Ailment.FULL),
    **dict.fromkeys((1040, 1203, 1226, 1205, 1213, 1969, 3024), Ailment.BUSY),
    **dict.fromkeys(
        (0, 1042, 1044, 1045, 1049, 1053, 1130, 1159, 1161, 1317, 1698, 1927, 2002, 2003, 2006, 2013, 2055),
        Ailment.LOST,
    ),
}


def ailment(error: BaseException) -> Ailment | None:
    """What this error says about the database; None if the fault is not the database's (a table that is
    missing, a value that does not fit)."""
    if not isinstance(error, (DatabaseError, InterfaceError)):
        return None
    cause: Any = error.__cause__ or error
    if isinstance(cause, sqlite3.Error):
        return _SQLITE.get(getattr(cause, "sqlite_errorcode", -1) & 0xFF)
    if type(cause).__module__.startswith("psycopg"):
        return _of_postgres(cause, error)
    number = cause.args[0] if cause.args and isinstance(cause.args[0], int) else None
    found = _MYSQL.get(number) if number is not None else None
    return found or (Ailment.LOST if isinstance(error, InterfaceError) else None)


def _of_postgres(cause: Any, error: BaseException) -> Ailment | None:
    state = cause.sqlstate or ""
    for length in (5, 3, 2):
        if state[:length] in _POSTGRES:
            return _POSTGRES[state[:length]]
    # A connection that could not be made or broke has no SQLSTATE.
    lost = not state and type(cause).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}
    return Ailment.LOST if lost else None


# -- What ails it now ---------------------------------------------------------------------------------


class _Memory:
    """What this process knows of it."""

    ails: Ailment | None = None
    looked_at = 0.0


_memory, _looking = _Memory(), threading.Lock()


def ails(error: BaseException) -> Ailment | None:
    """Remember what this error says of the database, if it says anything, and return it."""
    found = ailment(error) or (Ailment.EMPTY if _is_empty(error) else None)
    if found and found is not Ailment.BUSY:  # busy is over before anybody could read it
        _remember(found)
        if not connection.in_atomic_block:
            connection.close()  # a session that began read-only stays so, and a broken one broken
    return found


def _is_empty(error: BaseException) -> bool:
    """Whether a table is missing because all of them are: the file of an SQLite database that is gone is
    made anew by whoever opens it next."""
    cause = error.__cause__ or error
    state, number = getattr(cause, "sqlstate", ""), cause.args[0] if cause.args else None
    missing = str(number).startswith("no such table") or state == "42P01" or number == 1146
    if not missing or not isinstance(error, DatabaseError) or connection.in_atomic_block:
        return False
    try:
        return MigrationRecorder.Migration._meta.db_table not in connection.introspection.table_names()
    except (DatabaseError, InterfaceError):
        return False


def _remember(found: Ailment | None) -> None:
    if found is not _memory.ails:
        log.warning(found or "The database answers and takes changes again.")
    _memory.ails, _memory.looked_at = found, time.monotonic()


def well() -> None:
    """A change was stored just now: whatever ailed it is over."""
    _remember(None)


def let_go() -> None:
    """Keep no connection from a time of trouble: a session that began read-only stays so."""
    if _memory.ails and not connection.in_atomic_block:
        connection.close()


def look() -> Ailment | None:
    """Write one row, and remember what came of it: only a change that is stored proves that it can be."""
    let_go()
    try:
        if not Wake.objects.filter(queue=LOOKED).update(rung_at=timezone.now()):
            Wake.objects.get_or_create(queue=LOOKED)
    except (DatabaseError, InterfaceError) as error:
        return ails(error) or Ailment.LOST
    well()
    return None


def trouble() -> Ailment | None:
    """What ails it, as far as this process knows; asks the database only while something does."""
    due = _memory.ails and time.monotonic() - _memory.looked_at > LOOK and not connection.in_atomic_block
    if due and _looking.acquire(blocking=False):  # one asks, the others need not wait for the answer
        try:
            look()
        finally:
            _looking.release()
    return _memory.ails


def spare(change: Callable[[], object]) -> None:
    """Make a change that a reader's page makes by the way; it is left out while the database takes none."""
    try:
        with transaction.atomic():
            change()
    except DatabaseError as error:
        found = ails(error)
        if not (found and found.readable):
            raise
