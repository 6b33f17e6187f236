"""The built-in engine: needs no key and no network, and is no language model.

It chooses and arranges sentences of the sources (TextRank and maximal marginal relevance), so every
statement is in a source; what it cannot do by choosing, it says it cannot do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from agents.contract import Ask, Unusable, Usage
from agents.llm.extractive.draft import describe, draft
from agents.llm.extractive.enquiry import answer, classify, compose, gather
from agents.llm.extractive.many import found_disputes, gists, overview
from agents.llm.extractive.notes import notes
from agents.llm.extractive.revise import revise
from agents.llm.extractive.tell import free, judge, summarise
from agents.llm.jobs import Description

JOBS: Mapping[str, Callable[[Mapping[str, Any]], BaseModel]] = {
    "compile_research": notes,
    "write_draft": draft,
    "revise_draft": revise,
    "describe": lambda material: Description(text=describe(material)),
    "judge_tone": judge,
    "summarise": summarise,
    "free": free,
    "gist": gists,
    "overview": overview,
    "find_disputes": found_disputes,
    "classify": classify,
    "answer_question": answer,
    "gather_details": gather,
    "compose_reply": compose,
}


class BuiltIn:
    """The built-in engine as a Model."""

    name = "built-in"
    label = "Built-in engine, no language model"
    priced = True  # it costs nothing

    async def answer(self, ask: Ask, usage: Usage) -> BaseModel:
        """Do a job it knows; raises `Unusable` for any other. Costs nothing."""
        job = JOBS.get(ask.kind)
        if job is None:
            raise Unusable(
                f"The built-in engine does not know the job `{ask.kind}`. It knows: {', '.join(JOBS)}. "
                "Set CLAWBOT_MODELS to use a language model for it."
            )
        usage.calls += 1
        # Ranking takes up to seconds on long sources; the worker's loop must go on beating meanwhile.
        return await asyncio.to_thread(job, {**ask.material, "instructions": ask.instructions})
