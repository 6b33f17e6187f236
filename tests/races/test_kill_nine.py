"""Random workers are killed, stopped and let go on, and nothing is lost, done twice or told twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import F

from clawbot.bench import load
from tasks.engine import child
from tests import databases
from tests.races import world

if TYPE_CHECKING:
    from tasks.models import Workflow

WORKERS = 4
IN_FLIGHT = 4  # per worker
LEASE = 2
SECONDS = 0.1  # a stage takes
PATIENCE = 60.0  # seconds without any progress until it counts as stuck
KILLS = 20
FREEZES = 5  # stopped beyond the lease, then let go on: the late result is what the fence is for
ROOT = databases.ROOT


class Race:
    """The processes of one race, the database they share, and the world they write to."""

    def __init__(self, environment: dict[str, str], folder: Path, chance: random.Random) -> None:
        self.world, self.chance = folder / "world", chance
        self.parts: list[tuple[str, int]] = []
        with open(folder / "log", "ab") as log:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "tests.races.process"], env=environment, cwd=ROOT, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip

    def start(self, part: str) -> None:
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write(f"{part}\n")
        self._nursery.stdin.flush()
        self.parts.append((part, int(self._nursery.stdout.readline())))

    def kill_one(self) -> None:
        """SIGKILL somebody at random."""
        self.replace_the_dead()
        send(self.chance.choice(self.parts)[1], signal.SIGKILL)

    def replace_the_dead(self) -> None:
        """As any supervisor does; also of workers that learned that they had been given up, and ended."""
        dead = [one for one in self.parts if not child.is_alive(one[1])]
        for one in dead:
            self.parts.remove(one)
            self.start(one[0])

    def freeze_one(self) -> None:
        """Stop a worker until it was given up, then let it bring its late results."""
        for _ in range(50):
            self.replace_the_dead()
            victim = self.chance.choice([pid for part, pid in self.parts if part == "drain"])
            send(victim, signal.SIGSTOP)
            if holds_something(victim):
                time.sleep(LEASE + 1.0)
                send(victim, signal.SIGCONT)
                return
            send(victim, signal.SIGCONT)
            time.sleep(0.05)

    def end(self) -> None:
        for _, pid in self.parts:
            send(pid, signal.SIGKILL)
        self.parts.clear()
        self._nursery.kill()
        self._nursery.communicate()


def holds_something(pid: int) -> bool:
    from tasks.models import Subtask

    return Subtask.objects.filter(worker__pid=pid, worker__ended_at=None, status="doing").exists()


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it may just have ended by itself: it learned that it was given up
        os.kill(pid, number)


@pytest.fixture
def race(database: str, _migrated: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Race]:
    seed = int(os.environ.get("RACE_SEED", "0")) or random.randrange(1, 10**6)
    print(f"RACE_SEED={seed}")
    environment = {
        **databases.environment(_migrated, tmp_path / "var"), "RACE_WORLD": str(tmp_path / "world"),
        "CLAWBOT_LEASE_SECONDS": str(LEASE), "CLAWBOT_CONCURRENCY": str(IN_FLIGHT),
        "RACE_FAULT": getattr(request, "param", ""),
    }  # fmt: skip
    race = Race(environment, tmp_path, random.Random(seed))
    yield race
    race.end()


def lay(tasks: int) -> Workflow:
    """Five stages in a row, per task; its end is told to the editors."""
    flow = load.prepare("race", SECONDS)
    definition = flow.active.definition
    definition["stages"][-1]["notify"] = ["editors"]
    for stage in definition["stages"]:
        stage["retry"]["times"] = 20
    flow.active.save()
    load.fill(flow, tasks)
    return flow


def until(race: Race, condition: Callable[[], Any], patience: float = PATIENCE) -> bool:
    """Wait for it as long as anything moves at all: a busy machine is slow, a stuck engine stands still."""
    seen, over = stages_done(), time.monotonic() + patience
    while time.monotonic() < over:
        if condition():
            return True
        time.sleep(0.1)
        race.replace_the_dead()
        if (now := stages_done()) != seen:
            seen, over = now, time.monotonic() + patience
    return False


def stages_done() -> int:
    from tasks.models import Subtask

    return Subtask.objects.filter(status=Subtask.Status.DONE).count()


def all_over() -> bool:
    from tasks.models import Notice, Task

    told = Notice.objects.filter(state=Notice.State.SENT, recipient="editors").count()
    return not lost() and told >= Task.objects.filter(status=Task.Status.DONE).count()


def run(
    race: Race,
    stages: int,
    kills: int,
    freezes: int,
    patience: float = PATIENCE,
    enough_seen: Callable[[], Any] = lambda: False,
) -> None:
    """Start everybody, disturb them evenly over the work, then let them finish in peace; no longer than
    until enough was seen."""
    for part in ["orchestrator", "orchestrator", *["drain"] * WORKERS]:
        race.start(part)
    deeds = [race.kill_one] * kills + [race.freeze_one] * freezes
    race.chance.shuffle(deeds)
    for place, deed in enumerate(deeds, start=1):
        enough = place * stages // (len(deeds) + 2)
        until(race, lambda enough=enough: stages_done() >= enough, patience)  # type: ignore[misc]
        if enough_seen():
            break
        deed()
    until(race, lambda: enough_seen() or all_over(), patience)
    race.end()


def lost() -> list[str]:
    """Neither completed nor waiting for a person."""
    from tasks.models import Review, Task

    asked = Review.objects.filter(open=1).values("task")
    return list(Task.objects.exclude(outcome="completed").exclude(pk__in=asked).values_list("key", flat=True))


def finished_twice() -> list[Any]:
    """Stages with more than one accepted result, and results of a worker that had been given up."""
    from tasks.models import Event, Run

    done = Counter(Run.objects.filter(status=Run.Status.DONE).order_by().values_list("subtask", flat=True))
    told = Counter(Event.objects.filter(kind="subtask.finished").order_by().values_list("task", "stage"))
    late = Run.objects.filter(status=Run.Status.DONE).exclude(fence=F("subtask__fence"))
    return [
        *(subtask for subtask, count in done.items() if count > 1),
        *(stage for stage, count in told.items() if count > 1),
        *late.values_list("subtask", "fence"),
    ]


def told_twice(race: Race) -> list[Any]:
    seen = Counter((line["task"], line["to"]) for line in world.read(race.world, "notice"))
    return [who for who, count in seen.items() if count > 1]


def wasted(race: Race) -> bool:
    """Whether more bodies ran for nothing than the workers that were given up can have had."""
    from tasks.models import Event, Run

    bodies, given_up = len(world.read(race.world, "body")), Event.objects.filter(kind="worker.lost").count()
    return bodies - Run.objects.filter(status=Run.Status.DONE).count() > given_up * IN_FLIGHT


def test_a_thousand_stages_survive_twenty_kills(race: Race) -> None:
    from tasks.models import Event, Run, Task

    lay(200)

    run(race, 1000, KILLS, FREEZES)

    assert lost() == []
    assert Run.objects.filter(status=Run.Status.DONE).count() >= 990, "too many were set aside for a person"
    assert finished_twice() == []
    assert told_twice(race) == []
    told = {line["task"] for line in world.read(race.world, "notice")}
    assert told >= set(Task.objects.filter(outcome="completed").values_list("key", flat=True))
    assert not wasted(race)
    bodies = {(line["task"], line["stage"]) for line in world.read(race.world, "body")}
    assert set(done_stages()) <= bodies, "a stage is called done that nobody worked on"
    assert Event.objects.filter(kind="worker.lost").exists(), "nobody died: this proves nothing"


def done_stages() -> Any:
    from tasks.models import Subtask

    return Subtask.objects.filter(status=Subtask.Status.DONE).values_list("task__key", "stage")


def red(race: Race) -> list[Any]:
    return [*finished_twice(), *told_twice(race), *["wasted"] * wasted(race)]


@pytest.mark.parametrize("race", ["fence", "key"], indirect=True)
def test_goes_red_without(race: Race) -> None:
    lay(160)

    run(race, 800, kills=0, freezes=16, patience=15, enough_seen=lambda: red(race))

    assert red(race)


@pytest.mark.parametrize("race", ["guard"], indirect=True)
def test_goes_red_without_the_guard_of_the_claim(race: Race) -> None:
    lay(100)

    run(race, 500, kills=0, freezes=0, patience=20)

    assert red(race)
