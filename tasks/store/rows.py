"""Many rows of one table in one call. Django builds an expression per value, which costs a batch more than
the database does; here only the kinds of value that the driver does not know are converted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, models


def insert(rows: Sequence[models.Model]) -> None:
    """Store new rows of one model; their keys are not read back."""
    if rows:
        meta: Any = rows[0]._meta
        fields = [field for field in meta.concrete_fields if not field.primary_key]
        names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
        places = ", ".join(["%s"] * len(fields))
        _many(f"INSERT INTO {meta.db_table} ({names}) VALUES ({places})", rows, fields)


def update(rows: Sequence[models.Model], names: Iterable[str], where: str) -> None:
    """Store these fields of rows that exist, found by their keys, where the condition (SQL) holds."""
    if rows:
        meta: Any = rows[0]._meta
        fields = [meta.get_field(name) for name in names]
        changes = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
        _many(f"UPDATE {meta.db_table} SET {changes} WHERE id = %s AND {where}", rows, [*fields, meta.pk])


def _many(statement: str, rows: Sequence[models.Model], fields: Sequence[Any]) -> None:
    columns = [(field.attname, _converter(field)) for field in fields]
    values = [
        [convert(getattr(row, name)) if convert else getattr(row, name) for name, convert in columns]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _converter(field: Any) -> Callable[[Any], Any] | None:
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.JSONField):
        return lambda value: None if value is None else json.dumps(value)
    if isinstance(field, models.DecimalField):
        return lambda value: connection.ops.adapt_decimalfield_value(field.to_python(value))
    return None
