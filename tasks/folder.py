"""The data folder (`CLAWBOT_DATA`): made when something starts, never by reading the settings.

It and what is made in it here is private to its user. Whatever cannot be made or read is said in a sentence.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

import psutil
from django.conf import settings
from django.utils.functional import SimpleLazyObject

from agents import masking

PARTS = ("staging", "published", "workspace", "log", "static")
KEYS = ("SECRET_KEY", "AUDIT_KEY")
PATIENCE = 2.0  # seconds until a key file that is empty stays so


class FolderError(OSError):
    """The data folder cannot be used; the text is a sentence with what would help."""


class KeptKey(SimpleLazyObject):
    """A key that was not given: made once, kept in the data folder, and read when it is first used."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(lambda: key(folder, name))

    def __bool__(self) -> bool:
        """There is always one. Libraries ask this while they are imported, when nothing may be made yet."""
        return True


def prepare() -> None:
    """Make the data folder with its parts, the keys that were not given, and an SQLite file that nobody
    else may read. What is there stays as it is. Raises FolderError."""
    folder = Path(settings.DATA)
    make(folder)
    for part in PARTS:
        make(folder / part)
    for name in KEYS:
        str(getattr(settings, name))  # one that is kept in the folder is made by using it
    database = settings.DATABASES["default"]
    file = Path(database["NAME"])
    if database["ENGINE"].endswith("sqlite3") and file.is_relative_to(folder):
        _create(file, "")


def make(folder: Path) -> None:
    """Make a folder and those above it. Raises FolderError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _refused("made", folder, error) from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _refused("written", folder, PermissionError(13, "Permission denied"))


def key(folder: Path, name: str) -> str:
    """The key in this file, made if there is none. Of several processes that start at once one makes it
    and the others read it. Raises FolderError."""
    make(folder)
    file, made = folder / name, secrets.token_urlsafe(48)
    if _create(file, made):
        masking.know([made])
        return made
    over = time.monotonic() + PATIENCE
    try:
        while not (kept := file.read_text(encoding="ascii").strip()):  # who makes it is just writing
            if time.monotonic() > over:
                raise FolderError(f"The key file {file} is empty. Remove it, and a new key is made.")
            time.sleep(0.01)
    except (OSError, UnicodeError) as error:
        raise error if isinstance(error, FolderError) else _refused("read", file, error) from None
    masking.know([kept])
    return kept


def _create(file: Path, content: str) -> bool:
    """Write a new file that only its user may read; False if it exists, whoever made it."""
    try:
        if file.exists():
            return False
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(content)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        raise _refused("written", file, error) from None


def _refused(what: str, path: Path, error: Exception) -> FolderError:
    reason = getattr(error, "strerror", "") or str(error)
    return FolderError(
        f"{'The key file' if path.is_file() else 'The data folder'} {path} cannot be {what} by the user "
        f"{_user()}: {reason}. Give that user the right to, or set CLAWBOT_DATA to another folder."
    )


def _user() -> str:
    try:
        return psutil.Process().username()
    except (KeyError, psutil.Error):
        return str(os.getuid())
