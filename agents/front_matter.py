"""The head of a Markdown draft: `---`, a few fields, `---`. Read strictly; what is written reads back equal.

Fields describe the text. What decides about the text (status, approval) can never stand here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

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
_HEAD = re.compile(r"\A---[ \t]*\n(.*?\n)??---[ \t]*(?:\n|\Z)", re.S)


def split(text: str) -> tuple[str, str]:
    """Cut a draft into the YAML of its head (empty where it has none) and its body, verbatim."""
    text = text.replace("\r\n", "\n")
    match = _HEAD.match(text)
    return (match[1] or "", text[match.end() :]) if match else ("", text)


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
