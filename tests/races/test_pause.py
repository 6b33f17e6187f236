"""Pause with a hundred stages in flight: nothing more begins, nothing leaves, and nothing is lost."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clawbot.bench import load
from tests import databases
from tests.races import world
from tests.races.test_kill_nine import Race

IN_FLIGHT = 100
WORKERS = 2
TASKS = 130  # so that some wait for a place that a finished stage leaves
SECONDS = 2.0  # a stage takes
PATIENCE = 120.0
TIMES = int(os.environ.get("CLAWBOT_PAUSES", "50"))


@pytest.fixture
def race(database: str, _migrated: str, tmp_path: Path) -> Iterator[Race]:
    if database == "mariadb":
        pytest.skip("Promised on SQLite and PostgreSQL.")
    environment = {
        **databases.environment(_migrated, tmp_path / "var"), "RACE_WORLD": str(tmp_path / "world"),
        "CLAWBOT_CONCURRENCY": str(IN_FLIGHT // WORKERS), "RACE_FAULT": "",
    }  # fmt: skip
    race = Race(environment, tmp_path, random.Random(1))
    yield race
    race.end()


def until(condition: Callable[[], Any]) -> None:
    over = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < over, "it never came to that"
        time.sleep(0.05)


def doing() -> int:
    from tasks.models import Subtask

    return Subtask.objects.filter(status=Subtask.Status.DOING).count()


def paused_and_resumed(race: Race, flow: Any) -> dict[str, int]:
    """One pause with a hundred stages in flight. What happened under it, counted in the database's own
    order: between the line of the log that says paused and the one that says resumed."""
    from tasks import supervision
    from tasks.models import Event, Notice, Task

    flow.refresh_from_db()
    load.fill(flow, TASKS)
    until(lambda: doing() >= IN_FLIGHT)
    hold = supervision.pause("all", by="user:ben", why="A pause in the race.")
    flying = doing()
    leaving = set(Notice.objects.filter(state="sending").values_list("key", flat=True))  # began before it
    sent = {line["key"] for line in world.read(race.world, "notice")}
    until(lambda: doing() == 0)
    time.sleep(1)  # long enough for a claim and a sweep, if anybody dared
    left = {line["key"] for line in world.read(race.world, "notice")} - sent - leaving
    owed = Notice.objects.filter(state="pending").count()
    supervision.resume(hold, by="user:ben")
    first, last = (
        Event.objects.get(kind=kind, data__hold=hold.pk).pk for kind in ("hold.placed", "hold.lifted")
    )
    claims = Event.objects.filter(kind="subtask.claimed", pk__gt=first, pk__lt=last).count()
    until(lambda: not Task.objects.exclude(status="done").exists())
    until(
        lambda: (
            not Notice.objects.exclude(state="sent").filter(kind="completion", recipient="editors").exists()
        )
    )
    return {"in flight": flying, "claims": claims, "deliveries": len(left), "owed": owed}


def check(race: Race, times: int, database: str) -> None:
    from tasks.models import Run, Subtask, Task

    flow = load.prepare("race", SECONDS, load.in_a_row(1))
    flow.active.definition["stages"][-1]["notify"] = ["editors"]
    flow.active.save()
    for part in ["orchestrator", *["drain"] * WORKERS]:
        race.start(part)
    seen = [paused_and_resumed(race, flow) for _ in range(times)]
    least, most = (choose(one["in flight"] for one in seen) for choose in (min, max))
    print(
        f"{database}: {times} pauses with {least} to {most} stages in flight: "
        f"{sum(one['claims'] for one in seen)} claims, {sum(one['deliveries'] for one in seen)} deliveries; "
        f"{Task.objects.filter(outcome='completed').count()} of {times * TASKS} tasks completed"
    )
    assert [one["claims"] for one in seen] == [0] * times
    assert [one["deliveries"] for one in seen] == [0] * times
    assert least >= IN_FLIGHT * 0.9
    assert all(one["owed"] for one in seen), "nothing was owed in the pause, so nothing was kept back"
    assert Task.objects.filter(outcome="completed").count() == times * TASKS
    assert Run.objects.count() == Subtask.objects.count(), "something ran twice"


def test_nothing_begins_and_nothing_leaves_in_three_pauses(race: Race, ben: Any, database: str) -> None:
    check(race, 3, database)


@pytest.mark.chaos
def test_nothing_begins_and_nothing_leaves_in_fifty_pauses(race: Race, ben: Any, database: str) -> None:
    check(race, TIMES, database)
