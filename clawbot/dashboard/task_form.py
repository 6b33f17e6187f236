"""The form of a new task, made from its workflow's input schema, and the input read back from it."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from django.http import QueryDict

from agents import json_schema, strict_yaml
from agents.contract import Refused
from tasks.models import Workflow

from .cards import stage_title

EMPTY_ROWS = 2  # of a table, below those that are filled
# A long text is worth more than one line.
LONG_TEXTS = {"brief", "description", "instructions", "text", "body"}


@dataclass(frozen=True)
class Field:
    """One input of the form, made from one property of the schema."""

    name: str
    kind: str  # line, text, lines, files, number, date, pair, yes, choice, rows, data
    label: str
    help: str
    required: bool
    value: Any
    error: str = ""
    schema: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def step(self) -> str:
        """What a number may be: whole, or any."""
        return "1" if self.schema.get("type") == "integer" else "any"

    @property
    def columns(self) -> list[Column]:
        """What each row of a table consists of."""
        return columns(self.schema)


@dataclass(frozen=True)
class Column:
    """One value of each row of a table."""

    name: str
    kind: str  # line, number, choice
    label: str
    schema: dict[str, Any]

    @property
    def step(self) -> str:
        """What a number may be: whole, or any."""
        return "1" if self.schema.get("type") == "integer" else "any"


def columns(schema: dict[str, Any]) -> list[Column]:
    """The columns of a list of flat mappings, from the schema of the list."""
    parts = schema.get("items", {}).get("properties", {})
    return [Column(name, _kind(name, one), _label(name), one) for name, one in parts.items()]


def _label(name: str) -> str:
    return stage_title(name)


def fields(flow: Workflow, given: dict[str, Any], errors: dict[str, str]) -> list[Field]:
    """Every property of the workflow's input but the title and the due date, in the order of the file."""
    schema = _schema(flow)
    required = set(schema.get("required", []))
    return [
        Field(
            name=name, kind=_kind(name, one), label=_label(name),
            help=one.get("description", ""), required=name in required,
            value=_shown(_kind(name, one), given.get(name)), error=errors.get(name, ""), schema=one,
        )
        for name, one in schema.get("properties", {}).items()
        if name not in {"title", "due"}
    ]  # fmt: skip


def _schema(flow: Workflow) -> dict[str, Any]:
    return dict(flow.active.definition["input"]) if flow.active else {}


def _kind(name: str, one: dict[str, Any]) -> str:
    if one.get("enum"):
        return "choice"
    match one.get("type"):
        case "array" if name in {"sources", "files"}:
            return "files"
        case "array" if one.get("items", {}).get("type") in (None, "string"):
            return "lines"
        case "array" if _is_flat(one.get("items", {})):
            return "rows"
        case "object" if set(one.get("properties", {})) == {"min", "max"}:
            return "pair"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "yes"
        case "array" | "object":
            return "data"
    if one.get("format") == "date":
        return "date"
    return "text" if name in LONG_TEXTS else "line"


def _is_flat(schema: dict[str, Any]) -> bool:
    """Whether an item is a mapping of a few plain values: a row of a table."""
    parts = schema.get("properties", {})
    return 0 < len(parts) <= 5 and all(_kind(*part) in {"line", "number", "choice"} for part in parts.items())


def _shown(kind: str, value: Any) -> Any:
    """A value as the control holds it."""
    if kind in {"lines", "files"}:
        return "\n".join(
            _line(one) for one in (value if isinstance(value, list) else [value] if value else [])
        )
    if kind == "rows":
        rows = [row for row in value or [] if isinstance(row, dict)] if isinstance(value, list) else []
        return [*rows, *({} for _ in range(EMPTY_ROWS))]
    if kind == "pair":
        return {"min": "", "max": ""} | (value if isinstance(value, dict) else {})
    if kind == "data":
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
    return "" if value is None else value


def _line(one: Any) -> str:
    """One of a list as a line: what is no text is written as JSON, and read as that."""
    return one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)


def _read_line(line: str) -> Any:
    try:
        return json.loads(line) if line.startswith("{") else line
    except ValueError:
        return line


def read(flow: Workflow, post: QueryDict) -> dict[str, Any]:
    """The form's values as the input they stand for. Empty controls are left out. Raises `Refused`
    where one cannot be read."""
    given: dict[str, Any] = {}
    for name, one in _schema(flow).get("properties", {}).items():
        kind = _kind(name, one)
        value = _rows(name, one, post) if kind == "rows" else _value(kind, name, post, one)
        if value not in (None, "", [], {}):
            given[name] = value
    return given


def _value(kind: str, name: str, post: QueryDict, schema: dict[str, Any]) -> Any:
    text = post.get(name, "").strip()
    match kind:
        case "lines" | "files":
            return [_read_line(line.strip()) for line in text.splitlines() if line.strip()]
        case "pair":
            ends = {end: number(post.get(f"{name}_{end}", ""), name) for end in ("min", "max")}
            return {end: value for end, value in ends.items() if value is not None}
        case "number":
            return number(text, name)
        case "yes":
            return True if name in post else None
        case "data":
            return _data(text, name, schema)
    return text


def _rows(name: str, one: dict[str, Any], post: QueryDict) -> list[dict[str, Any]]:
    """The filled rows of a table: its columns are posted as lists side by side."""
    parts = columns(one)
    lists = [post.getlist(f"{name}.{part.name}") for part in parts]
    found = []
    for cells in zip_longest(*lists, fillvalue=""):
        row = {
            part.name: number(cell, name) if part.kind == "number" else cell.strip()
            for part, cell in zip(parts, cells, strict=True)
            if cell.strip()
        }
        if row:
            found.append(row)
    return found


def number(text: str, name: str) -> int | float | None:
    text = text.strip()
    if not text:
        return None
    try:
        found = int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise Refused(f"{_label(name)}: {text[:40]!r} is not a number.")
    return found


def _data(text: str, name: str, schema: dict[str, Any]) -> Any:
    if not text:
        return None
    try:
        return json_schema.typed(strict_yaml.load(text, name, plain=True).value, schema)
    except strict_yaml.Unreadable as error:
        raise Refused(f"{_label(name)}: {error}") from None


def missing(flow: Workflow, title: str, given: dict[str, Any]) -> dict[str, str]:
    """What is required and empty, by field."""
    values = {**given, "title": title}
    required = dict.fromkeys(["title", *_schema(flow).get("required", [])])
    return {name: f"{_label(name)} is needed." for name in required if values.get(name) in (None, "", [], {})}


def upload_to(flow: Workflow) -> str:
    """The input that uploaded files are added to; empty where the workflow takes none."""
    parts = _schema(flow).get("properties", {})
    return next((name for name, one in parts.items() if _kind(name, one) == "files"), "")
