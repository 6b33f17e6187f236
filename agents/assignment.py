"""What an article task brings, as the roles of the article line read it from `brief.input`.

People write this by hand and messages carry it, so it is read with patience: a list may come as lines,
numbers as text. What is of no use to the line is ignored here and checked by the workflow's schema.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from agents.contract import Brief, Refused
from agents.prose.clean import clean, one_line
from agents.strict_yaml import Document, Unreadable, check, load


def _lines(value: Any) -> Any:
    """A list written as lines of text, each perhaps with a dash."""
    if value is None:
        return []
    if isinstance(value, str):
        return [line.strip().removeprefix("- ") for line in value.splitlines() if line.strip()]
    return value


_FEED = re.compile(r"feed:(?://)?(https?://)?", re.I)
Line = Annotated[str, AfterValidator(lambda text: one_line(text, 500))]
Lines = Annotated[list[Line], BeforeValidator(_lines)]


class Words(BaseModel):
    """How long the article may be."""

    min: int = Field(0, ge=0, le=100_000)
    max: int = Field(100_000, ge=1, le=100_000)


class SiteArticle(BaseModel):
    """An article that is published already and may be linked to."""

    model_config = ConfigDict(extra="forbid")

    title: Line
    path: Annotated[str, Field(pattern=r"^(?:/[^/\s][^\s]*|https?://[^\s]+)$", max_length=500)]
    keywords: Lines = Field(default_factory=list)


class Source(BaseModel):
    """One source as the task names it: exactly one of path, url, feed and text."""

    model_config = ConfigDict(extra="ignore")

    path: str = ""
    url: str = ""
    feed: str = ""
    text: str = ""
    title: Line = ""
    stream: Line = ""  # where several research agents share the sources: whose it is

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip()
        if "\n" in text or len(text) > 1_000:
            return {"text": text}
        if match := _FEED.match(text):  # feed:https://host/x, feed://host/x and feed:host/x are all in use
            return {"feed": f"{match[1] or 'http://'}{text[match.end() :]}"}
        return {"url": text} if "://" in text else {"path": text}

    @model_validator(mode="after")
    def _one(self) -> Source:
        if sum(bool(value) for value in (self.path, self.url, self.feed, self.text)) != 1:
            raise ValueError("a source has exactly one of path, url, feed and text")
        return self


class Assignment(BaseModel):
    """The input of an article task."""

    model_config = ConfigDict(extra="ignore")

    title: Line = ""
    brief: Annotated[str, AfterValidator(lambda text: clean(text, 20_000))] = ""
    sources: Annotated[
        list[Source], BeforeValidator(lambda v: _lines(v) if isinstance(v, str) else v or [])
    ] = Field(default_factory=list, max_length=200)
    keyword: Line = ""
    audience: Line = ""
    must_mention: Lines = Field(default_factory=list, max_length=30)
    sections: Lines = Field(default_factory=list, max_length=20)
    words: Words | None = None
    site_articles: list[SiteArticle] = Field(default_factory=list, max_length=500)


def read(brief: Brief) -> Assignment:
    """The brief's input as an Assignment, its title from the task. Raises `Refused` with what is wrong."""
    given = {"title": brief.title} | {
        key: value for key, value in brief.input.items() if value not in (None, "")
    }
    try:
        return Assignment.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise Refused(
            f"The task's input cannot be read: {wrong}. Correct the input and run this stage again."
        ) from None


def profile(brief: Brief, audience: str) -> str:
    """The profile of the audience that the task names, as the workflow lends it; empty where unknown."""
    return brief.materials.get("audience", {}).get(audience, "")


def examples(brief: Brief) -> list[str]:
    """Past articles that show form and tone."""
    return list(brief.materials.get("examples", {}).values())[:3]


def site_articles(brief: Brief, assignment: Assignment) -> list[SiteArticle]:
    """The articles that may be linked to: the task's own list, else the one the workflow lends."""
    if assignment.site_articles:
        return assignment.site_articles
    found: list[SiteArticle] = []
    for name, text in brief.materials.get("site_articles", {}).items():
        try:
            found += _listed(load(text, f"{name}.yaml"))
        except Unreadable as error:
            raise Refused(f"The list of existing articles cannot be read: {error}") from None
    return found


def _listed(document: Document) -> list[SiteArticle]:
    """The articles of one list. Raises `Unreadable` with the line of each that is none."""
    if document.value == {}:
        return []
    if not isinstance(document.value, list):
        raise Unreadable([document.problem("a list is needed: `- {title: ..., path: /...}`.")])
    return [check(document.part(one, place), SiteArticle) for place, one in enumerate(document.value)]
