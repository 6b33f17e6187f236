"""One tick runs every sweep, whatever becomes of the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tasks import orchestrator

pytestmark = pytest.mark.django_db


def test_runs_every_sweep_once_with_the_same_moment(monkeypatch) -> None:
    seen: list[tuple[str, datetime]] = []
    now = datetime(2026, 11, 2, tzinfo=UTC)

    def counting(name: str) -> Callable[[datetime], int]:
        def sweep(moment: datetime) -> int:
            seen.append((name, moment))
            return 7

        return sweep

    counted = {name: counting(name) for name in orchestrator.SWEEPS}
    monkeypatch.setattr(orchestrator, "SWEEPS", counted)

    done = orchestrator.tick(now)

    assert seen == [(name, now) for name in counted]
    assert done == dict.fromkeys(counted, 7)
    assert seen[-1][0] == "deliver"


def test_lets_the_others_have_their_turn_when_one_fails(
    monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(now: datetime) -> int:
        raise RuntimeError("A clock stopped.")

    monkeypatch.setattr(orchestrator, "SWEEPS", {**orchestrator.SWEEPS, "schedule": broken})

    with caplog.at_level(logging.ERROR):
        done = orchestrator.tick()

    assert set(done) == set(orchestrator.SWEEPS) - {"schedule"}
    assert "A clock stopped." in caplog.text


def test_does_nothing_in_an_empty_house() -> None:
    assert set(orchestrator.tick().values()) == {0}


@pytest.mark.parametrize("name", orchestrator.SWEEPS)
def test_tells_its_steps_by_number(name: str) -> None:
    module = getattr(orchestrator, name)
    steps = [
        function.__doc__
        for function in vars(module).values()
        if getattr(function, "__module__", "") == module.__name__
    ]

    assert any("1. " in (text or "") for text in steps)
