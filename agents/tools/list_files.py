"""Lists the files of the task's workspace: name, size, kind, and for those that cannot be read the reason."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from agents.contract import Refused
from agents.guard.files import read_text
from agents.tools import Closed, Reach

HEAD = 8_192  # bytes that tell a text from a picture
MAIL = (".eml", ".mbox")
KINDS = {
    ".md": "Markdown", ".markdown": "Markdown", ".rst": "reStructuredText", ".html": "HTML", ".htm": "HTML",
    ".xhtml": "HTML", ".csv": "table", ".tsv": "table", ".json": "data", ".xml": "data", ".yaml": "data",
    ".yml": "data", **dict.fromkeys(MAIL, "mail"),
}  # fmt: skip


class Arguments(Closed):
    """Below which folder of the workspace; all of it where none is named."""

    folder: str = Field("", max_length=1_000)


class Permission(Closed):
    """How many files are listed; more are refused, because a part of a list looks like the whole."""

    most_files: int = Field(20_000, ge=1, le=100_000)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {files: [{path, bytes, kind, why}]}, sorted by path; `why` says why a file cannot be read."""
    if reach.workspace is None:
        raise Refused("Cannot list files: this task has no workspace. Give it files to read.")
    return {
        "files": await asyncio.to_thread(
            _listed, reach.workspace, arguments.folder, reach.permission.most_files
        )
    }


def _listed(workspace: Path, folder: str, most: int) -> list[dict[str, Any]]:
    names = []
    for name in _names(workspace):
        if not folder or name.startswith(f"{folder.strip('/')}/"):
            names.append(name)
        if len(names) > most:
            raise Refused(
                f"The workspace holds more than {most:,} files. Give the task fewer, or raise `most_files`."
            )
    return [_told(workspace, name) for name in sorted(names)]


def _names(workspace: Path) -> Iterator[str]:
    for folder, below, files in os.walk(workspace, followlinks=False):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in files:
            yield str((Path(folder) / name).relative_to(workspace))


def _told(workspace: Path, name: str) -> dict[str, Any]:
    """One entry of the list. A file is opened once here, so that the list knows what will be unreadable."""
    known = {"path": name, "bytes": 0, "kind": KINDS.get(Path(name).suffix.lower(), "text"), "why": ""}
    try:
        known["bytes"] = (workspace / name).lstat().st_size
        head = read_text(workspace, name, HEAD)
    except (Refused, OSError) as error:
        return known | {"kind": "unreadable", "why": str(error)}
    if not head.text.strip():
        return known | {"kind": "unreadable", "why": "The file is empty."}
    return known
