"""A large set of documents while a worker is killed: no finished portion is read again, memory stays flat."""

from __future__ import annotations

import csv
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.races.test_kill_nine import IN_FLIGHT, Race, race, send
from tests.tasks.workflows.documents import library

__all__ = ["race"]  # the fixture

WORKERS = 2
FLAT = 60  # MB that a worker may grow between a tenth of the work and its end


@pytest.fixture
def begin(race: Race, admin: Any, ana: Any, tmp_path: Path, settings: Any) -> Callable[[int], Any]:
    """Injects a set of so many documents where the workers of the race find it."""
    settings.DATA = tmp_path / "var"
    settings.DATA.mkdir(exist_ok=True)

    def inject(count: int) -> Any:
        from tasks import lifecycle
        from tasks.workflow import shipped

        shipped.sync("clawbot")
        library.write(tmp_path / "papers", count)
        given = {"title": "Lifts", "brief": "What goes wrong?", "sources": ["papers"]}
        return lifecycle.inject("documents", title="Lifts", input=given, by="clawbot", folder=tmp_path)

    return inject


def work_through(race: Race, task: Any, count: int) -> dict[str, Any]:
    """Let two workers work, kill one in the middle, and tell what was seen."""
    for part in ["orchestrator", *["drain"] * WORKERS]:
        race.start(part)
    began, portions = time.monotonic(), -(-count // 25)
    until(lambda: len(finished(task)) >= portions // 10)
    seen: dict[str, Any] = {"early": memory(race)}
    until(lambda: len(finished(task)) >= portions // 2)
    seen |= {"middle": memory(race), "before": runs_of(task, finished(task))}
    victim = next(pid for part, pid in race.parts if part == "drain")
    send(victim, signal.SIGKILL)
    race.replace_the_dead()
    until(lambda: is_done(task), each=lambda: seen.update(late=memory(race) or seen.get("late")))
    return seen | {"seconds": time.monotonic() - began, "after": runs_of(task, set(seen["before"]))}


def until(
    condition: Callable[[], bool], each: Callable[[], Any] = lambda: None, seconds: float = 900
) -> None:
    over = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < over, "the documents were not worked through"
        each()
        time.sleep(0.1)


def finished(task: Any) -> set[str]:
    from tasks.models import Subtask

    rows = Subtask.objects.filter(task=task, stage="summarise", status=Subtask.Status.DONE).exclude(item="")
    return set(rows.values_list("item", flat=True))


def is_done(task: Any) -> bool:
    from tasks.models import Task

    return Task.objects.get(pk=task.pk).status == Task.Status.DONE


def runs_of(task: Any, items: set[str]) -> dict[str, int]:
    """How often each of these portions was begun."""
    from tasks.models import Run

    counts = dict.fromkeys(items, 0)
    for item in Run.objects.filter(task=task, subtask__stage="summarise").values_list(
        "subtask__item", flat=True
    ):
        if item in counts:
            counts[item] += 1
    return counts


def memory(race: Race) -> int:
    """Megabytes that the largest worker holds."""
    sizes = [0]
    for part, pid in race.parts:
        if part == "drain" and psutil.pid_exists(pid):
            sizes.append(psutil.Process(pid).memory_info().rss // 2**20)
    return max(sizes)


def check(race: Race, task: Any, count: int) -> dict[str, Any]:
    from django.conf import settings

    from tasks.models import Artifact, Event, Run

    seen = work_through(race, task, count)
    race.end()
    begun = Run.objects.filter(task=task, subtask__stage="summarise").exclude(subtask__item="").count()
    portions = -(-count // 25)
    again = begun - portions
    print(
        f"{count} documents in {seen['seconds']:.0f} s; "
        f"memory {seen['early']}, {seen['middle']}, {seen['late']} MB; "
        f"{len(seen['before'])} portions were finished at the kill, {again} were begun again"
    )
    assert seen["after"] == seen["before"], "a finished portion was read again"
    # A worker that a busy machine kept from beating is given up like a dead one; the fence refuses it.
    lost = Event.objects.filter(kind="worker.lost").count()
    assert 0 <= again <= lost * IN_FLIGHT
    table = Artifact.objects.get(task=task, path__endswith=".csv")
    with open(Path(settings.DATA) / table.path) as file:
        assert [int(row["number"]) for row in csv.DictReader(file)] == list(range(1, count + 1))
    return seen


def test_resumes_three_hundred_documents_after_a_kill(race: Race, begin: Callable[[int], Any]) -> None:
    check(race, begin(300), 300)


@pytest.mark.chaos
def test_works_through_five_thousand_documents_in_flat_memory(
    race: Race, begin: Callable[[int], Any]
) -> None:
    seen = check(race, begin(5_000), 5_000)

    assert seen["late"] - seen["early"] < FLAT
