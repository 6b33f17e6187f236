"""An agent made of instructions alone: reads the accepted artifacts and answers with one text.

Takes: any artifacts with text. Gives: one artifact of the first kind that its definition returns.
Tools: none. Asks a person when it was given nothing to read. Without a language model the built-in engine
picks out the sentences that fit the instructions best.
"""

from __future__ import annotations

from pydantic import Field

from agents.contract import Ask, Brief, Desk, Made, Outcome
from agents.llm.jobs import Text, material
from agents.tools import Closed

ACCEPTS = ("*",)
RETURNS = ("*",)
TOOLS = ()


class Settings(Closed):
    """How much of each artifact the model reads, in characters."""

    most_characters: int = Field(40_000, ge=100, le=400_000)


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Ask the model once; its text becomes the artifact."""
    settings = Settings.model_validate(brief.settings)
    texts = [given.text[: settings.most_characters] for given in brief.artifacts if given.text.strip()]
    if not texts and (said := str(brief.input.get("brief") or brief.input.get("text") or "")):
        texts = [said[: settings.most_characters]]
    if not texts:
        return Outcome(
            word="escalate",
            question="The agent was given nothing to read. What should it work on?",
            why="No accepted artifact has text.",
        )
    reply: Text = await desk.ask(
        Ask(
            kind="free",
            instructions=brief.instructions,
            material=material(
                title=brief.title, instructions=brief.instructions, voice=brief.voice, texts=texts,
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
