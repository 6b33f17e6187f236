"""The files of a stage: where they lie, and how they get there without ever being half written.

A path comes from the workflow's own pattern, never from an agent's text. `place` writes and syncs a
hidden file beside the target before the transaction; `lifecycle.finish` renames it inside.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from django.conf import settings

from agents.contract import Made, Refused

from .models import Artifact, Task
from .results import Placed
from .workflow.shape import endings

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
ROOTS = ("staging", "published")


def paths(task: Task, pattern: str, item: str = "") -> dict[str, str]:
    """The stage's files by suffix, relative to CLAWBOT_DATA: {"md": "staging/articles/2026-11-21-x.md"}.

    Where another task already holds one of these names, this task's key is appended to all of them.
    """
    slug = task.slug
    found = _fill(task, pattern, slug, item)
    if Artifact.objects.filter(path__in=found.values()).exclude(task=task).exists():
        found = _fill(task, pattern, f"{slug}-{task.key.lower()}", item)
    return found


def _fill(task: Task, pattern: str, slug: str, item: str) -> dict[str, str]:
    day = task.created_at.astimezone(ZoneInfo(settings.SITE_ZONE)).date().isoformat()
    stem, suffixes = endings(pattern)
    for name, value in (("date", day), ("slug", slug), ("key", task.key.lower()), ("item", item)):
        if "{" + name + "}" in stem:
            stem = stem.replace("{" + name + "}", _named(value))
    return {suffix: _checked(stem + suffix) for suffix in suffixes}


def _named(value: str) -> str:
    """One word of a file name: it must not make a folder of its own."""
    if not _NAME.fullmatch(value):
        raise Refused(
            f"Cannot name a file after {value!r}: only letters, digits, - _ and dots may stand in it."
        )
    return value


def _checked(path: str) -> str:
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] not in ROOTS or not all(_NAME.fullmatch(part) for part in parts):
        raise Refused(
            f"Cannot write {path!r}: a file lies below staging/ or published/ and its name is made of "
            "letters, digits, - _ and dots. Mend the stage's `output` in the workflow."
        )
    return path


def place(made: Iterable[Made], targets: dict[str, str]) -> list[Placed]:
    """Write every made thing that has a suffix beside its target, synced to disk. Raises Refused where
    the stage has no file of that suffix, or where a link stands in the way."""
    placed: list[Placed] = []
    try:
        for one in made:
            if one.suffix:
                placed.append(_place(one, targets))
    except BaseException:
        for done in placed:
            done.waiting.unlink(missing_ok=True)
        raise
    return placed


def _place(made: Made, targets: dict[str, str]) -> Placed:
    path = targets.get(made.suffix)
    if path is None:
        known = ", ".join(sorted(targets)) or "no files"
        raise Refused(
            f"Cannot write a .{made.suffix} file: the stage's `output` in the workflow names {known}."
        )
    target = Path(settings.DATA) / path
    folder = _folder(target.parent)
    try:
        waiting = f".{target.name}.{secrets.token_hex(6)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(waiting, flags, 0o600, dir_fd=folder), "wb") as file:
            # Who may read the folder may read what is put into it: a web server may serve published files.
            os.fchmod(file.fileno(), os.fstat(folder).st_mode & 0o666)
            file.write(made.text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.fsync(folder)
    finally:
        os.close(folder)
    return Placed(made=made, waiting=target.parent / waiting, target=target, path=path)


def _folder(folder: Path) -> int:
    """Open (and make) the target's folder step by step from CLAWBOT_DATA, following no link below it."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    here = os.open(settings.DATA, os.O_RDONLY | os.O_DIRECTORY)
    for depth, name in enumerate(folder.relative_to(settings.DATA).parts):
        try:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=here)
                if depth:  # below staging/ and published/ a new folder is as open as the one it lies in
                    os.chmod(name, stat.S_IMODE(os.fstat(here).st_mode), dir_fd=here)
            below = os.open(name, flags, dir_fd=here)
        except OSError as error:
            raise Refused(
                f"Cannot write into {folder}: {name!r} is not a plain folder ({error.strerror}). "
                "Links are not followed there; put a real folder in its place."
            ) from None
        finally:
            os.close(here)
        here = below
    return here
