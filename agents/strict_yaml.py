"""A YAML reader for text that people and models write: every scalar is text, every value has a line.

PyYAML's own loaders guess (`no` is False, `12:30` a number, `3.10` is 3.1), keep the last of two equal keys
and expand aliases without end. This reader builds from parser events: no tags, no anchors, no merge keys, no
duplicate keys, bounded depth and size. Types come from a schema afterwards, with the line in the error: from
a pydantic model by `check`, from a JSON Schema by `agents/json_schema.py`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from agents.contract import Refused

Path = tuple[str | int, ...]
Shape = TypeVar("Shape", bound=BaseModel)

MAX_BYTES = 256_000  # an agent with very long instructions has about 20 kB
MAX_DEPTH = 16

#: what PyYAML's messages call things, and what people call them
_PLAINLY = (
    (
        re.compile(r"found character '\\t' that cannot start any token"),
        "a tab, and spaces are needed",
    ),
    (re.compile(r"mapping values are not allowed here"), "a second `: ` in one line; put the text in quotes"),
    (re.compile(r"special characters are not allowed"), "a control character, which no text has"),
    (re.compile(r"could not find expected ':'"), "a key without its colon"),
)


class Unreadable(Refused):
    """A YAML text was refused. `problems` holds one sentence each, with file and line in front."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Plain(str):
    """A scalar without quotes: the text that was written, which a JSON Schema may read as something else."""


@dataclass
class Document:
    """What was read: plain dicts, lists and strings, and the line (from 1) of every key path."""

    name: str
    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, *path: str | int) -> int:
        """The line of this path, or of the nearest parent that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def part(self, value: Any, *path: str | int) -> Document:
        """`value`, which stands at this path, as a document with the same lines."""
        deep = len(path)
        lines = {place[deep:]: line for place, line in self.lines.items() if place[:deep] == path}
        return Document(self.name, value, {(): self.line(*path)} | lines)

    def problem(self, text: str, *path: str | int) -> str:
        """One problem as a person reads it: `writer.yaml, line 4: ...`."""
        return f"{self.name}, line {self.line(*path)}: {text}"


def load(
    text: str,
    name: str,
    *,
    plain: bool = False,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
) -> Document:
    """Read one YAML document; an empty text gives an empty mapping.

    Every scalar is text, as it was written. `plain` marks those without quotes as `Plain`, for
    `json_schema.typed`. Raises `Unreadable`.
    """
    document = Document(name, {})
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        raise Unreadable([f"{name}, line 1: {size:,} bytes; at most {max_bytes:,} are read. Shorten it."])
    builder = _Builder(document, plain, max_depth)
    try:
        document.value = builder.build(iter(yaml.parse(text, Loader=yaml.BaseLoader)))
    except yaml.YAMLError as error:
        raise Unreadable([_describe(error, name, text)]) from None
    except (ValueError, RecursionError) as error:  # PyYAML lets both escape on odd input
        raise Unreadable([f"{name}, line 1: not readable as YAML ({error})."]) from None
    return document


def check(document: Document, shape: type[Shape]) -> Shape:
    """Give the document the types of `shape`; raise `Unreadable` with one line per wrong key."""
    if not isinstance(document.value, Mapping):
        found = _kind(document.value)
        raise Unreadable([document.problem(f"found {found} at the top; a mapping (`key: value`) is needed.")])
    try:
        return shape.model_validate(document.value)
    except ValidationError as error:
        raise Unreadable([_explain(document, shape, item) for item in error.errors()]) from None


def nearest(word: str, known: list[str]) -> str:
    """A closing hint: the likely word that was meant, or the list of all."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else "Known: " + (", ".join(sorted(known)) or "none") + "."


class _Builder:
    def __init__(self, document: Document, plain: bool, max_depth: int) -> None:
        self.document = document
        self.plain = plain
        self.max_depth = max_depth

    def build(self, events: Iterator[Any]) -> Any:
        value: Any = {}
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(event, "a second document starts here; one file holds one document.")
            elif isinstance(event, yaml.NodeEvent):
                value = self.node(event, events, ())
        return value

    def node(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        self.document.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, yaml.AliasEvent):
            self.refuse(event, f"`*{event.anchor}` repeats another value; write the value out.")
        if event.anchor:
            self.refuse(event, f"`&{event.anchor}` names a value; anchors are not read, remove it.")
        if event.tag is not None:
            self.refuse(event, f"the tag `{event.tag}` is not read; write a plain value.")
        if len(path) > self.max_depth:
            self.refuse(event, f"nested deeper than {self.max_depth} levels; flatten it.")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, path)
        return self.mapping(events, path)

    def scalar(self, event: Any) -> str:
        return Plain(event.value) if self.plain and event.style is None else str(event.value)

    def sequence(self, events: Iterator[Any], path: Path) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, events, (*path, len(items))))
        return items

    def mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag is not None:
                self.refuse(event, "a key must be a plain word.")
            key = event.value
            if key == "<<" and event.style is None:
                self.refuse(event, "`<<` merges another value; write the keys out.")
            if key in found:
                first = self.document.lines[(*path, key)]
                self.refuse(event, f"the key `{key}` is given twice (first on line {first}); keep one.")
            self.document.lines[(*path, key)] = event.start_mark.line + 1
            found[key] = self.node(next(events), events, (*path, key))
        return found

    def refuse(self, event: Any, text: str) -> None:
        raise Unreadable([f"{self.document.name}, line {event.start_mark.line + 1}: {text}"])


def _describe(error: yaml.YAMLError, name: str, text: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    if "could not find expected ':'" in problem or "end of stream" in problem:
        mark = getattr(error, "context_mark", None) or mark  # where it began, not where it was noticed
    line = mark.line + 1 if mark else 1
    if isinstance(error, yaml.reader.ReaderError):  # it knows the place, not the line
        line = text.count("\n", 0, error.position) + 1
    problem = next((words for pattern, words in _PLAINLY if pattern.search(problem)), problem)
    return f"{name}, line {line}: not readable as YAML ({problem}). Check indentation, quotes and tabs."


def _kind(value: Any) -> str:
    names: dict[type, str] = {dict: "a mapping", list: "a list", str: "text"}
    return names.get(type(value), type(value).__name__)


def _explain(document: Document, shape: type[BaseModel], item: Any) -> str:
    path: Path = tuple(item["loc"])
    dotted = ".".join(str(part) for part in path)
    match item["type"]:
        case "extra_forbidden":
            text = f"unknown key `{dotted}`. {nearest(str(path[-1]), _keys(shape, path[:-1]))}"
        case "missing":
            text = f"`{dotted}` is missing."
        case _:
            found = item["input"] if isinstance(item["input"], str | int | float) else _kind(item["input"])
            reason = item["msg"].removeprefix("Value error, ")
            text = f"`{dotted}`: found {str(found)[:80]!r}. {reason}."
    return document.problem(text.replace("..", "."), *path)


def _keys(shape: Any, path: Path) -> list[str]:
    for part in path:
        fields = getattr(shape, "model_fields", {})
        shape = getattr(fields.get(str(part)), "annotation", None)
    return list(getattr(shape, "model_fields", {}))
