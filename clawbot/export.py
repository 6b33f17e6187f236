"""The log as files for others: JSON lines, and CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

from django.db.models import QuerySet

from agents.masking import mask_deep
from tasks.models import Event

BATCH = 1_000
COLUMNS = ("id", "at", "kind", "task", "stage", "by", "channel", "data", "changed")
#: what a spreadsheet would read as the start of a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def batches(events: QuerySet[Event]) -> Iterator[list[Event]]:
    """The events oldest first, a batch at a time, so that a log of any length needs little memory."""
    last = -(2**63)
    rows = events.select_related("task").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        yield batch
        last = batch[-1].pk


def facts(event: Event) -> dict[str, Any]:
    """One event as plain values."""
    return {
        "id": event.pk, "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"), "kind": event.kind,
        "task": event.task.key if event.task else "", "stage": event.stage, "by": event.by,
        "channel": event.channel, "data": mask_deep(event.data), "changed": mask_deep(event.changed),
    }  # fmt: skip


def jsonl(batch: list[Event], *, first: bool = False) -> str:
    """One JSON object per line."""
    return "".join(json.dumps(facts(event), ensure_ascii=False) + "\n" for event in batch)


def as_csv(batch: list[Event], *, first: bool = False) -> str:
    """RFC 4180, with a header before the first batch. A cell that looks like a formula begins with a '."""
    text = io.StringIO()
    writer = csv.writer(text)
    if first:
        writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in facts(event).values()] for event in batch)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        value = value.replace("\0", "")
        return f"'{value}" if value.startswith(FORMULA) else value
    return value


#: name -> (what writes a batch, its media type)
FORMATS: dict[str, tuple[Callable[..., str], str]] = {
    "jsonl": (jsonl, "application/x-ndjson"),
    "csv": (as_csv, "text/csv; charset=utf-8"),
}


def lines(events: QuerySet[Event], form: str) -> Iterator[str]:
    """The whole export, a batch at a time; an empty log still has its header."""
    write = FORMATS[form][0]
    empty = True
    for batch in batches(events):
        yield write(batch, first=empty)
        empty = False
    if empty:
        yield write([], first=True)
