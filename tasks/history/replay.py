"""Folds the log into the state it tells of: what `verify` and `rebuild` compare and a page of the past shows.

The log alone is read. It holds what happened and the hashes of what was made, not the texts: those stay in
their artifacts, comments and runs. What belongs to one task is folded task by task; holds, people, messages,
notices and settings, which belong to the house, in one go. Times that a line's own `at` tells (when a stage
was claimed) and counters that follow from the rest (`needs_left`, `version`) are not folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction

from tasks import access, log
from tasks.models import Event, Run, Task

from . import changes

Row = dict[str, Any]
BATCH = 200  # tasks folded at once
TRIES = 3
#: A run in one of these may still bring a result; what it says until then no line tells.
STILL = frozenset({Run.Status.DOING.value, Run.Status.LOST.value, Run.Status.STOPPED.value})
UNDER_WAY = ("brief", "summary", "error", "notes", "tokens_in", "tokens_out", "cost_usd")
#: what an event must bring to be folded
COLUMNS = ("id", "kind", "task_id", "stage", "by", "at", "data", "changed")
#: what a column that cannot be NULL holds where the log says nothing
EMPTY: dict[str, Any] = {"CharField": "", "TextField": "", "JSONField": [], "BooleanField": False}


@dataclass
class State:
    """Rows as the log tells of them: noun -> what names a row -> its columns. What is empty is not there."""

    rows: dict[str, dict[int | str, Row]] = field(default_factory=lambda: {n: {} for n in changes.NOUNS})
    #: fold only what belongs to the house; only what belongs to a task
    house: bool = False
    #: where a line says that something was other than the lines before it say
    contradictions: list[str] = field(default_factory=list)

    def of(self, noun: str, id: int | str) -> Row:
        """One row; a new one where the log has not told of it yet."""
        return self.rows[noun].setdefault(id, {})

    def fold(self, event: Event) -> None:
        """Let one line take effect."""
        if rule := (HOUSE if self.house else RULES).get(event.kind):
            rule(self, event)
        for change in changes.unpacked(event.changed or ()):
            if self.house is bool(changes.NOUNS[change.of].OF_TASK) or _too_late(self, change):
                continue
            row = self.of(change.of, change.id)
            for name, value in (change.was or {}).items():
                if row.get(name) != value:
                    what = f"event {event.pk}: the {name} of {change.of} {change.id} was {value!r}"
                    self.contradictions.append(f"{what}; the log before it says {row.get(name)!r}")
            _set(row, change.now)


def _too_late(state: State, change: changes.Change) -> bool:
    """A run whose result was accepted does not change any more (see `store.write_runs`)."""
    if change.of != "run" or "status" not in change.now:
        return False
    status = state.rows["run"].get(change.id, {}).get("status")
    return status not in {None, *STILL} and status != change.now["status"]


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
    if "run" in data:
        began = {
            "task_id": event.task_id, "subtask_id": data["subtask"], "fence": data["fence"],
            "agent": data["agent"], "agent_version": data["version"], "worker_name": data["worker"] or None,
            "status": Run.Status.DOING.value,
        }  # fmt: skip
        _set(state.of("run", data["run"]), began)


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
        "built_on": data.get("built_on"),
    }  # fmt: skip
    _set(state.of("artifact", f"{event.task_id}/{data['kind']}/{data['number']}"), now)


def _uncommented(state: State, event: Event) -> None:
    state.rows["comment"].pop(event.data["comment"], None)


def _delivered(noun: str) -> Callable[[State, Event], None]:
    def rule(state: State, event: Event) -> None:
        word = event.kind.partition(".")[2]
        state.of(noun, event.data[noun])["state"] = None if word == "resent" else word

    return rule


def _removed(noun: str, with_it: dict[str, str]) -> Callable[[State, Event], None]:
    """A row was removed, and with it what names it in these columns of other nouns."""

    def rule(state: State, event: Event) -> None:
        gone = event.data[noun]
        state.rows[noun].pop(gone, None)
        for other, column in with_it.items():
            for id in [id for id, row in state.rows.get(other, {}).items() if row.get(column) == gone]:
                del state.rows[other][id]

    return rule


def _membership(state: State, event: Event) -> None:
    if not event.data["role"] and "member" in event.data:
        state.rows["member"].pop(event.data["member"], None)


def _groups(state: State, event: Event) -> None:
    state.of("person", event.data["person"])["groups"] = event.data["groups"] or None


#: what lines say of what belongs to the house, beside what they carry as changed
HOUSE: dict[str, Callable[[State, Event], None]] = {
    **{f"notice.{word}": _delivered("notice") for word in ("sent", "uncertain", "dead", "resent")},
    **{
        f"message.{word}": _delivered("message")
        for word in ("received", "noted", "refused", "sent", "uncertain", "dead", "resent")
    },
    "schedule.removed": _removed("schedule", {"occurrence": "schedule_id"}),
    "member.set": _membership,
    "person.groups": _groups,
    "person.removed": _removed(
        "person", {"member": "user_id", "absence": "user_id", "token": "user_id", "link": "user_id"}
    ),
}


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
    state = State(house=True)
    for event in _events(kind__startswith="hold.", pk__lte=until):
        state.fold(event)
    return state


def house() -> State:
    """All that belongs to the house and to no task, as the log tells of it."""
    state = State(house=True)
    telling = models.Q(changed__isnull=False) | models.Q(kind__in=list(HOUSE))
    for event in Event.objects.filter(telling).order_by("pk").only(*COLUMNS).iterator(2_000):
        state.fold(event)
    return state


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
    gone. `task` is None for what belongs to no task."""

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
        return "; ".join(f"{self.where}: {self._differs(name)}" for name in self.columns)

    def _differs(self, name: str) -> str:
        if name in changes.NOUNS[self.of].HASHED:
            return f"{name} is not what was stored (the log has another hash)"
        return f"{name} is {(self.found or {}).get(name)!r}, the log says {(self.said or {}).get(name)!r}"

    @property
    def columns(self) -> list[str]:
        """Which columns differ."""
        said, found = self.said or {}, self.found or {}
        return [name for name in sorted({*said, *found}) if said.get(name) != found.get(name)]


def differences(tasks: models.QuerySet[Task] | None = None) -> Iterator[Difference]:
    """Where the tables are not what the log tells; of everything, or of these tasks.

    Work may go on meanwhile: what differs is looked at again, and only what stays different is named.
    """
    keys = list((Task.objects.all() if tasks is None else tasks).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        for task in sorted({one.task for one in _compare(batch) if one.task is not None}):
            yield from _lasting(lambda task=task: _compare([task]))  # type: ignore[misc]
    if tasks is None:
        yield from _lasting(_compare_house)


def contradictions(tasks: models.QuerySet[Task] | None = None) -> Iterator[str]:
    """Where a line says that something was other than the lines before it say."""
    keys = list((Task.objects.all() if tasks is None else tasks).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        yield from fold(_events(task__in=keys[start : start + BATCH])).contradictions
    if tasks is None:
        yield from house().contradictions


def _lasting(look: Callable[[], list[Difference]]) -> list[Difference]:
    for _ in range(TRIES - 1):
        if not (found := look()):
            return found
    return look()


def _compare(tasks: list[int]) -> list[Difference]:
    state = fold(_events(task__in=tasks))
    return [
        one for noun, model in changes.NOUNS.items() if model.OF_TASK for one in _noun(noun, state, tasks)
    ]


def _compare_house() -> list[Difference]:
    state = house()
    return [
        one for noun, model in changes.NOUNS.items() if not model.OF_TASK for one in _noun(noun, state, None)
    ]


def _noun(noun: str, state: State, tasks: list[int] | None) -> Iterator[Difference]:
    model = changes.NOUNS[noun]
    rows: models.QuerySet[Any] = models.QuerySet(model)
    if tasks is not None:
        rows = rows.filter(**{f"{model.OF_TASK}__in": tasks})
    told = dict(state.rows[noun])
    more = model.beside_columns()
    for key, (id, task, image) in changes.images(rows.order_by("pk"), changes.told_of(model)).items():
        found = {name: value for name, value in (image | more.get(key, {})).items() if value is not None}
        said = told.pop(id, None)
        if said is not None and said != found:
            _settle(noun, said, found)
        if said != found:
            yield Difference(noun, id, task, _where(noun, id, found), said, found)
    for id, said in told.items():
        yield Difference(noun, id, _task_of(noun, id, said, state), _where(noun, id, said), said, None)


def _settle(noun: str, said: Row, found: Row) -> None:
    """Leave out what is still under way, of which no line tells yet."""
    if noun == "run" and found.get("status") in STILL and found.get("status") == said.get("status"):
        for name in UNDER_WAY:
            said.pop(name, None)
            found.pop(name, None)
    if noun in {"notice", "message"}:
        at_rest = said.get("state") in {None, "uncertain"}
        if found.get("state") in {"pending", "sending"} and at_rest:
            said["state"] = found["state"]
        if str(found.get("key")).startswith("run:"):  # it crossed while its agent worked
            said["state"] = found.get("state")


def _where(noun: str, id: int | str, row: Row) -> str:
    says = ("username", "slug", "name", "key", "stage", "item", "kind", "verb", "scope", "target")
    words = [str(row[name]) for name in says if name in row] if noun not in {"artifact", "need"} else []
    return f"{noun} {id} ({' '.join(words)})" if words else f"{noun} {id}"


def _task_of(noun: str, id: int | str, row: Row, state: State) -> int | None:
    if noun == "task":
        return int(id)
    if noun == "need":
        row = state.of("subtask", int(str(id).partition("/")[0]))
    if noun == "decision":
        row = state.of("review", row.get("review_id", 0))
    return row.get("task_id")


# -- Given back ---------------------------------------------------------------------------------------


def restore(found: Iterable[Difference], *, by: str) -> tuple[int, list[Difference]]:
    """Give rows back what the log says of them; returns how many, and what the log cannot give back: rows
    that are gone (their texts were never in it), rows it does not know, and columns of which it has only the
    hash. Only an admin may."""
    access.require(by, "configure")
    done, left = 0, []
    for one in found:
        columns = [name for name in one.columns if name in changes.NOUNS[one.of].LOGGED]
        if one.said is None or one.found is None or columns != one.columns:
            left.append(one)
        if one.said is None or one.found is None or not columns:
            continue
        with transaction.atomic():
            # Nothing is noted: the log says so already. Only that it was done is new.
            fields = {field.attname: field for field in changes.NOUNS[one.of]._meta.concrete_fields}
            values = {name: _typed(fields[name], one.said.get(name)) for name in columns}
            _rows_of(one).update(**values)
            task = Task.objects.filter(pk=one.task or 0).first()
            log.record(
                f"{'task' if task else 'hold'}.restored", by=by, task=task, of=one.of, id=one.id,
                columns={name: [(one.found or {}).get(name), one.said.get(name)] for name in columns},
            )  # fmt: skip
        done += 1
    return done, left


def _rows_of(one: Difference) -> models.QuerySet[Any]:
    model = changes.NOUNS[one.of]
    named = str(one.id).split("/") if len(model.NAMED_BY) > 1 else [one.id]
    return changes.told(model).filter(**dict(zip(model.NAMED_BY, named, strict=True)))
