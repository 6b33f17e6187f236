"""What strangers and broken programs send: texts, values of JSON and bodies that no door may stumble over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tests.databases import ROOT

#: Texts for a field of a form, a query, an argument or a value.
TEXTS: dict[str, str] = {
    "a NUL": "a\0b",
    "half a character": "a\ud800b",
    "control characters": "\x01\x07\x0b\x1b[31m\x7f\x9f",
    "signs that turn text around": "\u202eabc\u2066\u200f\ufeff",
    "unassigned and private signs": "\U0010ffff\ue000\uffff",
    "20,000 letters": "x" * 20_000,
    "20,000 emoji": "🎈" * 20_000,
    "a number of 5,000 digits": "9" * 5_000,
    "a number beyond the column": str(2**63),
    "a negative number": "-1",
    "a fraction": "1.5",
    "not a number": "NaN",
    "infinity": "1e999",
    "nothing": "",
    "blanks": " \t\r\n ",
    "other digits": "١٢٣",
    "a day that is none": "2026-02-30",
    "a time of a day that is none": "2026-02-30T10:00",
    "the first day there is": "0001-01-01T00:00",
    "a year beyond the calendar": "99999-12-31T23:59:59+99:99",
    "the last day there is": "9999-12-31T23:59:59-23:59",
    "a template": "{{ 7*7 }}{% debug %}{0.__class__}%s%(x)d",
    "a path upwards": "../../../../etc/passwd",
    "an address that is none": "http://[",
    "an address with a broken port": "//a:99999999/x",
    "markup": "<script>alert(1)</script>'\"`",
    "SQL": "' OR 1=1; DROP TABLE tasks_task; --",
    "brackets": "[" * 3_000 + "(" * 3_000,
    "a pattern": "(a+)+$%_\\",
}
#: Values of JSON for any field, whatever it expects.
VALUES: dict[str, Any] = {
    **TEXTS,
    "null": None,
    "true": True,
    "an integer of 400 digits": 10**400,
    "an integer beyond the column": 2**63,
    "a negative integer": -(2**63) - 1,
    "a float": 1e308,
    "an empty list": [],
    "an empty mapping": {},
    "a list of lists": [[[[1]]]],
    "a mapping of odd names": {"": 1, "\0": 2, "__proto__": 3, "x" * 3_000: 4},
    "1,000 values": list(range(1_000)),
}


def deep(depth: int) -> bytes:
    """JSON nested that deep."""
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


FORM = "application/x-www-form-urlencoded"
#: Bodies as bytes, with the type they are said to be.
BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "lists 900 deep": (deep(900), "application/json"),
    "lists 100,000 deep": (deep(100_000), "application/json"),
    "mappings 900 deep": (b'{"a":' * 900 + b"1" + b"}" * 900, "application/json"),
    "half a text": (b'{"title": "abc', "application/json"),
    "bytes that are no UTF-8": (b'{"title": "\xff\xfe\xc3\x28"}', "application/json"),
    "a NUL in a text": (rb'{"title": "a\u0000b"}', "application/json"),
    "half a character in a text": (rb'{"title": "a\ud800b"}', "application/json"),
    "NaN": (b'{"title": NaN, "a": -Infinity}', "application/json"),
    "a number of 5,000 digits": (b'{"title": ' + b"9" * 5_000 + b"}", "application/json"),
    "a number beyond all": (b'{"title": 1e999}', "application/json"),
    "a name twice": (b'{"title": "a", "title": "b"}', "application/json"),
    "a list": (b"[1, 2]", "application/json"),
    "null": (b"null", "application/json"),
    "a mark of the byte order": (b'\xef\xbb\xbf{"title": "a"}', "application/json"),
    "UTF-16": ('{"title": "a"}'.encode("utf-16"), "application/json; charset=utf-16"),
    "a charset that is none": (b'{"title": "a"}', "application/json; charset=nonsense"),
    "a type that is none": (b'{"title": "a"}', "\x01nonsense"),
    "a form": (b"title=a&title=b&%ff=%00&a=%ED%A0%80", FORM),
    "a form of 5,000 fields": (b"a=1&" * 5_000, FORM),
    "parts without an end": (b"--x\r\nContent-Disposition: form-data", "multipart/form-data; boundary=x"),
    "parts without a boundary": (b"--x\r\n", "multipart/form-data"),
    "a part with an odd name": (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + b"../a\\\0" * 200
        + b'"\r\n\r\na\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    ),
}  # fmt: skip


def fields(part: str) -> list[str]:
    """Every name that a page reads from `POST` or from `GET`, by the syntax of its code."""
    names: set[str] = set()
    for file in sorted((ROOT / "clawbot").rglob("*.py")):
        names.update(_read(ast.parse(file.read_text("utf-8")), part))
    return sorted(names)


def _read(tree: ast.AST, part: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="get" | "getlist", value=ast.Attribute(attr=found)),
                args=[ast.Constant(value=str(name)), *_],
            ) if found == part:
                yield name
            case ast.Subscript(value=ast.Attribute(attr=found), slice=ast.Constant(value=str(name))) if (
                found == part
            ):
                yield name
