"""Reads a public web page, text file or feed by its address. Only GET, never into a private network."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from agents.contract import Refused
from agents.guard import web
from agents.guard.files import as_text
from agents.prose import blocks, feed
from agents.prose.clean import one_line
from agents.tools import Closed, Reach
from agents.tools.read_feed import entries

KINDS = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/x-rst", *feed.KINDS)


class Arguments(Closed):
    """Which address."""

    url: str = Field(min_length=8, max_length=2_000)


class Permission(Closed):
    """How much is read, and for how long."""

    most_bytes: int = Field(2_000_000, ge=1_000, le=20_000_000)
    most_entries: int = Field(10, ge=1, le=100)  # of a feed
    seconds: float = Field(30, gt=0, le=120)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {url, title, text, sha256, cut, doubt, why}: the main text as headings and paragraphs, what of it
    could not be read for certain, and why there is little of it. A feed gives {url, entries} as read_feed."""
    permission = reach.permission
    answer = await web.get(arguments.url, KINDS, permission.most_bytes, permission.seconds, reach.environment)
    return await asyncio.to_thread(_read, answer, permission)


def _read(answer: web.Answer, permission: Permission) -> dict[str, Any]:
    text, doubt = as_text(answer.raw, answer.url, answer.charset, cut=answer.cut)
    if feed.is_feed(text):
        return entries(answer, permission.most_entries)
    if answer.kind in feed.KINDS and "html" not in text[:500].lower():
        raise Refused(f"{answer.url[:200]} holds {answer.kind}, and it is no feed: there is nothing to read.")
    kind = "" if answer.kind == "text/plain" and blocks.is_html(text) else answer.kind
    page = blocks.read(text, answer.url, kind)
    if not page.text:
        raise Refused(f"{answer.url[:200]} gives nothing to read: {page.why or 'it holds no text'}.")
    return {
        "url": answer.url, "title": one_line(page.title, 160), "text": page.text, "sha256": answer.sha256,
        "cut": answer.cut, "doubt": doubt, "why": page.why,
    }  # fmt: skip
