"""Reads an RSS or Atom feed by its address: the newest entries with title, address, date and text."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import defusedxml.ElementTree
from defusedxml import DefusedXmlException
from pydantic import Field

from agents.contract import Refused
from agents.guard import web
from agents.prose.blocks import html_text
from agents.prose.clean import clean, one_line
from agents.tools import Closed, Reach

KINDS = ("application/rss+xml", "application/atom+xml", "application/xml", "text/xml")
_ATOM = "{http://www.w3.org/2005/Atom}"
_FULL = "{http://purl.org/rss/1.0/modules/content/}encoded"


class Arguments(Closed):
    """Which feed."""

    url: str = Field(min_length=8, max_length=2_000)


class Permission(Closed):
    """How much is read, and for how long."""

    most_bytes: int = Field(2_000_000, ge=1_000, le=20_000_000)
    most_entries: int = Field(10, ge=1, le=100)
    seconds: float = Field(30, gt=0, le=120)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {url, entries: [{title, url, published, text, sha256}]}, in the feed's order."""
    permission = reach.permission
    answer = await web.get(arguments.url, KINDS, permission.most_bytes, permission.seconds, reach.environment)
    if answer.cut:
        raise Refused(
            f"The feed {arguments.url[:200]} is larger than {permission.most_bytes:,} bytes. Name "
            "the entries you need."
        )
    entries = await asyncio.to_thread(_entries, answer.raw, arguments.url)
    return {"url": answer.url, "entries": entries[: permission.most_entries]}


def _entries(raw: bytes, url: str) -> list[dict[str, str]]:
    try:
        # Entities and DTDs are refused: they read files and blow up memory.
        root = defusedxml.ElementTree.fromstring(raw, forbid_dtd=True)
    except (DefusedXmlException, SyntaxError, ValueError) as error:
        raise Refused(f"{url[:200]} is no feed that can be read safely ({type(error).__name__}).") from None
    items = [*root.iter("item")] or [*root.iter(f"{_ATOM}entry")]
    return [_entry(item) for item in items]


def _entry(item: Any) -> dict[str, str]:
    body = _text(item, _FULL, f"{_ATOM}content", "description", f"{_ATOM}summary")
    text = clean(html_text(body) if "<" in body else body, 200_000)
    link = _text(item, "link") or next(
        (e.get("href", "") for e in item.iter(f"{_ATOM}link") if e.get("rel", "alternate") == "alternate"), ""
    )
    return {
        "title": one_line(_text(item, "title", f"{_ATOM}title"), 160),
        "url": one_line(link, 500) if link.startswith(("http://", "https://")) else "",
        "published": one_line(_text(item, "pubDate", f"{_ATOM}published", f"{_ATOM}updated"), 60),
        "text": text,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def _text(item: Any, *tags: str) -> str:
    for tag in tags:
        found = item.find(tag)
        if found is not None and (text := "".join(found.itertext()).strip()):
            return text
    return ""
