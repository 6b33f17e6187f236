"""Searches the files of the task's workspace for words; gives the passages that fit best, with their file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic import Field

from agents.contract import Refused
from agents.guard.files import read_text
from agents.prose import words
from agents.prose.blocks import blocks, tidy
from agents.tools import Closed, Reach

MOST_FILES = 200


class Arguments(Closed):
    """What to look for, in a few words."""

    words: str = Field(min_length=2, max_length=300)


class Permission(Closed):
    """How much is searched, and how much comes back."""

    most_bytes: int = Field(500_000, ge=1_000, le=10_000_000)  # of each file
    most_passages: int = Field(8, ge=1, le=50)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {passages: [{name, text}]}, best first."""
    if reach.workspace is None:
        raise Refused("Cannot search: this task has no workspace. Give it files to read.")
    found = await asyncio.to_thread(_search, arguments.words, reach.workspace, reach.permission)
    return {"passages": found}


def _search(question: str, workspace: Path, permission: Permission) -> list[dict[str, str]]:
    passages = [(name, text) for name in _names(workspace) for text in _passages(workspace, name, permission)]
    idf = words.rarity([text for _, text in passages])
    wanted = words.vector(question, idf)
    scored = [(words.alike(wanted, words.vector(text, idf)), name, text) for name, text in passages]
    best = sorted((one for one in scored if one[0] > 0), key=lambda one: -one[0])[: permission.most_passages]
    return [{"name": name, "text": text} for _, name, text in best]


def _names(workspace: Path) -> list[str]:
    return sorted(str(path.relative_to(workspace)) for path in workspace.rglob("*") if path.is_file())[
        :MOST_FILES
    ]


def _passages(workspace: Path, name: str, permission: Permission) -> list[str]:
    try:
        text = read_text(workspace, name, permission.most_bytes).text
    except Refused:
        return []  # a picture among the files is no reason to find nothing
    return [block.text for block in blocks(tidy(text, name))]
