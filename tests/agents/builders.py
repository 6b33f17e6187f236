"""Briefs, drafts and desks for the tests of the hands; a test overrides what it is about."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from agents import llm, registry
from agents.contract import Ask, Brief, Given, Outcome, Request, Unusable, Usage
from agents.tools import Toolbox
from tests.agents.line import Desk

SOURCES = [
    {
        "number": 1,
        "title": "Interview with Marta Lindqvist",
        "origin": "sources/interview.md",
        "text": (
            "## Background\n\nHallmere Foods makes chilled ready meals in three plants and employs "
            "1,150 people. "
            "The purchasing team of Hallmere has nine members and deals with about 640 suppliers.\n\n"
            "## Costs\n\nHallmere spent 38,000 euros on the project in its first eight months. "
            'Marta Lindqvist, head of purchasing, said: "The agent collects, and a person decides '
            'every time."\n\n'
            "## Advice\n\nEvery team should clean its supplier list before it buys any software."
        ),
    },
    {
        "number": 2,
        "title": "The small-order study",
        "origin": "https://procure.example/study",
        "text": (
            "## Results\n\nAgentic procurement cut purchasing costs by 7.4 percent on average across "
            "212 orders. "
            "The paint maker saved 11.8 percent, while the lift maker saved 1.9 percent.\n\n"
            "## Risks\n\nAgents made nine errors in 212 orders, and seven of those errors went back "
            "to wrong data."
        ),
    },
]

DRAFT = """---
title: How agentic procurement works
description: Agentic procurement cut purchasing costs by 7.4 percent on average across 212 orders.
keyword: agentic procurement
---

## In short

- Agentic procurement cut purchasing costs by 7.4 percent on average across 212 orders [2].

## Background

Hallmere Foods makes chilled ready meals in three plants and employs 1,150 people [1]. The purchasing team of Hallmere has nine members and deals with about 640 suppliers [1].

Marta Lindqvist, head of purchasing, said: "The agent collects, and a person decides every time." [1]

## What to do next

1. Every team should clean its supplier list before it buys any software [1].

## Sources

1. Interview with Marta Lindqvist
2. [The small-order study](https://procure.example/study)
"""  # noqa: E501


def a_research(sources: list[dict[str, Any]] | None = None, **data: Any) -> Given:
    return Given(kind="research", number=1, data={"sources": sources or SOURCES, **data})


def a_draft(text: str = DRAFT, **data: Any) -> Given:
    return Given(kind="draft", number=1, text=text, data=data, sha256="d" * 64, made_by="agent:writer")


def a_brief(role: str, *artifacts: Given, **given: Any) -> Brief:
    values: dict[str, Any] = {
        "task": "ART-142", "title": "How agentic procurement "
                                    "works", "stage": role, "agent": role, "role": role,
        "artifacts": artifacts, "input": {"words": {"min": 20, "max": 400}},
        "authority": {"correct": "minor", "send_back": True, "approve": False},
    }  # fmt: skip
    return Brief(**values | given)


def asked(*requests: tuple[str, str], by: str = "user:ana") -> tuple[Request, ...]:
    """Requests from (text, quote) pairs, numbered from 1."""
    return tuple(
        Request(number=number, text=text, quote=quote, by=by)
        for number, (text, quote) in enumerate(requests, 1)
    )


class Scripted:
    """A model that gives prepared replies by kind of job, as a language model's JSON would be read."""

    name = "scripted"
    label = "Scripted replies for a test"
    priced = True

    def __init__(self, replies: Mapping[str, dict[str, Any]]) -> None:
        self.replies = replies
        self.asks: list[Ask] = []

    async def answer(self, ask: Ask, usage: Usage) -> BaseModel:
        self.asks.append(ask)
        if ask.kind not in self.replies:
            raise Unusable(f"no reply is prepared for {ask.kind}")
        return ask.returns.model_validate(self.replies[ask.kind])


def work(brief: Brief, model: Any = None, toolbox: Toolbox | None = None) -> Outcome:
    """Let the role of a brief work on it."""
    desk = Desk(model or llm.model("built-in"), toolbox or Toolbox({}))
    result = registry.role(brief.role).work(brief, desk)
    return asyncio.run(result) if inspect.iscoroutine(result) else result  # type: ignore[return-value]
