"""Copies the files that a task's input names into the task's own folder; agents read only there."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings

from .machine import Refused

MOST_FILES = 20_000
MOST_BYTES = 500_000_000
#: input keys whose strings name files, folders or addresses
KEYS = ("sources", "files")
#: an address, or `feed:` and one
_URL = re.compile(r"(?:feed:)?[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def root(key: str) -> Path:
    """The workspace of the task with this key."""
    return Path(settings.DATA) / "workspace" / key


def names(key: str) -> tuple[str, ...]:
    """Every file in a task's workspace, relative to it, sorted."""
    base = root(key)
    return tuple(sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file()))


def holds(base: Path, name: str) -> bool:
    """Whether `name` is a file inside the workspace at `base`."""
    if not name or len(name) > 1000 or "\0" in name:
        return False
    path = (base / name).resolve()
    return path.is_relative_to(base.resolve()) and path.is_file()


def collect(
    value: dict[str, Any], folder: Path | None, *, anywhere: bool
) -> tuple[dict[str, Any], Path | None]:
    """Copy what `value` names from `folder` into a waiting folder; return the input with its new
    names and that folder (None where nothing was copied).

    `anywhere` allows paths outside `folder`: only for people with a shell on this machine.
    Raises `Refused` where a named file is missing or too much is asked for.
    """
    waiting = Path(settings.DATA) / "workspace" / f".incoming-{uuid.uuid4().hex}"
    taken: dict[str, str] = {}
    result = dict(value)
    try:
        for key in KEYS:
            if isinstance(result.get(key), list):
                result[key] = [
                    _bring(item, folder, waiting, taken, anywhere=anywhere) for item in result[key]
                ]
    except BaseException:
        shutil.rmtree(waiting, ignore_errors=True)
        raise
    return result, waiting if waiting.exists() else None


def _bring(item: Any, folder: Path | None, waiting: Path, taken: dict[str, str], *, anywhere: bool) -> Any:
    """One source: addresses and texts stay as they are, a path is copied and renamed."""
    if isinstance(item, dict):
        if "path" in item:
            return {**item, "path": _bring(str(item["path"]), folder, waiting, taken, anywhere=anywhere)}
        return item
    if not isinstance(item, str) or _URL.match(item):
        return item
    if item not in taken:
        taken[item] = _copy(item, folder, waiting, anywhere=anywhere)
    return taken[item]


def _copy(name: str, folder: Path | None, waiting: Path, *, anywhere: bool) -> str:
    if folder is None:
        raise Refused(
            f"Cannot read the source {name!r}: no files came with this task. Upload it or give an address."
        )
    path = Path(os.path.expanduser(name)) if anywhere else Path(name)
    source = (folder / path).resolve()
    if not anywhere and not source.is_relative_to(folder.resolve()):
        raise Refused(f"Cannot read the source {name!r}: it lies outside the files that came with this task.")
    if not source.exists():
        raise Refused(
            f"Cannot read the source {name!r}: nothing is there. Paths are relative to the brief's file."
        )
    _weigh(name, source)
    target = waiting / "sources" / _free(waiting / "sources", source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=_links)
    else:
        shutil.copyfile(source, target)
    return str(target.relative_to(waiting))


def _links(folder: str, entries: list[str]) -> set[str]:
    """Links and special files stay behind: a copy must not lead out of the workspace."""
    paths = ((entry, Path(folder) / entry) for entry in entries)
    return {entry for entry, path in paths if path.is_symlink() or not (path.is_file() or path.is_dir())}


def _weigh(name: str, source: Path) -> None:
    files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
    if len(files) > MOST_FILES or sum(path.stat().st_size for path in files) > MOST_BYTES:
        raise Refused(
            f"Cannot copy {name!r}: more than {MOST_FILES:,} files or 500 MB. Name a smaller folder."
        )


def _free(folder: Path, name: str) -> str:
    """A safe name that is not taken in `folder`."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "source"
    stem, suffix = os.path.splitext(safe)
    candidate, number = safe, 2
    while (folder / candidate).exists():
        candidate, number = f"{stem}-{number}{suffix}", number + 1
    return candidate


def keep(waiting: Path | None, key: str) -> None:
    """Give the waiting folder its place as the workspace of task `key` (a rename: fast)."""
    # A key that is being given out belongs to nobody: what lies there is of a transaction that failed.
    shutil.rmtree(root(key), ignore_errors=True)
    if waiting:
        os.replace(waiting, root(key))
