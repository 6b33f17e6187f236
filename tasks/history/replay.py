"""Folds the log into the state it tells of: what `./manage.py rebuild` compares and a page of the past shows.

The log alone is read. It holds what happened and the hashes of what was made, not the texts: those stay in
their artifacts, comments and runs. Times that a line's own `at` tells (when a stage was claimed) and
counters that follow from the rest (`needs_left`, `version`) are not told twice and not folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction

from tasks import access, log
from tasks.models import Event, Task

from . import changes

Row = dict[str, Any]
BATCH = 200  # tasks folded at once
TRIES = 3
FOREVER = 2**63 - 1
#: what an event must bring to be folded
COLUMNS = ("id", "kind", "task_id", "stage", "by", "at", "data", "changed")
#: what a column that cannot be NULL holds where the log says nothing
EMPTY: dict[str, Any] = {"CharField": "", "TextField": "", "JSONField": [], "BooleanField": False}


@dataclass
class State:
    """Rows as the log tells of them: noun -> what names a row -> its columns. What is empty is not there."""

    rows: dict[str, dict[int | str, Row]] = field(default_factory=lambda: {n: {} for n in changes.NOUNS})
    #: where a line says that something was other than the lines before it say
    contradictions: list[str] = field(default_factory=list)

    def of(self, noun: str, id: int | str) -> Row:
        """One row; a new one where the log has not told of it yet."""
        return self.rows[noun].setdefault(id, {})

    def fold(self, event: Event) -> None:
        """Let one line take effect."""
        if rule := RULES.get(event.kind):
            rule(self, event)
        for change in changes.unpacked(event.changed or ()):
            row = self.of(change.of, change.id)
            for name, value in (change.was or {}).items():
                if row.get(name) != value:
                    what = f"event {event.pk}: the {name} of {change.of} {change.id} was {value!r}"
                    self.contradictions.append(f"{what}; the log before it says {row.get(name)!r}")
            _set(row, change.now)


def _set(row: Row, values: Row) -> None:
    for name, value in values.items():
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value


# -- What the busiest lines say without saying it -----------------------------------------------------


def _claimed(state: State, event: Event) -> None:
    data = event.data
    if "subtask" not in data:
        return
    now = {"status": "doing", "fence": data["fence"], "attempts": data["attempt"], "reason": None}
    _set(state.of("subtask", data["subtask"]), now)
    task = state.of("task", event.task_id or 0)
    if task.get("status") == Task.Status.BACKLOG:
        task["status"] = Task.Status.DOING.value


def _finished(state: State, event: Event) -> None:
    data = event.data
    if "subtask" not in data:
        return
    _set(state.of("subtask", data["subtask"]), {"status": "done", "reason": None})
    if not data.get("item"):
        _set(state.of("task", event.task_id or 0), {"stage_status": data["done_as"]})


def _made(state: State, event: Event) -> None:
    data = event.data
    now = {
        "task_id": event.task_id, "kind": data["kind"], "number": data["number"], "made_by": event.by,
        "stage": event.stage or None, "sha256": data["sha256"], "path": data.get("path") or None,
    }  # fmt: skip
    _set(state.of("artifact", f"{event.task_id}/{data['kind']}/{data['number']}"), now)


def _uncommented(state: State, event: Event) -> None:
    state.rows["comment"].pop(event.data["comment"], None)


RULES: dict[str, Callable[[State, Event], None]] = {
    "subtask.claimed": _claimed,
    "subtask.finished": _finished,
    "artifact.made": _made,
    "comment.removed": _uncommented,
}


# -- The state of tasks -------------------------------------------------------------------------------


def fold(events: Iterable[Event]) -> State:
    """The state after these lines, which come in their order."""
    state = State()
    for event in events:
        state.fold(event)
    return state


def past(task: Task, until: int) -> State:
    """One task as it was right after event `until`."""
    return fold(_events(task=task, pk__lte=until))


def holds(until: int) -> State:
    """The holds as they were right after event `until`."""
    return fold(_events(kind__startswith="hold.", pk__lte=until))


def _events(**which: Any) -> Iterator[Event]:
    return Event.objects.filter(**which).order_by("pk").only(*COLUMNS).iterator(2_000)


def instance(noun: str, id: int | str, row: Row) -> Any:
    """An unsaved object with what the log says of a row, for whoever shows or words it."""
    model: Any = changes.NOUNS[noun]
    fields = {field.attname: field for field in model._meta.concrete_fields}
    values = {name: _typed(fields[name], row.get(name)) for name in model.LOGGED}
    return model(pk=id if isinstance(id, int) else None, **values)


def _typed(column: Any, value: Any) -> Any:
    """A value as its field takes it; what the log leaves empty is the field's own empty."""
    if value is None and not column.null:
        value = 0 if isinstance(column, models.IntegerField) else EMPTY.get(column.get_internal_type())
    return column.to_python(value)


# -- Compared with the tables -------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One row that is not what the log says. `said` None: the log knows no such row; `found` None: it is
    gone. `task` is None for a hold."""

    of: str
    id: int | str
    task: int | None
    where: str
    said: Row | None
    found: Row | None

    def __str__(self) -> str:
        if self.said is None:
            return f"{self.where} is there, and the log does not tell of it"
        if self.found is None:
            return f"{self.where} is gone, and the log tells of it"
        return "; ".join(
            f"{self.where}: {name} is {self.found.get(name)!r}, the log says {self.said.get(name)!r}"
            for name in self.columns
        )

    @property
    def columns(self) -> list[str]:
        """Which columns differ."""
        said, found = self.said or {}, self.found or {}
        return [name for name in sorted({*said, *found}) if said.get(name) != found.get(name)]


def differences(tasks: models.QuerySet[Task] | None = None) -> Iterator[Difference]:
    """Where the tables are not what the log tells; of all tasks and holds, or of these tasks.

    Work may go on meanwhile: what differs is looked at again, and only what stays different is named.
    """
    keys = list((Task.objects.all() if tasks is None else tasks).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        for task in sorted({one.task for one in _compare(batch) if one.task is not None}):
            yield from _lasting(lambda task=task: _compare([task]))  # type: ignore[misc]
    if tasks is None:
        yield from _lasting(_compare_holds)


def contradictions(tasks: models.QuerySet[Task] | None = None) -> Iterator[str]:
    """Where a line says that something was other than the lines before it say."""
    keys = list((Task.objects.all() if tasks is None else tasks).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        yield from fold(_events(task__in=keys[start : start + BATCH])).contradictions


def _lasting(look: Callable[[], list[Difference]]) -> list[Difference]:
    for _ in range(TRIES - 1):
        if not (found := look()):
            return found
    return look()


def _compare(tasks: list[int]) -> list[Difference]:
    state = fold(_events(task__in=tasks))
    return [one for noun in changes.NOUNS if noun != "hold" for one in _noun(noun, state, tasks)]


def _compare_holds() -> list[Difference]:
    return list(_noun("hold", holds(FOREVER), None))


def _noun(noun: str, state: State, tasks: list[int] | None) -> Iterator[Difference]:
    model = changes.NOUNS[noun]
    rows: models.QuerySet[Any] = models.QuerySet(model)
    if tasks is not None:
        rows = rows.filter(**{f"{model.OF_TASK}__in": tasks})
    told = dict(state.rows[noun])
    for id, task, image in changes.images(rows.order_by("pk"), model.LOGGED).values():
        found = {name: value for name, value in image.items() if value is not None}
        said = told.pop(id, None)
        if said != found:
            yield Difference(noun, id, task, _where(noun, id, found), said, found)
    for id, said in told.items():
        yield Difference(noun, id, _task_of(noun, id, said, state), _where(noun, id, said), said, None)


def _where(noun: str, id: int | str, row: Row) -> str:
    says = ("key", "stage", "item", "kind", "verb", "scope", "target")
    words = [str(row[name]) for name in says if name in row] if noun != "artifact" else []
    return f"{noun} {id} ({' '.join(words)})" if words else f"{noun} {id}"


def _task_of(noun: str, id: int | str, row: Row, state: State) -> int | None:
    if noun == "task":
        return int(id)
    if noun == "decision":
        row = state.of("review", row.get("review_id", 0))
    return row.get("task_id")


# -- Given back ---------------------------------------------------------------------------------------


def restore(found: Iterable[Difference], *, by: str) -> tuple[int, list[Difference]]:
    """Give rows back what the log says of them; returns how many, and what the log cannot give back: rows
    that are gone (their texts were never in it) and rows it does not know. Only an admin may."""
    access.require(by, "configure")
    done, left = 0, []
    for one in found:
        if one.said is None or one.found is None:
            left.append(one)
            continue
        with transaction.atomic():
            # Nothing is noted: the log says so already. Only that it was done is new.
            fields = {field.attname: field for field in changes.NOUNS[one.of]._meta.concrete_fields}
            values = {name: _typed(fields[name], one.said.get(name)) for name in one.columns}
            _rows_of(one).update(**values)
            task = Task.objects.filter(pk=one.task or 0).first()
            log.record(
                f"{'task' if task else 'hold'}.restored", by=by, task=task, of=one.of, id=one.id,
                columns={name: [(one.found or {}).get(name), one.said.get(name)] for name in one.columns},
            )  # fmt: skip
        done += 1
    return done, left


def _rows_of(one: Difference) -> models.QuerySet[Any]:
    model = changes.NOUNS[one.of]
    named = str(one.id).split("/") if len(model.NAMED_BY) > 1 else [one.id]
    return changes.told(model).filter(**dict(zip(model.NAMED_BY, named, strict=True)))
