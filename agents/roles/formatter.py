"""Makes pages of a draft: Markdown, HTML and PHP. Deterministic; no model has a say here.

Takes: *draft*, *research*. Gives: *page_md* (the draft's text, unchanged), *page_html*, *page_php*.
Whatever stands in a draft stays text: it cannot become a tag, a script or PHP code. Citations become
links to the list of sources. Tools: none. Asks a person when the draft cannot be made into a page.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agents import front_matter, page
from agents.contract import Brief, Desk, Made, Outcome, Refused
from agents.strict_yaml import Unreadable
from agents.tools import Closed

ACCEPTS = ("draft", "research")
RETURNS = ("page_md", "page_html", "page_php")
TOOLS = ()
WRITES = ("md", "html", "php")
DETERMINISTIC = True  # a person's edit is rendered anew before its approval is released


NAMES = {"md": "Markdown", "html": "HTML", "php": "PHP pages"}


class Settings(Closed):
    """How the pages look to the outside."""

    lang: str = Field("en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")
    site: str = Field("", max_length=80)  # stands behind the title of the window
    pages: tuple[Literal["md", "html", "php"], ...] = Field(("md", "html", "php"), min_length=1)


def writes(settings: Settings) -> tuple[str, ...]:
    """The pages that it is set to make."""
    return settings.pages


def work(brief: Brief, desk: Desk) -> Outcome:
    """Render all three, or say why the draft cannot be rendered."""
    settings = Settings.model_validate(brief.settings)
    draft = brief.artifact("draft")
    if draft is None:
        return Outcome(
            word="escalate",
            question="There is no draft to format. Should the writer run again?",
            why="Formatting needs a draft.",
        )
    try:
        fields, body = front_matter.read(draft.text, "the draft's front matter")
        look = page.Look(
            lang=settings.lang, site=settings.site, title=str(fields.get("title") or brief.title)
        )
        texts = {
            "md": draft.text,
            "html": page.html(body, fields, look),
            "php": page.php(body, fields, look),
        }
    except (Unreadable, Refused) as error:
        return Outcome(
            word="escalate",
            question="The draft cannot be made into a page. Correct it, or send it back?",
            why=str(error),
        )
    made = tuple(
        Made(kind=f"page_{suffix}", text=texts[suffix], suffix=suffix, data={"of": draft.sha256})
        for suffix in settings.pages
    )
    names = " and ".join(NAMES[suffix] for suffix in settings.pages).replace(" and ", ", ", len(made) - 2)
    return Outcome(made=made, summary=f"Made {names} of the draft.")
