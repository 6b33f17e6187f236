"""What an error says about the database, by the words of each server."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg.errors
import pymysql
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from tasks import database
from tasks.database import Ailment, ailment


def of_sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("said so")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    "cause, found",
    [
        (of_sqlite(sqlite3.SQLITE_READONLY), Ailment.READ_ONLY),
        (of_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), Ailment.READ_ONLY),
        (of_sqlite(sqlite3.SQLITE_FULL), Ailment.FULL),
        (of_sqlite(sqlite3.SQLITE_BUSY), Ailment.BUSY),
        (of_sqlite(sqlite3.SQLITE_CANTOPEN), Ailment.LOST),
        (of_sqlite(sqlite3.SQLITE_ERROR), None),
        (psycopg.errors.ReadOnlySqlTransaction(), Ailment.READ_ONLY),
        (psycopg.errors.InsufficientPrivilege(), Ailment.READ_ONLY),
        (psycopg.errors.DiskFull(), Ailment.FULL),
        (psycopg.errors.AdminShutdown(), Ailment.LOST),
        (psycopg.errors.CannotConnectNow(), Ailment.LOST),
        (psycopg.errors.TooManyConnections(), Ailment.BUSY),
        (psycopg.errors.DeadlockDetected(), Ailment.BUSY),
        (psycopg.OperationalError("connection failed: connection refused"), Ailment.LOST),
        (psycopg.errors.UndefinedTable(), None),
        (psycopg.errors.UniqueViolation(), None),
        (pymysql.err.OperationalError(1290, "--read-only"), Ailment.READ_ONLY),
        (pymysql.err.OperationalError(1142, "INSERT command denied"), Ailment.READ_ONLY),
        (pymysql.err.OperationalError(1021, "Disk full"), Ailment.FULL),
        (pymysql.err.OperationalError(2006, "gone away"), Ailment.LOST),
        (pymysql.err.OperationalError(2013, "lost during query"), Ailment.LOST),
        (pymysql.err.OperationalError(1040, "Too many connections"), Ailment.BUSY),
        (pymysql.err.OperationalError(1054, "Unknown column"), None),
        (pymysql.err.InterfaceError(0, ""), Ailment.LOST),
    ],
    ids=repr,
)
def test_tells_what_ails_the_database_from_a_fault_of_ours(cause: Exception, found: Ailment | None) -> None:
    error = DatabaseError("as Django says it")
    error.__cause__ = cause

    assert ailment(error) is found


@pytest.mark.parametrize("error", [ValueError("x"), IntegrityError("x"), ProgrammingError("x")], ids=repr)
def test_other_errors_say_nothing_of_it(error: Exception) -> None:
    assert ailment(error) is None


def test_a_connection_that_is_closed_is_a_loss() -> None:
    assert ailment(InterfaceError("connection already closed")) is Ailment.LOST


def test_costs_nothing_while_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = []
    monkeypatch.setattr(database, "look", lambda: looks.append(1))
    database.well()

    assert database.trouble() is None
    assert looks == []


@pytest.mark.django_db
def test_looks_again_once_a_second_while_something_ails_it() -> None:
    error = OperationalError("gone")
    error.__cause__ = pymysql.err.OperationalError(2006, "gone away")
    database.ails(error)

    assert database.trouble() is Ailment.LOST
    assert database.look() is None
    assert database.trouble() is None
