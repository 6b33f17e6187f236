"""Reads a text file of the task's workspace (text, Markdown, reStructuredText, HTML; also packed as .gz)."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from pydantic import Field

from agents.guard.files import read_text
from agents.tools import Closed, Reach


class Arguments(Closed):
    """Which file, by its name inside the workspace."""

    path: str = Field(min_length=1, max_length=1_000)


class Permission(Closed):
    """How much of a file is read."""

    most_bytes: int = Field(2_000_000, ge=1_000, le=50_000_000)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {name, text, sha256, cut, doubt}; `doubt` says what of it could not be read for certain."""
    content = await asyncio.to_thread(read_text, reach.workspace, arguments.path, reach.permission.most_bytes)
    return asdict(content)
