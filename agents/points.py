"""What a specialist found that may be said to a customer: points with their citations, and questions to ask.

Every specialist hands its points over in the `data` of its artifact, whatever it is called, so that one
composer serves them all; what no point says, no reply may say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from agents.contract import Given
from agents.prose.clean import one_line


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Citation(_Said):
    """Where a point stands: the document, its heading, and its words there."""

    document: str
    title: str = ""
    heading: str = ""
    quote: str = ""

    @property
    def place(self) -> str:
        """The citation as a reader looks it up: "Refunds and cancellation, How long it takes"."""
        title = self.title or self.document
        return title if self.heading in ("", title) else f"{title}, {self.heading}"


class Point(_Said):
    """One thing that may be said. `step` marks an instruction of a list."""

    text: Annotated[str, AfterValidator(lambda text: one_line(text, 600))] = Field(min_length=1)
    cite: Citation | None = None
    step: bool = False


class Points(_Said):
    """All that one specialist hands over."""

    stage: str = ""  # which stage found them: in a later round another one may have taken its place
    points: tuple[Point, ...] = ()
    asks: tuple[str, ...] = ()  # what the customer must still tell us
    doubts: tuple[str, ...] = ()  # why a person should look before the reply goes out

    def __bool__(self) -> bool:
        return bool(self.points or self.asks or self.doubts)


def read(artifacts: Iterable[Given]) -> list[Points]:
    """The points of these artifacts, in their order; artifacts without any are left aside."""
    found = []
    for given in artifacts:
        try:
            one = Points.model_validate(given.data)
        except ValidationError:
            continue  # another kind of artifact may well have a key of this name
        if one:
            found.append(one)
    return found


def message(given: Mapping[str, Any], text: str, why: str, number: int) -> dict[str, Any]:
    """The customer's message as a numbered source, with why a person is asked: for who reads the reply."""
    sender = one_line(str(given.get("from") or "an unknown sender"), 200)
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text[:20_000])]
    told = [f"## Why you may be asked\n\n{one_line(why, 900)}"] if why else []
    if doubt := one_line(str(given.get("doubt") or ""), 300):
        told.append(f"## What may be read wrong\n\n{doubt}")
    told.append("## The message\n\n" + ("\n\n".join(part for part in paragraphs if part) or "It is empty."))
    return {
        "number": number,
        "title": f"The message of {sender}",
        "origin": "mail",
        "text": "\n\n".join(told),
    }


def markdown(title: str, found: Points, more: Mapping[str, Any] | None = None) -> str:
    """The points as a person reads them on the task's page, each with its source."""
    lines = [f"# {title}", ""]
    lines += [f"- {name}: {value}" for name, value in (more or {}).items() if value not in ("", None)]
    for point in found.points:
        lines += ["", point.text]
        if point.cite:
            lines += ["", f"> {point.cite.quote}", "", f"Source: {point.cite.place} ({point.cite.document})"]
    if found.asks:
        lines += ["", "## To ask the customer", "", *(f"- {ask}" for ask in found.asks)]
    if found.doubts:
        lines += ["", "## For a person", "", *(f"- {doubt}" for doubt in found.doubts)]
    return "\n".join(lines) + "\n"
