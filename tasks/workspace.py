"""Copies the files that a task's input names into the task's own folder; agents read only there."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from .machine import Refused

MOST_FILES = 20_000
MOST_BYTES = 500_000_000
#: what a person may add to a task that has begun
MOST_GIVEN = 20
MOST_GIVEN_BYTES = 20_000_000
#: input keys whose strings name files, folders or addresses
KEYS = ("sources", "files")
_NO_PATH = re.compile(r"[a-z][a-z0-9+.-]*://|feed:|.*\n", re.IGNORECASE)  # an address, or a text


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
    # `os.path` calls a name that is too long for any file no file; `Path` raises an error.
    return path.is_relative_to(base.resolve()) and os.path.isfile(path)


def add(key: str, files: Sequence[tuple[str, bytes]]) -> list[str]:
    """Write these files (name and content) into a task's workspace under safe names that are free; returns
    their paths there. Raises `Refused` for too many or too much, and writes nothing then."""
    size = sum(len(content) for _, content in files)
    if len(files) > MOST_GIVEN or size > MOST_GIVEN_BYTES:
        raise Refused(
            f"Cannot take these files: at most {MOST_GIVEN} of {MOST_GIVEN_BYTES // 1_000_000} MB together. "
            "Leave some out, or make them smaller."
        )
    folder, placed = root(key) / "sources", list[str]()
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        with _fresh(folder, name) as out:
            placed.append(f"sources/{Path(out.name).name}")
            out.write(content)
    return placed


def _fresh(folder: Path, name: str) -> BinaryIO:
    """A new file of a safe name, open for writing: two at the same moment never get the same one."""
    plain = name.replace("\\", "/").rpartition("/")[2][-120:]
    while True:
        try:
            return (folder / _free(folder, plain)).open("xb")
        except FileExistsError:
            continue


def remove(key: str, paths: Iterable[str]) -> None:
    """Take files out of a task's workspace that `add` put there and nobody was told of."""
    for path in paths:
        (root(key) / path).unlink(missing_ok=True)


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
    if not isinstance(item, str) or _NO_PATH.match(item):
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
    if not os.path.exists(source):
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
