"""Rehearses a stage: takes its time, says how far it is, and makes one short artifact or none.

Takes: anything. Gives: one artifact of each kind that its definition returns. Tools: none. It never asks
a person. It measures the engine, and lets a new workflow be tried before its agents are written.
"""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict, Field

from agents.contract import Brief, Desk, Made, Outcome

ACCEPTS: tuple[str, ...] = ("*",)
RETURNS: tuple[str, ...] = ("*",)
TOOLS: tuple[str, ...] = ()
READS: tuple[str, ...] = ("*",)
FIELDS: tuple[str, ...] = ("*",)


class Settings(BaseModel):
    """How long the rehearsal takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(0, ge=0, le=3600)


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Wait, then hand back one line per kind."""
    seconds = Settings.model_validate(brief.settings).seconds
    if seconds:
        desk.note(f"Rehearsing for {seconds:g} s")
        await asyncio.sleep(seconds)
    made = tuple(Made(kind=kind, text=f"{kind} for {brief.title}, rehearsed.") for kind in brief.returns)
    return Outcome(made=made, summary="Rehearsed.")
