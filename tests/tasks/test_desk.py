"""What an agent may reach, and when it has reached for enough."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from agents.contract import Ask, Refused, Usage
from agents.definition import Limits
from agents.tools import Toolbox
from tasks.desk import MOST_NOTES, Desk, Exhausted


class Reply(BaseModel):
    text: str


class Scripted:
    """Answers, and says what it cost."""

    name, label, priced = "scripted", "Scripted", True

    def __init__(self, tokens: int = 10, cost: float = 0.01) -> None:
        self.tokens, self.cost, self.asked = tokens, cost, 0

    async def answer(self, ask: Ask, usage: Usage) -> BaseModel:
        self.asked += 1
        usage.tokens_out += self.tokens
        usage.cost_usd += self.cost
        return Reply(text="yes")


ASK = Ask(kind="free", instructions="Say yes.", material={}, returns=Reply)


def a_desk(model: Any = None, **limits: Any) -> Desk:
    return Desk(lambda: model or Scripted(), Toolbox({}), Limits(**limits))


async def test_asks_the_model_and_keeps_what_it_cost() -> None:
    desk = a_desk()

    reply = await desk.ask(ASK)

    assert reply.text == "yes"
    assert (desk.usage.tokens_out, desk.usage.cost_usd) == (10, 0.01)
    assert [note["text"] for note in desk.notes] == ["Asked scripted: free"]


@pytest.mark.parametrize("limits, calls", [({"steps": 3}, 3), ({"tokens": 25}, 3), ({"cost_usd": 0.02}, 2)])
async def test_stops_within_one_call_of_a_limit(limits: dict[str, Any], calls: int) -> None:
    model = Scripted()
    desk = a_desk(model, **limits)

    for _ in range(calls):
        await desk.ask(ASK)
    with pytest.raises(Exhausted, match="Raise the limit"):
        await desk.ask(ASK)

    assert model.asked == calls


async def test_no_limit_of_money_means_none() -> None:
    desk = a_desk(cost_usd=0, tokens=0, steps=5)

    for _ in range(5):
        await desk.ask(ASK)

    assert desk.usage.calls == 0 or desk.usage.tokens_out == 50


async def test_a_tool_that_is_not_granted_is_refused_and_counts_as_a_step() -> None:
    desk = a_desk(steps=1)

    with pytest.raises(Refused):
        await desk.use("fetch_url", url="https://example.org")
    with pytest.raises(Exhausted):
        await desk.use("fetch_url", url="https://example.org")


def test_the_notepad_has_an_end() -> None:
    desk = a_desk()

    for number in range(MOST_NOTES + 50):
        desk.note("x" * 2000, number=number)

    assert len(desk.notes) == MOST_NOTES
    assert max(len(note["text"]) for note in desk.notes) == 500


def test_the_model_is_made_only_when_it_is_needed() -> None:
    made: list[Scripted] = []

    def make() -> Scripted:
        made.append(Scripted())
        return made[-1]

    desk = Desk(make, Toolbox({}), Limits())
    assert made == []

    assert desk.model is desk.model
    assert len(made) == 1


async def test_refuses_a_model_without_a_price_if_only_dollars_are_limited() -> None:
    model = Scripted(cost=0.0)
    model.priced = False

    with pytest.raises(Exhausted, match="What scripted costs is not known"):
        await a_desk(model, cost_usd=1, tokens=0).ask(ASK)
    assert model.asked == 0

    await a_desk(model, cost_usd=1, tokens=500).ask(ASK)
    assert model.asked == 1
