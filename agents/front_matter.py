"""The head of a Markdown draft: `---`, a few fields, `---`. Read strictly; what is written reads back equal.

The head of somebody else's document is read with patience (`described`), in YAML or TOML.

Fields describe the text. What decides about the text (status, approval) can never stand here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import yaml
from frontmatter.default_handlers import BaseHandler, YAMLHandler

from agents.strict_yaml import Unreadable, load

FIELDS = (
    "title",
    "slug",
    "description",
    "keyword",
    "audience",
    "date",
    "author",
    "tags",
    "lang",
    "image",
    "sources",
)

MAX_BYTES = 20_000


class _Yaml(YAMLHandler):
    """Scalars stay what was written: a title `3.10` is no number."""

    def load(self, fm: str, **named: object) -> Any:
        return yaml.load(fm, Loader=yaml.BaseLoader)


class _Toml(BaseHandler):
    START_DELIMITER = END_DELIMITER = "+++"

    def load(self, fm: str) -> Any:
        return tomllib.loads(fm)


_YAML = _Yaml(fm_boundary=re.compile(r"^-{3}[ \t]*(?:\n|\Z)", re.M))
_TOML = _Toml(fm_boundary=re.compile(r"^\+{3}[ \t]*(?:\n|\Z)", re.M))
_FIELD = re.compile(r"\A[\w-]+[ \t]*:(?:[ \t]|$)", re.M)


def split(text: str) -> tuple[str, str]:
    """Cut a draft into the YAML of its head (empty where it has none) and its body, verbatim. A rule at the
    start of a text begins no head: what follows it is not `field: value`."""
    text = text.replace("\r\n", "\n")
    head, body = _cut(text, _YAML)
    return (head, body) if not head.strip() or _FIELD.match(head) or _fields(head, _YAML) else ("", text)


def described(text: str) -> tuple[dict[str, Any], str]:
    """What a document says of itself in its head (YAML or TOML), and its body; nothing and the whole text
    where there is no head that can be read."""
    text = text.replace("\r\n", "\n")
    for handler in (_YAML, _TOML):
        head, body = _cut(text, handler)
        if fields := _fields(head, handler):
            return fields, body
    return {}, text


def _cut(text: str, handler: BaseHandler) -> tuple[str, str]:
    if handler.detect(text):
        with suppress(ValueError):  # it is never closed
            return handler.split(text)
    return "", text


def _fields(head: str, handler: BaseHandler) -> dict[str, Any]:
    """The fields of a head; none if it is text between two rules."""
    try:
        found = handler.load(head) if len(head) <= MAX_BYTES else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and not head.startswith("\n") else {}


def read(text: str, name: str = "front matter") -> tuple[dict[str, Any], str]:
    """Read a draft as (fields, body). Raises `Unreadable` for a head with anything but known fields."""
    head, body = split(text)
    if not head.strip():
        return {}, body
    document = load("\n" + head, name, max_bytes=MAX_BYTES, max_depth=3)
    if not isinstance(document.value, dict):
        raise Unreadable([document.problem("the head must be `field: value` lines.")])
    problems = [
        document.problem(f"the field `{key}` is not known. Known: {', '.join(FIELDS)}.", key)
        for key in document.value
        if key not in FIELDS
    ]
    problems += [
        document.problem(f"`{key}` must be text or a list of texts.", key)
        for key, value in document.value.items()
        if not _plain(value)
    ]
    if problems:
        raise Unreadable(problems)
    return document.value, body


def lenient(text: str) -> tuple[dict[str, Any], str]:
    """Like `read`, but a head that cannot be read gives no fields: for those who only need the body."""
    try:
        return read(text)
    except Unreadable:
        return {}, split(text)[1]


def write(fields: Mapping[str, Any], body: str) -> str:
    """Put a head before a body; empty fields are left out."""
    data = {key: value for key, value in fields.items() if value not in ("", None, [], ())}
    head = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1_000) if data else ""
    return f"---\n{head}---\n\n{body.lstrip()}"


def _plain(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )
