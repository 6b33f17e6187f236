"""Reads an RSS or Atom feed by its address: the newest entries with title, address, date and text."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from agents.contract import Refused
from agents.guard import web
from agents.prose import feed
from agents.tools import Closed, Reach


class Arguments(Closed):
    """Which feed."""

    url: str = Field(min_length=8, max_length=2_000)


class Permission(Closed):
    """How much is read, and for how long."""

    most_bytes: int = Field(2_000_000, ge=1_000, le=20_000_000)
    most_entries: int = Field(10, ge=1, le=100)
    seconds: float = Field(30, gt=0, le=120)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {url, entries: [{title, url, published, text, sha256, doubt}]}, in the feed's order; whatever
    kind of content the server says it is."""
    may = reach.permission
    answer = await web.get(arguments.url, web.ANY, may.most_bytes, may.seconds, reach.environment)
    return await asyncio.to_thread(entries, answer, may.most_entries)


def entries(answer: web.Answer, most: int) -> dict[str, Any]:
    """What a feed that was fetched holds. Raises `Refused` for one that was cut off or cannot be read."""
    if answer.cut:
        size = f"{len(answer.raw):,} bytes"
        raise Refused(f"The feed {answer.url[:200]} is larger than {size}. Name the entries you need.")
    return {"url": answer.url, "entries": feed.read(answer.raw, answer.url, answer.charset, most)}
