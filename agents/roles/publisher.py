"""Releases what was approved: hands the formatted pages on as published ones, unchanged byte for byte.

Takes: *page_php*, *page_html*, *page_md*. Gives: *published_php*, *published_html*, *published_md*, each of
which is written to the stage's output path. Tools: none. Asks a person when there is no page to publish.
"""

from __future__ import annotations

from agents.contract import Brief, Desk, Made, Outcome
from agents.tools import Closed

ACCEPTS = ("page_php", "page_html", "page_md")
RETURNS = ("published_php", "published_html", "published_md")
TOOLS = ()
WRITES = ("php", "html", "md")


class Settings(Closed):
    """The publisher has nothing to set: it must not change what was approved."""


def work(brief: Brief, desk: Desk) -> Outcome:
    """Hand every page on under its published name."""
    Settings.model_validate(brief.settings)
    pages = [page for page in brief.artifacts if page.kind in ACCEPTS]
    if not pages:
        return Outcome(
            word="escalate",
            question="There is no page to publish. Should the formatter run again?",
            why="Publishing hands on formatted pages.",
        )
    made = tuple(
        Made(
            kind=page.kind.replace("page_", "published_"), text=page.text,
            data={"of": page.sha256}, suffix=page.kind.removeprefix("page_"),
        )
        for page in pages
    )  # fmt: skip
    names = ", ".join(sorted(page.kind.removeprefix("page_") for page in pages))
    return Outcome(made=made, summary=f"Published {len(pages)} files ({names}).")
