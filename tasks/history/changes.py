"""What rows changed, for the event that tells of it.

Every row that people or agents rely on notes each change of its `LOGGED` columns by itself, whoever makes it:
a verb need not think of it. Of a column in `HASHED` the log carries the hash, not the value: a text, or what
is nobody's business in a log.
`log.write` takes what was noted in its transaction into the events of the same tasks. A change whose
transaction commits without any event is reported.

    {"of": "subtask", "ids": [7, 8], "was": {"status": "ready"}, "now": {"status": "cancelled"}}
    {"of": "subtask", "ids": [9, 10], "now": {"stage": "read"}, "each": {"item": ["00001", "00002"]}}

The first changed rows, the second has no `was`: new rows. What differs from row to row stands in `each`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self, TypeVar, cast

from django.db import connection, models, transaction

from agents.masking import mask_deep

M = TypeVar("M", bound=models.Model)
_logger = logging.getLogger(__name__)

#: noun -> the model whose rows note their changes
NOUNS: dict[str, type[Recorded]] = {}


@dataclass(frozen=True)
class Change:
    """One row before and after: only the columns that differ. `was` None: the row is new."""

    of: str
    id: int | str
    task: int | None
    was: dict[str, Any] | None
    now: dict[str, Any]


class _Noted:
    """Changes of one transaction that no event has told of yet. It lives among the connection's callbacks,
    so that a rollback, also one to a savepoint, forgets it."""

    __slots__ = ("changes", "told")

    def __init__(self, changes: list[Change]) -> None:
        self.changes = changes
        self.told: _Told | None = None

    def __call__(self) -> None:
        if self.told is None:
            some = ", ".join(sorted({f"{one.of} {one.id} ({' '.join(one.now)})" for one in self.changes})[:5])
            _logger.error("Changed without an event: %s. Write the event in the same transaction.", some)


class _Told:
    """That an event tells of them. A rollback to a savepoint takes the event back, and this with it."""

    def __call__(self) -> None:
        pass


def note(changes: list[Change]) -> None:
    """Note changes of rows in the caller's transaction."""
    if changes:
        transaction.on_commit(_Noted(changes))


def waiting() -> list[Change]:
    """What this transaction has noted and no event has told of yet; it goes on waiting."""
    return [change for one in _untold() for change in one.changes]


def untold() -> list[Change]:
    """What this transaction has changed and no event has told of; the caller tells of it now."""
    left = _untold()
    if left:
        told = _Told()
        for one in left:
            one.told = told
        transaction.on_commit(told)
    return _coalesced(change for one in left for change in one.changes)


def _untold() -> list[_Noted]:
    callbacks = [entry[1] for entry in connection.run_on_commit]
    still = {id(callback) for callback in callbacks if isinstance(callback, _Told)}
    noted = [callback for callback in callbacks if isinstance(callback, _Noted)]
    return [one for one in noted if one.told is None or id(one.told) not in still]


def _coalesced(changes: Iterable[Change]) -> list[Change]:
    """One change per row: as it was before the first, as it is after the last."""
    rows: dict[tuple[str, int | str], Change] = {}
    for one in changes:
        first = rows.get((one.of, one.id))
        if first is not None:
            was = None if first.was is None else {**(one.was or {}), **first.was}
            one = Change(one.of, one.id, one.task, was, {**first.now, **one.now})
        rows[one.of, one.id] = one
    return list(rows.values())


def plain(value: Any) -> Any:
    """A column's value as JSON keeps it. Nothing, zero and empty are all None: a new row has them too."""
    if isinstance(value, models.Model):
        value = value.pk
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) or None
    if isinstance(value, str):
        return str(value) or None  # a choice's word, not the choice
    if isinstance(value, tuple):
        return list(value) or None
    return value or None


def fingerprint(value: Any) -> str | None:
    """The hash of a text, or of a JSON value in canonical form; None for what is empty."""
    if not value and value is not False:
        return None
    text = value if isinstance(value, str) else json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )  # fmt: skip
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def said(model: Any, name: str, value: Any) -> Any:
    """A column's value as the log says it."""
    return fingerprint(value) if name in model.HASHED else plain(value)


def told_of(model: Any) -> tuple[str, ...]:
    """The columns of a model that the log tells of."""
    return (*model.LOGGED, *model.HASHED)


def mask_words(rows: Iterable[Any]) -> None:
    """Take secrets out of what these rows are about to store beside the work."""
    for row in rows:
        for name in row.MASKED:
            setattr(row, name, mask_deep(getattr(row, name)))


class Rows(models.QuerySet[M]):
    """Rows that note what changes in them."""

    _told = False

    def _clone(self) -> Self:
        rows: Self = super()._clone()  # type: ignore[misc]
        rows._told = self._told
        return rows

    def update(self, **values: Any) -> int:
        """As always, and noted."""
        model: Any = self.model  # one of the models below, all of them Recorded
        fields = {name: model._meta.get_field(name) for name in values if name != "pk"}
        values = {name: mask_deep(one) if name in model.MASKED else one for name, one in values.items()}
        names = [field.attname for field in fields.values() if field.attname in told_of(model)]
        if self._told or not names:
            return super().update(**values)
        if not connection.in_atomic_block:
            with transaction.atomic():
                return self.update(**values)
        before = images(_locked(self), names)
        if not before:
            return 0
        mine: models.QuerySet[Any] = models.QuerySet(self.model, using=self.db).filter(pk__in=list(before))
        updated = mine.update(**values)
        if any(hasattr(value, "resolve_expression") for value in values.values()):
            after = {pk: now for pk, (_, _, now) in images(mine, names).items()}
        else:
            known = {
                field.attname: said(model, field.attname, values[name]) for name, field in fields.items()
            }
            after = {pk: {name: known[name] for name in names} for pk in before}
        note([
            change for pk, (id, task, was) in before.items()
            if pk in after and (change := _between(model, id, task, was, after[pk]))
        ])  # fmt: skip
        return updated

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """As always, and noted."""
        rows = list(objs)
        mask_words(rows)
        if self._told or not rows:
            return super().bulk_create(rows, *args, **kwargs)
        with transaction.atomic(savepoint=False):
            made = super().bulk_create(rows, *args, **kwargs)
            model = cast(Any, self.model)
            if kwargs.get("ignore_conflicts"):  # which of them are new only the table knows
                note(_stored(model, made))
            else:
                note([_new(row) for row in _with_keys(model, made)])
        return made


def told(model: type[M]) -> models.QuerySet[M]:
    """The rows of a model, which the caller changes without a note: its own event says all of it, as the
    hot path's do."""
    rows: Any = model._default_manager.all()
    rows._told = True
    return rows


RowsManager = models.Manager.from_queryset(Rows)


class Recorded(models.Model):
    """A model whose rows note what changes in them."""

    NOUN: ClassVar[str]
    LOGGED: ClassVar[tuple[str, ...]]
    HASHED: ClassVar[tuple[str, ...]] = ()
    #: words beside the work, in which no secret is stored (agents/masking.py)
    MASKED: ClassVar[tuple[str, ...]] = ()
    #: what names one row in the log, for ever
    NAMED_BY: ClassVar[tuple[str, ...]] = ("pk",)
    #: how a row knows its task; empty where it has none
    OF_TASK: ClassVar[str] = "task_id"
    #: what tells rows apart before they have a key
    UNIQUE: ClassVar[tuple[str, ...]] = ()

    objects = RowsManager()

    class Meta:
        abstract = True

    @classmethod
    def beside_columns(cls) -> dict[int, dict[str, Any]]:
        """What the log tells of rows beside their columns of `LOGGED` and `HASHED`, by their keys."""
        return {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "NOUN" in cls.__dict__:
            NOUNS[cls.NOUN] = cls

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As always, and noted."""
        mask_words([self])
        only = kwargs.get("update_fields")
        names = [
            name for name in told_of(self) if only is None or _field(self, name).name in only or name in only
        ]
        is_new = self._state.adding
        if only is not None and not names:
            super().save(*args, **kwargs)
            return
        with transaction.atomic(savepoint=False):
            mine: models.QuerySet[Any] = models.QuerySet(type(self)).filter(pk=self.pk)
            before = {} if is_new else images(mine, names)
            super().save(*args, **kwargs)
            if is_new:
                note([_new(self)])
            for id, task, was in before.values():
                change = _between(type(self), id, task, was, next(iter(images(mine, names).values()))[2])
                note([change] if change else [])


def _field(row: Recorded, name: str) -> Any:
    return next(field for field in row._meta.concrete_fields if field.attname == name)


_Image = tuple[int | str, int | None, dict[str, Any]]


def images(rows: models.QuerySet[Any], names: Sequence[str]) -> dict[int, _Image]:
    """Rows by their key: what names each in the log, its task, and these columns as the log keeps them."""
    model = rows.model
    columns = list(
        dict.fromkeys(["pk", *model.NAMED_BY, *([model.OF_TASK] if model.OF_TASK else []), *names])
    )
    found: dict[int, _Image] = {}
    for values in rows.values_list(*columns):
        row = dict(zip(columns, values, strict=True))
        id = _id([row[name] for name in model.NAMED_BY])
        found[row["pk"]] = (
            id,
            row.get(model.OF_TASK),
            {name: said(model, name, row[name]) for name in names},
        )
    return found


def _id(named: Sequence[Any]) -> int | str:
    return named[0] if len(named) == 1 else "/".join(map(str, named))


def _locked(rows: Rows) -> Rows:
    """These rows, in the order of their keys and locked, so that nobody changes them before we do."""
    rows = rows.order_by("pk")
    features = connection.features
    if not features.has_select_for_update or rows.query.distinct:
        return rows
    return (
        rows.select_for_update(of=("self",))
        if features.has_select_for_update_of
        else rows.select_for_update()
    )


def _between(
    model: type[Recorded], id: int | str, task: int | None, was: dict[str, Any], now: dict[str, Any]
) -> Change | None:
    differ = [name for name in now if was[name] != now[name]]
    if not differ:
        return None
    return Change(
        model.NOUN, id, task, {name: was[name] for name in differ}, {name: now[name] for name in differ}
    )


def _new(row: Recorded) -> Change:
    task: Any = row if row.OF_TASK else None
    for step in filter(None, row.OF_TASK.split("__")):
        task = getattr(task, step)
    values = {name: said(row, name, getattr(row, name)) for name in told_of(row)}
    now = {name: value for name, value in values.items() if value is not None}
    return Change(row.NOUN, _id([getattr(row, name) for name in row.NAMED_BY]), task, None, now)


def _stored(model: type[Recorded], made: list[Any]) -> list[Change]:
    """What the table holds under the names of these rows, whoever stored it first."""
    (name,) = model.UNIQUE
    rows: models.QuerySet[Any] = models.QuerySet(model)
    found = images(rows.filter(**{f"{name}__in": [getattr(row, name) for row in made]}), told_of(model))
    return [
        Change(
            model.NOUN, id, task, None, {name: value for name, value in image.items() if value is not None}
        )
        for id, task, image in found.values()
    ]


def _with_keys(model: type[Recorded], made: list[Any]) -> list[Any]:
    """The rows just made, with their keys: not every database hands them back."""
    if all(row.pk is not None for row in made) or model.NAMED_BY != ("pk",):
        return made
    where = {f"{name}__in": {getattr(row, name) for row in made} for name in model.UNIQUE}
    stored: Any = models.QuerySet(model).filter(**where).values_list("pk", *model.UNIQUE)
    keys = {tuple(unique): pk for pk, *unique in stored}
    for row in made:
        row.pk = row.pk or keys[tuple(getattr(row, name) for name in model.UNIQUE)]
    return made


# -- As an event carries them ------------------------------------------------------------------------


def packed(changes: Collection[Change]) -> list[dict[str, Any]]:
    """Changes as one event carries them: alike ones together, what is the same in all of them said once."""
    alike: dict[tuple[Any, ...], list[Change]] = {}
    for one in changes:
        # In their order: of two changes of the same row the later one counts.
        alike.setdefault((one.of, one.was is None, *one.now), []).append(one)
    return [_pack(group) for group in alike.values()]


def _pack(group: list[Change]) -> dict[str, Any]:
    first = group[0]
    entry: dict[str, Any] = {"of": first.of, "ids": [one.id for one in group]}
    for side, each in (("was", "each_was"), ("now", "each")):
        images = [getattr(one, side) for one in group]
        if images[0] is None:
            continue
        entry[side] = {
            name: value for name, value in images[0].items() if all(i[name] == value for i in images)
        }
        if differing := [name for name in images[0] if name not in entry[side]]:
            entry[each] = {name: [image[name] for image in images] for name in differing}
    return entry


def unpacked(entries: Iterable[dict[str, Any]]) -> list[Change]:
    """The changes that an event carries. Their task is the event's own."""
    found = []
    for entry in entries:
        for place, id in enumerate(entry["ids"]):
            was = _side(entry, "was", "each_was", place) if "was" in entry else None
            found.append(Change(entry["of"], id, None, was, _side(entry, "now", "each", place)))
    return found


def _side(entry: dict[str, Any], side: str, each: str, place: int) -> dict[str, Any]:
    varying = {name: values[place] for name, values in entry.get(each, {}).items()}
    return {**entry[side], **varying}
