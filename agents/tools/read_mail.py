"""Reads the messages of a file of the workspace: a mailbox (mbox), a mail (.eml), or a note (one message)."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from agents.guard.files import read_bytes, read_text
from agents.prose import mailbox
from agents.tools import Closed, Reach


class Arguments(Closed):
    """Which file, by its name inside the workspace. With `lists`, mail that came through a mailing list or a
    shared inbox counts as written by a person."""

    path: str = Field(min_length=1, max_length=1_000)
    lists: bool = False


class Permission(Closed):
    """How much of a file is read."""

    most_bytes: int = Field(5_000_000, ge=1_000, le=50_000_000)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {messages, cut}."""
    return await asyncio.to_thread(_read, reach.workspace, arguments, reach.permission.most_bytes)


def _read(workspace: Path | None, arguments: Arguments, most: int) -> dict[str, Any]:
    path = arguments.path
    raw, cut = read_bytes(workspace, path, most)
    if mails := mailbox.mails(path, raw):
        found = [mailbox.of_mail(path, mail, lists=arguments.lists) for mail in mails]
    else:
        note = read_text(workspace, path, most)
        found = [replace(mailbox.of_note(path, note.text), doubt=note.doubt)]
    told = [asdict(one) | {"at": one.at.isoformat() if one.at else ""} for one in found]
    return {"messages": told, "cut": cut}
