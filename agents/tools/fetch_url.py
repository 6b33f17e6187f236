"""Reads a public web page or text file by its address, as text. Only GET, never into a private network."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from agents.guard import web
from agents.prose.blocks import title_of
from agents.prose.clean import clean, one_line
from agents.tools import Closed, Reach

KINDS = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/x-rst")


class Arguments(Closed):
    """Which address."""

    url: str = Field(min_length=8, max_length=2_000)


class Permission(Closed):
    """How much is read, and for how long."""

    most_bytes: int = Field(2_000_000, ge=1_000, le=20_000_000)
    seconds: float = Field(30, gt=0, le=120)


async def run(arguments: Arguments, reach: Reach) -> dict[str, Any]:
    """Give {url, title, text, sha256, cut}; HTML comes as its main text in Markdown."""
    permission = reach.permission
    answer = await web.get(arguments.url, KINDS, permission.most_bytes, permission.seconds, reach.environment)
    text = _decoded(answer)
    title = one_line(title_of(text, answer.url), 160)
    if "html" in answer.kind:
        text = await asyncio.to_thread(_main_text, text)
    return {"url": answer.url, "title": title, "text": text, "sha256": answer.sha256, "cut": answer.cut}


def _decoded(answer: web.Answer) -> str:
    try:
        return clean(answer.raw.decode(answer.charset, "replace"), 5_000_000)
    except LookupError:
        return clean(answer.raw.decode("utf-8", "replace"), 5_000_000)


def _main_text(html: str) -> str:
    """The article of a page without navigation; the page as it is where no article can be told apart."""
    import trafilatura  # loads lxml and takes half a second: only where a page is read

    found = trafilatura.extract(
        html, output_format="markdown", include_comments=False, include_images=False, include_links=False
    )
    return found if found and len(found) > 200 else html
