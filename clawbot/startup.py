"""What a start looks at before it serves or works: what cannot work is refused with the remedy, and what was
found is said, so that a mistyped address does not look like an empty house of one's own.

`up`, `web` and `work` begin here; `migrate` runs the check of the encoding.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import NotSupportedError

from clawbot.answers import count
from clawbot.people import cast
from clawbot.people.models import User
from tasks import folder
from tasks.models import Task

MARIADB = (10, 6)  # SKIP LOCKED, by which workers claim
OPEN = 0o077  # the rights of everybody but the user we run as
PASS_THROUGH = 0o011  # to reach a folder below; nothing is listed
PRIVATE = ("staging", "workspace", "log", "secret_key", "audit_key")


def require(*, migrated: bool = True) -> None:
    """Make sure that this process can do its work; with `migrated` the tables must be up to date. Raises
    CommandError or FolderError with what would mend it."""
    folder.prepare()
    _keep_private()
    _require_database()
    for problem in encoding(None, databases=["default"]):
        raise CommandError(f"Cannot start: {problem.msg} {problem.hint}")
    if migrated:
        _require_tables()


def found() -> str:
    """What is in the database, in a sentence: "A house with 12 tasks and 3 people at postgres://db/clawbot."."""
    if cast.is_new():
        return f"A new, empty house at {place()}."
    return f"A house with {count(Task.objects.count(), 'task')} and {_people()} at {place()}."


def place() -> str:
    """The address of the database, without its password."""
    url = urlsplit(settings.DATABASE_URL)
    if url.scheme == "sqlite":
        return str(connection.settings_dict["NAME"])
    user, at, host = url.netloc.rpartition("@")
    return f"{url.scheme}://{user.partition(':')[0]}{at}{host}{url.path}"


@checks.register(checks.Tags.database)
def encoding(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **options: Any
) -> list[checks.CheckMessage]:
    """Texts of every language must fit: a database in latin1 takes the first tasks and fails at a dash."""
    wrong = [one for alias in databases or () if (one := _encoding(connections[alias]))]
    return [checks.Error(text, hint=hint, id="clawbot.E007") for text, hint in wrong]


def _encoding(connection: Any) -> tuple[str, str] | None:
    """What is wrong with a database's encoding, and the remedy; None if nothing is."""
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_encoding")
            kind = cursor.fetchone()[0]
            hint = "Make another one (`createdb -E UTF8 -T template0 NAME`) and name it in DATABASE_URL."
            return None if kind == "UTF8" else (f"The database {name} is in {kind}, not in UTF8.", hint)
        if connection.vendor != "mysql":
            return None
        cursor.execute("SELECT @@character_set_database")
        kind = cursor.fetchone()[0]
        cursor.execute(
            "SELECT DISTINCT table_name, character_set_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND character_set_name NOT IN ('utf8mb4', 'ascii', 'binary') "
            "ORDER BY table_name"
        )
        tables = cursor.fetchall()
    if kind != "utf8mb4":
        hint = f"Run `ALTER DATABASE {name} CHARACTER SET utf8mb4` there, before the first migrate."
        return f"The database {name} is in {kind}, which cannot hold every letter.", hint
    if tables:
        hint = (
            "Dump the data, change `CHARSET` in the dump to utf8mb4 and read it back; or, for each of these "
            f"tables, run `ALTER TABLE {tables[0][0]} CONVERT TO CHARACTER SET utf8mb4` with "
            "`SET foreign_key_checks = 0`."
        )
        return f"{len(tables)} tables of {name} are in {tables[0][1]}, {tables[0][0]} among them.", hint
    return None


def _require_database() -> None:
    if connection.vendor == "sqlite":
        _require_file(Path(connection.settings_dict["NAME"]))
    try:
        connection.ensure_connection()
        version = connection.get_database_version()
    except NotSupportedError as error:
        raise CommandError(f"Cannot start: {error} at {place()}. Update the server.") from None
    except DatabaseError as error:
        why = re.sub(r"\s+", " ", str(error.args[-1] if error.args else error)).strip()
        raise CommandError(
            f"Cannot start: the database at {place()} does not let us in ({why}). Start its server, or mend "
            "DATABASE_URL."
        ) from None
    if getattr(connection, "mysql_is_mariadb", False) and version < MARIADB:
        raise CommandError(
            f"Cannot start: MariaDB {'.'.join(map(str, version))} at {place()} is too old; Clawbot needs "
            f"{'.'.join(map(str, MARIADB))}. Update the server."
        )


def _require_file(file: Path) -> None:
    """SQLite's own words for all of this are "unable to open database file"."""
    parent = file.parent
    if not parent.is_dir():
        why = f"there is no folder {parent}"
    elif not os.access(parent, os.W_OK | os.X_OK):
        why = f"this user may not write in {parent}, where SQLite keeps its journal"
    elif file.is_dir():
        why = "it is a folder"
    elif file.exists() and not os.access(file, os.R_OK | os.W_OK):
        why = "this user may not write it"
    else:
        return
    raise CommandError(
        f"Cannot start: the database {file} cannot be used: {why}. Mend that, or change DATABASE_URL."
    )


def _require_tables() -> None:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        is_empty = not executor.loader.applied_migrations
        what = "is empty" if is_empty else f"lacks {count(len(missing), 'migration')}"
        raise CommandError(
            f"Cannot start: the database at {place()} {what}. If it is the right one, run "
            "`./manage.py migrate`; else mend DATABASE_URL."
        )


def _keep_private() -> None:
    """Take from everybody else what older versions or another umask let them read. `published/` keeps its
    rights: a web server may be meant to serve it."""
    _close(settings.DATA, OPEN & ~PASS_THROUGH)
    for name in PRIVATE:
        _close(settings.DATA / name, OPEN)
    if connection.vendor == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            _close(Path(f"{connection.settings_dict['NAME']}{suffix}"), OPEN)


def _close(path: Path, rights: int) -> None:
    # Missing, or somebody else's (a shared folder): what cannot be changed here is not ours to change.
    with suppress(FileNotFoundError, PermissionError):
        mode = path.stat().st_mode
        if mode & rights:
            path.chmod(mode & ~rights & 0o7777)


def _people() -> str:
    number = User.objects.filter(is_active=True).count()
    return count(number, "person", "people") if number else "nobody who may sign in"
