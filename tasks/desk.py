"""Lays the desk of a run: its model, its permitted tools, its notepad, and the limits it may not pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from agents.contract import Ask, Model, Refused, Usage
from agents.definition import Limits
from agents.tools import Toolbox

from . import clock

LONGEST_NOTE = 500
MOST_NOTES = 500
MOST_CROSSINGS = 100


@dataclass(frozen=True)
class Crossing:
    """An envelope that crossed the border during a run: `out` to, or `in` from, an address."""

    direction: str
    envelope: dict[str, Any]
    address: str
    status: str
    at: datetime


class Exhausted(Exception):
    """The run cannot go on with what its agent has: a limit is used up, or its model is gone. A person
    decides how to go on."""


class Desk:
    """Everything an agent may reach while it works (`agents.contract.Desk`)."""

    def __init__(self, model: Callable[[], Model], toolbox: Toolbox, limits: Limits) -> None:
        self._model = model
        self._toolbox = toolbox
        self._limits = limits
        self._steps = 0
        self.usage = Usage()
        self.notes: list[dict[str, Any]] = []
        self.unread = 0  # notes that are not in the database yet
        self.crossings: list[Crossing] = []

    @cached_property
    def model(self) -> Model:
        """The agent's model; made at the first need, because providers are slow to load. Raises Exhausted if
        there is none of its name any more: another try would find none either."""
        try:
            return self._model()
        except Refused as refused:
            raise Exhausted(str(refused)) from None

    @property
    def workspace(self) -> Path | None:
        """Where the task's own files lie."""
        return self._toolbox.workspace

    async def ask(self, ask: Ask) -> Any:
        """Ask the model. Raises Exhausted where a limit is used up, and what the model raises."""
        model = self.model
        self._price(model)
        self._step(f"a model call ({ask.kind})")
        try:
            return await model.answer(ask, self.usage)
        finally:
            self.note(f"Asked {model.name}: {ask.kind}", tokens=self.usage.tokens_in + self.usage.tokens_out)

    async def use(self, tool: str, /, **arguments: Any) -> Any:
        """Use a permitted tool. Raises Refused where it is not permitted, Exhausted past the limits."""
        self._step(f"the tool {tool}")
        self.note(f"Used {tool}", **{name: str(value)[:200] for name, value in arguments.items()})
        return await self._toolbox.use(tool, **arguments)

    def note(self, text: str, **data: Any) -> None:
        """Write one line on the notepad; the drain stores it within about a second."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append({"at": clock.now().isoformat(), "text": str(text)[:LONGEST_NOTE], "data": data})
            self.unread += 1

    def crossed(
        self, direction: str, envelope: dict[str, Any], *, address: str = "", status: str = ""
    ) -> None:
        """Note an envelope that went out or came in during this run."""
        if len(self.crossings) < MOST_CROSSINGS:
            self.crossings.append(Crossing(direction, envelope, address, status, clock.now()))
            self.unread += 1

    def _price(self, model: Model) -> None:
        """A limit in US dollars cannot hold a model whose price nobody knows; one in tokens can."""
        limits = self._limits
        if not model.priced and limits.cost_usd > 0 and not limits.tokens:
            raise Exhausted(
                f"What {model.name} costs is not known, so the limit of {limits.cost_usd:g} US dollars would "
                "never be met. Set `tokens` in the agent's limits, or `cost_usd: 0` for no limit."
            )

    def _step(self, what: str) -> None:
        limits, usage = self._limits, self.usage
        tokens = usage.tokens_in + usage.tokens_out
        for used, most, unit in (
            (self._steps, limits.steps, "steps"),
            (tokens, limits.tokens, "tokens"),
            (usage.cost_usd, limits.cost_usd, "US dollars"),
        ):
            if used >= most > 0:
                raise Exhausted(
                    f"It stopped before {what}: {used:g} of {most:g} {unit} are used. "
                    "Raise the limit in the agent's definition and retry, or do this stage by hand."
                )
        self._steps += 1
