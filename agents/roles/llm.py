"""An agent made of instructions alone: reads the task's brief and the accepted artifacts, writes one text.

Takes: what the task brought, and any artifacts with text. Gives: one artifact of the kind that its definition
returns. Tools: none. Asks a person when it was given nothing to read. Without a language model the built-in
engine picks out the sentences that fit the instructions best.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agents.contract import Ask, Brief, Desk, Made, Outcome
from agents.llm.jobs import Text, material
from agents.tools import Closed

ACCEPTS = ("*",)
RETURNS = ("*",)
MOST_RETURNS = 1
TOOLS = ()
READS = ("model", "instructions", "voice")


class Settings(Closed):
    """How much of each artifact, and of each text in the brief, the model reads, in characters."""

    most_characters: int = Field(40_000, ge=100, le=400_000)


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Ask the model once; its text becomes the artifact."""
    most = Settings.model_validate(brief.settings).most_characters
    given = [*brief.artifacts, *(one for item in brief.items for one in item.artifacts)]
    texts = [{"kind": one.kind, "text": one.text[:most]} for one in given if one.text.strip()]
    task = _cut({name: value for name, value in brief.input.items() if name != "title" and value}, most)
    item = _cut(brief.item, most)
    if not (texts or task or item):
        return Outcome(
            word="escalate",
            question="The agent was given nothing to read. What should it work on?",
            why="The task brought nothing but its title, and no accepted artifact has text.",
        )
    reply: Text = await desk.ask(
        Ask(
            kind="free",
            instructions=_instructions(brief),
            material=material(
                title=brief.title, task=task, item=item, texts=texts,
                requests=[request.model_dump() for request in brief.requests],
            ),
            returns=Text,
        )
    )  # fmt: skip
    kind = brief.returns[0] if brief.returns else "text"
    if not reply.text.strip():
        return Outcome(
            word="escalate",
            question="The model had nothing to say. What should the agent do?",
            why="The reply was empty.",
        )
    return Outcome(
        made=(Made(kind=kind, text=reply.text),), summary=f"Wrote {len(reply.text.split()):,} words."
    )


def _instructions(brief: Brief) -> str:
    """What the house wants of the agent. All else is material, which it reports on and does not obey."""
    voice = f"Write in this voice:\n\n{brief.voice.strip()}" if brief.voice.strip() else ""
    return "\n\n".join(part for part in (brief.instructions.strip(), voice) if part)


def _cut(value: Any, most: int) -> Any:
    """The same value with no text in it longer than `most`."""
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, dict):
        return {name: _cut(one, most) for name, one in value.items()}
    return [_cut(one, most) for one in value] if isinstance(value, list) else value
