"""What a verb on a task will do, said before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks import compensation
from tasks.items import number
from tasks.models import Review, Subtask, Task
from tasks.workflow.graph import UNDO, downstream
from tasks.workflow.shape import HUMAN

from . import history
from .cards import stage_title

FAILS = {
    "skip": "goes on without it", "undo": "takes back what it has done and ends", "retry": "asks a person",
}  # fmt: skip


def cancel(task: Task, place: Mapping[str, str] | None = None) -> str:
    """What a cancel ends, what it takes back first, and whom else it concerns."""
    return " ".join([_taken_back(task), *_children(task), *_parent(task)])


def _taken_back(task: Task) -> str:
    if task.undoing_at:
        left = Subtask.objects.filter(
            task=task, live=1, stage__endswith=UNDO, status__in=Subtask.OPEN
        ).count()
        what = "1 part is" if left == 1 else f"{left:,} parts are"
        return (
            f"What it did is being taken back, and {what} left. Cancelling it once more gives that up: it "
            "ends at once, and what is left stays in the world as it is."
        )
    effects = compensation.effects(task)
    if not effects:
        return "It ends for good: nothing more runs, nothing is published. What was made is kept."
    counted = Counter(row.stage for row in effects)
    named = [
        stage_title(stage) + (f" ({count:,} items)" if count > 1 else "") for stage, count in counted.items()
    ]
    return (
        f"What it did in the world is taken back first, newest first: {', '.join(named)}. Then it ends for "
        "good. What was made is kept."
    )


def _children(task: Task) -> list[str]:
    waited_for = Task.objects.filter(parent__task=task, parent__live=1).exclude(status=Task.Status.DONE)
    keys = list(waited_for.order_by("id").values_list("key", flat=True)[:4])
    if not keys:
        return []
    if len(keys) == 1:
        return [f"{keys[0]}, which it waits for, is cancelled with it."]
    more = waited_for.count() - 3
    named = ", ".join(keys[:3]) + (f" and {more} more" if more > 0 else "")
    return [f"The tasks that it waits for are cancelled with it: {named}."]


def _parent(task: Task) -> list[str]:
    if task.parent_id is None:
        return []
    row = Subtask.objects.select_related("task__workflow_version").get(pk=task.parent_id)
    if row.awaits != Subtask.Awaits.CHILD or not row.live:
        return []
    stage = row.task.workflow_version.stage(row.stage)
    then = FAILS.get(stage.get("on_failure", ""), "asks a person")
    return [f"{row.task.key} waits for it at {stage_title(row.stage)} and then {then}."]


def retry(task: Task, place: Mapping[str, str]) -> str:
    """Who tries again."""
    if place.get("item"):
        return f"Item {number(place['item'])} of {stage_title(place['stage'])} tries again now."
    waiting = _waiting(task, place)
    if sum(waiting.values()) < 2:
        return "The stage that waits tries again now."
    said = [f"{count:,} of {stage_title(stage)}" for stage, count in waiting.items()]
    return f"All that wait for a person after a failure try again now: {', '.join(said)}."


def skip(task: Task, place: Mapping[str, str]) -> str:
    """What is left out; of a gate, that nobody will have approved."""
    name = place.get("stage", "")
    if name in _gates(task):
        return f"Nobody will have approved it. {_past(task, [name])}"
    stage = stage_title(name)
    if place.get("item"):
        return f"Item {number(place['item'])} of {stage} is left out; the others are joined without."
    if not task.subtasks.filter(live=1, stage=name).exclude(item="").exists():
        return f"{stage} is left out; what waits for it starts at once."
    count = sum(_waiting(task, place).values())
    if count == 1:
        return f"The item of {stage} that waits for a person is left out; the others are joined without."
    return (
        f"The {count:,} items of {stage} that wait for a person are left out; the others are joined without."
    )


def move(task: Task, place: Mapping[str, str] | None = None) -> str:
    """What an override ends and begins, and whom it passes over."""
    text = (
        "This overrides the workflow: open stages before it are skipped, the chosen one and all later ones "
        "run again. What was made stays, and the log says who did it."
    )
    gates = [name for name, row in _rows(task).items() if row.agent == HUMAN and row.status in Subtask.OPEN]
    return f"{text} Move past {_named(gates)} and nobody will have approved it." if gates else text


@dataclass(frozen=True)
class Start:
    """A stage that a task may run again from."""

    stage: str
    title: str
    then: str  # what runs again and what is kept
    why_not: str = ""


def rerun(task: Task, place: Mapping[str, str] | None = None) -> str:
    """What a new round does, whatever stage it begins at."""
    opened = f"{task.key} is done and opens again. " if task.status == Task.Status.DONE else ""
    return (
        f"{opened}A new round begins: the stage you choose and all that come after it run again. What they "
        "made and what people decided stays to be read. What they have under way is stopped; nothing that "
        "they did in the world is taken back."
    )


def starts(task: Task) -> list[Start]:
    """Every stage of a task, in the order of the file: what running again from it means, or why it cannot."""
    stages, rows = task.workflow_version.stages, _rows(task)
    effects = {row.stage for row in compensation.effects(task)}
    over = {name for name, row in rows.items() if row.passed_over}
    found = []
    for stage in stages:
        name, row = stage["name"], rows.get(stage["name"])
        title = stage.get("title") or stage_title(name)
        if row is None or (row.status == Subtask.Status.BLOCKED and row.spread is None and not row.awaits):
            found.append(Start(name, title, "", "It has not begun yet."))
        elif row.passed_over:
            found.append(Start(name, title, "", "The task’s way did not lead through it."))
        else:
            found.append(Start(name, title, _again(stages, name, effects, over)))
    return found


def _again(stages: list[dict[str, Any]], start: str, effects: set[str], over: set[str]) -> str:
    again = downstream(start, stages)
    kept = [stage["name"] for stage in stages if stage["name"] not in {*again, *over}]
    people = [stage["name"] for stage in stages if stage["name"] in again and stage["agent"] == HUMAN]
    twice = [name for name in again if name in effects]
    said = [f"Runs again: {_named(again)}.", f"Kept: {_named(kept)}." if kept else "Nothing is kept."]
    if people:
        said.append(f"People are asked again at {_named(people)}.")
    if twice:
        said.append(f"Done in the world a second time: {_named(twice)}.")
    return " ".join(said)


def _past(task: Task, gates: list[str]) -> str:
    """What comes of going on without these gates, and where that stays to be read."""
    stages = task.workflow_version.stages
    stage = next((one for one in stages if set(gates) & set(one["needs"])), None)
    paths = history.planned_paths(task, stage)
    if paths:
        then = f"{stage_title(stage['name'])} begins and writes {paths[0]}" if stage else ""
        then += f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    else:
        then = f"{stage_title(stage['name'])} begins" if stage else "The task goes on"
    return f"{then}. The history and every file say that {_named(gates)} was skipped by you, not approved."


def _gates(task: Task) -> list[str]:
    return [stage["name"] for stage in task.workflow_version.stages if stage["agent"] == HUMAN]


def _rows(task: Task) -> dict[str, Subtask]:
    """The current row of each stage, in the order of the file."""
    rows = task.subtasks.filter(live=1, item="").exclude(stage__endswith=UNDO).order_by("position", "pk")
    return {row.stage: row for row in rows.defer("requests", "given")}


def _named(stages: Sequence[str]) -> str:
    """Stages in a row: "Write, Review and Format"."""
    titles = [stage_title(one) for one in stages]
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)


def _waiting(task: Task, place: Mapping[str, str]) -> Counter[str]:
    rows = Review.objects.filter(task=task, open=1, subtask__live=1).exclude(subtask__agent="human")
    if place.get("stage"):
        rows = rows.filter(subtask__stage=place["stage"])
    return Counter(rows.values_list("subtask__stage", flat=True))
