"""Keeps the log append-only in the database itself: triggers refuse to change or delete its rows.

They hold off mistakes and an intruder who has only the application's rights on rows. Whoever owns the tables
can take them away; then the chain of seals (`tasks/history/seal.py`) tells what was done. Emptying the
database, and later pruning, does so through `lifted`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

TABLES = ("tasks_event", "tasks_seal")
SAYS = "The log is append-only: its rows are neither changed nor deleted."
FUNCTION = "clawbot_append_only"


def guard(place: Any = connection) -> None:
    """Put the triggers on, where they are not."""
    vendor = place.vendor
    lift(place)
    with place.cursor() as cursor:
        if vendor == "postgresql":
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{SAYS}'; END $$"
            )
        for table, deed, name in _triggers():
            if vendor == "postgresql":
                then = f"EXECUTE FUNCTION {FUNCTION}()"
            elif vendor == "sqlite":
                then = f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
            else:
                then = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{SAYS}'"
            cursor.execute(f"CREATE TRIGGER {name} BEFORE {deed} ON {table} FOR EACH ROW {then}")


def lift(place: Any = connection) -> None:
    """Take the triggers away. Only the owner of the tables may."""
    with place.cursor() as cursor:
        for table, _, name in _triggers():
            on = f" ON {table}" if place.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


@contextmanager
def lifted() -> Iterator[None]:
    """The triggers are away inside, and back afterwards."""
    lift()
    try:
        yield
    finally:
        guard()


def missing() -> list[str]:
    """The triggers that should be there and are not, as `DELETE on tasks_event`."""
    queries = {
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    }
    with connection.cursor() as cursor:
        cursor.execute(queries[connection.vendor])
        there = {name for (name,) in cursor.fetchall()}
    return [f"{deed} on {table}" for table, deed, name in _triggers() if name not in there]


def _triggers() -> list[tuple[str, str, str]]:
    return [(table, deed, f"{table}_no_{deed.lower()}") for table in TABLES for deed in ("UPDATE", "DELETE")]
