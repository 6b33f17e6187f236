"""What follows when stages become ready, in the transaction that made them so.

Most are simply claimed next. Some end or wait at once, without any worker:

    human          opens its review
    when           false: passed over; so is a stage all of whose needs were passed over
    each           spread into one row per item; ready again when all items passed: joined, done
    inject         waits for the task that the orchestrator injects for it
    STAGE.undo     claimed like any other

What ends at once lets others become ready, so this goes on until nothing more arrives.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef

from . import artifacts, log, machine, outbox, queue, rounds, store
from .history import changes
from .models import Artifact, Event, Review, Subtask, Task
from .people import reviews
from .results import locked
from .store.portable import Disturbed
from .workflow import conditions, versions
from .workflow.shape import ENGINE, HUMAN

S = Subtask.Status
MOST_ITEMS = 10_000
MOST_CHARACTERS = 20_000  # of one item's value


def arrive(ready: Sequence[Subtask], *, now: datetime, named: Collection[str] = ()) -> list[Event]:
    """Let rows that have just become ready take their course; a task of which nothing is open then ends.
    Returns the events to write.

    `named`: stages that a person has chosen, or that had begun before: they run whatever their `when` says.
    """
    events: list[Event] = []
    claimable = False
    touched: set[int] = set()
    while ready:
        special = _special(ready)
        claimable = claimable or len(special) < len(ready)
        ended: set[int] = set()
        more: list[Subtask] = []
        for row in special:
            events += _one(row, ended, more, now, named)
        touched |= {row.task_id for row in special if row.pk in ended}
        ready = [*more, *store.unblock(ended, now)]
    if claimable:
        queue.ring()
    return events + (complete(touched, by=ENGINE, now=now) if touched else [])


def passed(rows: Collection[int], *, now: datetime) -> list[Event]:
    """What follows when these rows have passed: what waited for them may begin."""
    return arrive(store.unblock(rows, now), now=now)


def _special(ready: Sequence[Subtask]) -> list[Subtask]:
    """Those that a worker does not simply claim. Most workflows have none but their gates, so the plain
    ones are told apart without a query each."""
    flows = dict(
        Task.objects.filter(pk__in={row.task_id for row in ready}).values_list("pk", "workflow_version")
    )
    special = [row.pk for row in ready if row.stage in versions.workflow(flows[row.task_id]).special]
    if not special:
        return []
    found = Subtask.objects.filter(pk__in=special).select_related("task__workflow_version", "task__workflow")
    rows = list(found.order_by("pk"))
    return [row for row in rows if not _plain(row)]


def _plain(row: Subtask) -> bool:
    """An item of a stage that only fans out, with an agent to do it."""
    return bool(row.item) and row.agent not in {HUMAN, ENGINE}


def _one(
    row: Subtask, ended: set[int], more: list[Subtask], now: datetime, named: Collection[str]
) -> list[Event]:
    """Let one row take its course: into `ended` where it did at once, into `more` what became ready."""
    stage = row.task.workflow_version.stage(row.stage)
    if not row.item and row.spread is None:
        if row.stage not in named and (why := _not_taken(row, stage)):
            return _pass_over(row, why, ended, now)
        if stage.get("each"):
            return _spread(row, stage, ended, more, now)
    if row.spread is not None:
        return _join(row, ended, now)
    if row.agent == HUMAN:
        return reviews.open_gate(row, now=now)
    if row.agent == ENGINE:
        return _await_child(row, now)
    queue.ring()
    return []


# -- Routes -------------------------------------------------------------------------------------------


def _not_taken(row: Subtask, stage: dict[str, Any]) -> str:
    """Why the task does not go this way; empty where it does."""
    if stage["needs"] and row.task.workflow_version.routes:
        ran = row.task.subtasks.filter(live=1, item="", stage__in=stage["needs"], passed_over=False)
        if not ran.exists():
            return "No way that leads here was taken."
    if stage.get("when") and not conditions.holds(stage["when"], facts(row.task)):
        return f"It runs only where {conditions.words(stage['when'])}."
    return ""


def facts(task: Task) -> dict[str, dict[str, Any]]:
    """The small facts that stages said, by stage name, and what the task was injected with as `input`."""
    rows = task.subtasks.filter(live=1, item="", status=S.DONE).values_list("stage", "fields")
    return {"input": {**task.input, "title": task.title}} | {
        stage: fields for stage, fields in rows if fields
    }


def _pass_over(row: Subtask, why: str, ended: set[int], now: datetime) -> list[Event]:
    rows = Subtask.objects.filter(pk=row.pk)
    if not machine.move(rows, "skip", finished_at=now, reason=why[:300], passed_over=True):
        return []
    ended.add(row.pk)
    return [log.line("subtask.passed_over", by=ENGINE, task=row.task, stage=row.stage, why=why)]


# -- Fan-out ------------------------------------------------------------------------------------------


def _spread(
    row: Subtask, stage: dict[str, Any], ended: set[int], more: list[Subtask], now: datetime
) -> list[Event]:
    """One row per item; the stage's own row waits for all of them."""
    try:
        values = _values(row.task, stage)
    except ValueError as error:
        return give_up(row, str(error), by=ENGINE, now=now)
    _begun(row, now)
    items = rounds.lay_items(row, values, limit=stage.get("at_most_at_once"), now=now)
    machine.move(
        Subtask.objects.filter(pk=row.pk),
        "spread",
        spread=len(values),
        needs_left=len(values),
        started_at=now,
    )
    more += [item for item in items if item.status == S.READY]
    if not values:
        machine.move(Subtask.objects.filter(pk=row.pk), "join", finished_at=now)
        ended.add(row.pk)
    machine.touch(Task.objects.filter(pk=row.task_id))
    return [log.line("subtask.spread", by=ENGINE, task=row.task, stage=row.stage, items=len(values))]


def _values(task: Task, stage: dict[str, Any]) -> list[Any]:
    """What a stage fans out over, grouped where it says so. Raises ValueError with what is wrong."""
    source, group = stage["each"], stage.get("group", 1)
    name, dot, _ = source.partition(".")
    if dot:
        values = conditions.look_up(source, facts(task))
        if not isinstance(values, list):
            found = "nothing" if values is None else f"{type(values).__name__}, no list"
            raise ValueError(f"It fans out over {source}, and there is {found}. Let {name} give a list.")
        if group > 1:
            values = [values[start : start + group] for start in range(0, len(values), group)]
    else:
        keys = list(
            task.subtasks.filter(live=1, stage=name)
            .exclude(item="")
            .order_by("item")
            .values_list("item", flat=True)
        )
        # Only the first and the last are named: an item of an item may stand for hundreds.
        values = [
            {"of": name, "first": keys[start], "last": keys[min(start + group, len(keys)) - 1]}
            for start in range(0, len(keys), group)
        ]
    if len(values) > MOST_ITEMS:
        raise ValueError(
            f"It fans out over {source}, which has {len(values):,} items; at most {MOST_ITEMS:,} are laid "
            "out. Group more of them into one with `group`."
        )
    if long := next((n for n, one in enumerate(values, 1) if len(str(one)) > MOST_CHARACTERS), None):
        raise ValueError(
            f"Item {long} of {source} has more than {MOST_CHARACTERS:,} characters. Give names, not texts."
        )
    return values


def _join(row: Subtask, ended: set[int], now: datetime) -> list[Event]:
    """All items have passed: the stage is done."""
    items = row.task.subtasks.filter(live=1, stage=row.stage).exclude(item="")
    done = items.filter(status=S.DONE).count()
    fields = {"count": done, "skipped": items.count() - done}
    rows = Subtask.objects.filter(pk=row.pk)
    if not machine.move(rows, "join", finished_at=now, reason="", fields=fields):
        return []
    ended.add(row.pk)
    machine.touch(Task.objects.filter(pk=row.task_id), stage_status=row.done_as)
    return [
        log.line("subtask.finished", by=ENGINE, task=row.task, stage=row.stage, done_as=row.done_as,
                 summary=f"Joined {done} of {row.spread} items.", attempt=0, seconds=None)
    ]  # fmt: skip


# -- Child tasks --------------------------------------------------------------------------------------


def _await_child(row: Subtask, now: datetime) -> list[Event]:
    """The orchestrator injects it (`orchestrator/children.py`): copying its files is too slow for here."""
    _begun(row, now)
    machine.move(
        Subtask.objects.filter(pk=row.pk), "await", awaits=Subtask.Awaits.CHILD, needs_left=1, started_at=now
    )
    machine.touch(Task.objects.filter(pk=row.task_id))
    why = "It goes on when the task that it injects is done."
    return [log.line("subtask.awaits", by=ENGINE, task=row.task, stage=row.stage, item=row.item, why=why)]


def _begun(row: Subtask, now: datetime) -> None:
    """A stage that no worker claims takes its task out of the backlog too."""
    started = Task.objects.filter(pk=row.task_id, status=Task.Status.BACKLOG)
    machine.move_task(started, "begin", started_at=now)


def child_ended(child: Task, *, now: datetime) -> list[Event]:
    """Let the stage that waited for this task go on, with what the task came to."""
    if child.parent_id is None:
        return []
    rows = Subtask.objects.filter(pk=child.parent_id, live=1, awaits=Subtask.Awaits.CHILD)
    row = rows.select_related("task__workflow_version", "task__workflow").first()
    if row is None:
        return []
    if child.outcome == Task.Ending.CANCELLED:
        return give_up(row, f"{child.key} was cancelled.", by=ENGINE, now=now)
    last = child.subtasks.filter(live=1, item="", status=S.DONE).exclude(fields={}).order_by("-finished_at")
    fields = {
        **(last.values_list("fields", flat=True).first() or {}),
        "key": child.key,
        "outcome": child.outcome,
    }
    if not machine.move(rows, "join", finished_at=now, reason="", fields=fields, awaits="", needs_left=0):
        return []
    word = {} if row.item else {"stage_status": row.done_as}
    machine.touch(Task.objects.filter(pk=row.task_id), **word)
    finished = log.line(
        "subtask.finished", by=ENGINE, task=row.task, stage=row.stage, item=row.item, done_as=row.done_as,
        summary=f"{child.key} is done.", attempt=0, seconds=None,
    )  # fmt: skip
    return [finished, *passed({row.pk}, now=now), *complete([row.task_id], by=ENGINE, now=now)]


# -- Answers from other systems ------------------------------------------------------------------------


def answered(row: Subtask, *, now: datetime) -> bool:
    """An awaited message has come: blocked -> ready. The try that reads it is no new attempt."""
    rows = Subtask.objects.filter(pk=row.pk, awaits=Subtask.Awaits.MESSAGE)
    moved = machine.move(
        rows, "answer", awaits="", needs_left=0, not_before=now, max_attempts=F("max_attempts") + 1, reason=""
    )
    if moved:
        machine.touch(Task.objects.filter(pk=row.task_id))
        queue.ring()
    return bool(moved)


# -- Giving up ----------------------------------------------------------------------------------------


def give_up(
    row: Subtask, why: str, *, by: str, now: datetime, kind: str = Review.Kind.ATTEMPTS
) -> list[Event]:
    """What the stage's `on_failure` says, once trying again will not help: a person is asked, it is
    skipped, or all is undone. The row is doing, ready, or blocked for an answer."""
    from . import compensation  # undoing lays rows that arrive here

    stage = row.task.workflow_version.stage(row.stage)
    rows = Subtask.objects.filter(pk=row.pk)
    match stage.get("on_failure", "escalate"):
        case "skip":
            if not machine.move(rows, "give_up", finished_at=now, reason=why[:300], awaits="", needs_left=0):
                return []
            machine.touch(Task.objects.filter(pk=row.task_id))
            skipped = log.line(
                "subtask.skipped", by=by, task=row.task, stage=row.stage, item=row.item, reason=why
            )
            return [skipped, *passed({row.pk}, now=now), *complete([row.task_id], by=by, now=now)]
        case "undo":
            return compensation.begin(row.task, failed=row, why=why, by=by, now=now)
    if not machine.move(rows, "escalate", reason=why[:300], awaits="", needs_left=0):
        return []
    machine.touch(Task.objects.filter(pk=row.task_id))
    return reviews.open_review(row, kind, why, by=by, now=now)


# -- The end ------------------------------------------------------------------------------------------


def complete(tasks: Collection[int], *, by: str, now: datetime) -> list[Event]:
    """End the tasks of which nothing is open any more: doing -> done; cancelled, where they were undone."""
    open_rows = Subtask.objects.filter(task=OuterRef("pk"), live=1, status__in=Subtask.OPEN)
    list(locked(Task.objects.filter(pk__in=list(tasks)).order_by("pk")).values_list("pk"))
    ended = list(
        Task.objects.filter(~Exists(open_rows), pk__in=list(tasks))
        .exclude(status=Task.Status.DONE)
        .select_related("workflow")
    )
    events: list[Event] = []
    for task in _end(ended, now):
        if task.undoing_at:
            events.append(
                log.line("task.cancelled", by=by, task=task, reason="What it had done was taken back.")
            )
        else:
            _announce(task)
            events.append(log.line("task.done", by=by, task=task, outcome="completed"))
        events += child_ended(task, now=now)
    return events


def _end(tasks: list[Task], now: datetime) -> list[Task]:
    """Move these tasks, whose rows are locked, to done: each kind in one statement, and noted without reading
    them again, because nearly every task ends here."""
    for outcome in Task.Ending.values:
        mine = [task for task in tasks if (outcome == Task.Ending.CANCELLED) == bool(task.undoing_at)]
        rows = changes.told(Task).filter(pk__in=[task.pk for task in mine])
        if not mine:
            continue
        if (count := machine.move_task(rows, "complete", done_at=now, outcome=outcome)) != len(mine):
            raise Disturbed(f"Ended {count} of {len(mine)} tasks; somebody moved the others meanwhile.")
        ended = {"status": Task.Status.DONE.value, "outcome": outcome, "done_at": changes.plain(now)}
        changes.note([changes.Change("task", one.pk, one.pk, {"status": one.status}, ended) for one in mine])
        for task in mine:
            task.outcome = outcome
    return tasks


def _announce(task: Task) -> None:
    """A workflow without a gate says at its end what a gate would have said: it is done."""
    stages = versions.workflow(task.workflow_version_id).stages
    if any(stage["agent"] == HUMAN and stage["notify"] for stage in stages):
        return
    groups = sorted({group for stage in stages for group in stage["notify"]})
    if not groups:
        return
    last = Artifact.objects.filter(task=task).exclude(path="").order_by("-id").first()
    summary = artifacts.latest(task, "summary")
    content: dict[str, Any] = {
        "key": task.key,
        "title": task.title,
        "path": last.path if last else "",
        "workflow": task.workflow.title,
        "summary": summary.text if summary else "Done.",
        "verbs": [],
    }
    outbox.owe(
        "completion", task=task, to=groups, content=content, key=f"completion:task:{task.pk}:{task.round}"
    )
