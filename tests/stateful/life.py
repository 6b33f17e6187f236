"""The life of a house as hypothesis writes it: every command is a rule, in any order that may happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, note, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.stateful.house import VERBS, Command, plain
from tests.stateful.ledger import Ledger
from tests.stateful.play import DIES, MORTAL, SCENES, Count, a_house, heal


class Life(RuleBasedStateMachine):
    """Whatever may happen, step by step; at the end everything heals, and all that was begun must end."""

    #: the product's own checks run at each so manieth change; the ledger looks at every one
    every = 4
    #: where lives begin
    scenes = tuple(sorted(SCENES))

    def __init__(self) -> None:
        super().__init__()
        self.closing = a_house()
        self.house = self.closing.__enter__()
        self.ledger = Ledger(self.house, self.every)
        self.broken = False
        for flow in range(4):
            self.do(("inject", {"who": "ana", "flow": flow, "key": None, "backlog": False, "priority": 0}))

    @initialize(data=strategies.data())
    def begin(self, data: Any) -> None:
        """Somewhere in the middle."""
        for command in SCENES[data.draw(strategies.sampled_from(self.scenes))]:
            self.do(command)

    def do(self, command: Command) -> None:
        """One step."""
        Count.steps += 1
        note(plain(command))  # what fails is shown as a list that can be played again
        self.broken = True
        self.ledger.check(command, self.house.play(command))
        self.broken = False

    def teardown(self) -> None:
        try:
            if not self.broken:
                heal(self.house, self.ledger)
        finally:
            self.ledger.close()
            self.closing.__exit__(None, None, None)


def _rules() -> dict[str, Callable[..., None]]:
    found: dict[str, Callable[..., None]] = {}
    for name, verb in VERBS.items():
        choices = {word: strategies.sampled_from(among) for word, among in verb.choices.items()}
        if name in MORTAL:
            choices["dies"] = strategies.sampled_from(DIES)
        for copy in range((verb.weight + 2) // 3):  # hypothesis takes every rule equally often

            def do(self: Any, name: str = name, **values: Any) -> None:
                self.do((name, {word: value for word, value in values.items() if word != "dies" or value}))

            do.__name__ = f"{name}_{copy}" if copy else name
            found[do.__name__] = rule(**choices)(do)  # type: ignore[call-overload]
    return found


def live(
    examples: int,
    steps: int,
    *,
    every: int = 4,
    shrink: bool = False,
    seed: bool = False,
    scenes: Sequence[str] = Life.scenes,
) -> None:
    """Let hypothesis look for a life that breaks a promise; raises what it finds. The same examples each
    time, but with `seed`: then chance decides, and the report says how to repeat it."""
    phases = (Phase.explicit, Phase.generate, *([Phase.shrink] if shrink else []))
    profile = settings(
        max_examples=examples, stateful_step_count=steps, derandomize=not seed, deadline=None, database=None,
        print_blob=True, report_multiple_bugs=False, phases=phases,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    machine: Any = type("LifeOfAHouse", (Life,), {**_rules(), "every": every, "scenes": scenes})
    run_state_machine_as_test(machine, settings=profile)
