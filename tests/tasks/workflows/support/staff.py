"""The staff of support, each by itself on one message: real roles, the shipped settings and documents."""

from __future__ import annotations

from functools import cache
from typing import Any

from agents import definition
from agents.contract import Brief, Given, Outcome
from agents.definition import Definition
from tests.agents.builders import work
from tests.agents.line import WORKFLOW

FOLDER = WORKFLOW.parent / "support"


@cache
def staff() -> dict[str, Definition]:
    """The agents of the workflow's folder, by name."""
    return definition.read_all(FOLDER / "agents")


@cache
def documents() -> dict[str, str]:
    """The knowledge base."""
    return {path.stem: path.read_text("utf-8") for path in (FOLDER / "documents").glob("*.md")}


def a_brief(agent: str, text: str = "", **more: Any) -> Brief:
    """What an agent of support is given for a message."""
    one = staff()[f"support-{agent}"]
    given = {"title": "A message", "subject": more.pop("subject", ""), "text": text}
    given |= {"from": more.pop("sender", "sam@orchard.example"), "name": more.pop("name", "Sam Orchard")}
    values: dict[str, Any] = {
        "task": "SUP-1", "title": "A message", "stage": more.pop("stage", agent), "agent": one.name,
        "role": one.role, "instructions": one.instructions, "voice": one.voice_text(), "input": given,
        "materials": {"documents": documents()}, "settings": one.settings, "returns": one.returns,
    }  # fmt: skip
    return Brief(**values | more)


def ask(agent: str, text: str = "", model: Any = None, **more: Any) -> Outcome:
    """Let an agent of support work on a message."""
    return work(a_brief(agent, text, **more), model)


def given(outcome: Outcome) -> tuple[Given, ...]:
    """What an outcome made, as the next stage is given it."""
    return tuple(Given(kind=made.kind, number=1, text=made.text, data=made.data) for made in outcome.made)


def text_of(outcome: Outcome, kind: str) -> str:
    return next(made.text for made in outcome.made if made.kind == kind)
