"""What a JSON Schema says of values that people and programs write: their types, and what is wrong with them.

A scalar of a YAML file is the text that was written until the schema asks for something else, so `3.10` stays
"3.10" in a title and is 3.1 in a number. A key that the schema does not name is refused, because nobody would
read it; `additionalProperties: true` lets it pass. Nothing is fetched for a schema, and its patterns take
linear time (`agents/patterns.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from agents import patterns
from agents.strict_yaml import Document, Path, Plain, Unreadable, nearest

if TYPE_CHECKING:
    from jsonschema import ValidationError

Schema = Mapping[str, Any]

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?([eE][-+]?\d{1,2})?")
_NAMES = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a mapping", "null": "nothing",
}  # fmt: skip
_FORMATS = {"date": "a date like 2026-12-24", "email": "an address like ana@example.org"}
#: the parts of a schema that are about the same value
_BESIDE = ("allOf", "anyOf", "oneOf")


def read(document: Document, schema: Schema, *at: str | int) -> Any:
    """The value at `at` in a document that was loaded with `plain`, typed as the schema says.

    Raises `Unreadable` with one sentence per problem, each with its line.
    """
    value = document.value
    for part in at:
        value = value[part]
    value = typed(value, schema)
    if wrong := [document.problem(text, *at, *path) for path, text in _problems(schema, value, document, at)]:
        raise Unreadable(wrong)
    return value


def problems(schema: Schema, value: Any) -> list[str]:
    """What is wrong with a value, one sentence each; empty if it fits the schema."""
    return [text for _, text in _problems(schema, value)]


# -- Types --------------------------------------------------------------------------------------------


def typed(value: Any, schema: Schema) -> Any:
    """`value` with each `Plain` read as the schema says. A key without a value is left out.

    If the schema allows text, it is the text that was written; if it says nothing, it is a number only if
    that number is written the same way. What cannot be read as asked stays text, for the schema to refuse.
    """
    return _typed(value, [schema], schema)


def literal(value: Any) -> Any:
    """A JSON Schema that was itself written in YAML: words, numbers, true, false and null."""
    typed_by_words = isinstance(value, Mapping) and value.get("type") == "string"
    if isinstance(value, Mapping):
        return {
            name: _texts(one) if typed_by_words and name in {"enum", "const", "default", "examples"}
            else literal(one)
            for name, one in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [literal(one) for one in value]
    return _scalar(value, set()) if isinstance(value, Plain) else value


def _texts(value: Any) -> Any:
    return [str(one) for one in value] if isinstance(value, list) else str(value)


def _typed(value: Any, schemas: Sequence[Schema], root: Schema) -> Any:
    parts = [part for schema in schemas for part in _parts(schema, root)]
    if isinstance(value, dict):
        inner = {name: [*_under(parts, name)] for name in value}
        return {
            name: _typed(one, inner[name], root)
            for name, one in value.items()
            if not (isinstance(one, Plain) and one == "" and "null" not in _types(inner[name], root))
        }
    if isinstance(value, list):
        items = [part["items"] for part in parts if isinstance(part.get("items"), Mapping)]
        return [_typed(one, items, root) for one in value]
    return _scalar(value, _types(schemas, root)) if isinstance(value, Plain) else value


def _under(parts: Sequence[Schema], name: str) -> Iterator[Schema]:
    """What these schemas say of the key `name`."""
    for part in parts:
        if isinstance(found := part.get("properties", {}).get(name), Mapping):
            yield found
        elif isinstance(rest := part.get("additionalProperties"), Mapping):
            yield rest


def _types(schemas: Sequence[Schema], root: Schema) -> set[str]:
    """The types that these schemas name for one value; none if they leave it open."""
    found: set[str] = set()
    for part in (part for schema in schemas for part in _parts(schema, root)):
        kinds = part.get("type", ())
        found |= {kinds} if isinstance(kinds, str) else set(kinds)
        for word in [*part.get("enum", ()), *([part["const"]] if "const" in part else ())]:
            found.add(_type(word))
    return found


def _parts(schema: Any, root: Schema, depth: int = 0) -> Iterator[Schema]:
    """A schema and those within it that are about the same value."""
    if depth > 8 or not isinstance(schema, Mapping):  # `true` and `false` are schemas too
        return
    yield schema
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/"):
        found: Any = root
        for name in reference[2:].split("/"):
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        yield from _parts(found, root, depth + 1)
    beside = [one for key in _BESIDE for one in schema.get(key, ())]
    beside += [schema[key] for key in ("then", "else") if key in schema]
    for one in beside:
        yield from _parts(one, root, depth + 1)


def _scalar(word: Plain, kinds: set[str]) -> Any:
    text = str(word)
    if "string" in kinds:
        return text if text else None
    if (not kinds or "boolean" in kinds) and text in {"true", "false"}:
        return text == "true"
    if (not kinds or "null" in kinds) and text in {"", "~", "null"}:
        return None
    if text == "":
        return None
    if (not kinds or kinds & {"integer", "number"}) and (match := _NUMBER.fullmatch(text)):
        number = float(text) if match[2] or match[3] else int(text)
        if kinds:
            return int(number) if "integer" in kinds and number == int(number) else number
        return number if str(number) == text else text
    return text


# -- Problems -----------------------------------------------------------------------------------------


def _problems(
    schema: Schema, value: Any, document: Document | None = None, at: Path = ()
) -> list[tuple[Path, str]]:
    from referencing.exceptions import Unresolvable  # as in `_validator`

    validator = _validator()(_closed({"type": "object", **schema}))
    try:
        errors = sorted(validator.iter_errors(value), key=lambda one: [str(part) for part in one.path])
    except (Unresolvable, ValueError) as unread:  # a version from before such schemas were refused
        text = f"the workflow's own rules for it cannot be read: {unread}. Mend its `input:` and sync."
        return [((), text)]
    found: dict[tuple[Path, str], None] = {}
    for error in errors:
        for path, text in _sentences(error, schema, document, at):
            found[path, text] = None
    return list(found)


def _closed(schema: Any, *, beside: bool = False) -> Any:
    """The schema, refusing keys that it does not name wherever it names some and does not say otherwise."""
    if not isinstance(schema, Mapping):
        return schema
    closed = dict(schema)
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        if isinstance(schema.get(key), Mapping):
            closed[key] = {name: _closed(one) for name, one in schema[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            closed[key] = _closed(schema[key])
    for key in _BESIDE:
        if isinstance(schema.get(key), list):
            closed[key] = [_closed(one, beside=True) for one in schema[key]]
    for key in ("then", "else"):
        if key in schema:
            closed[key] = _closed(schema[key], beside=True)
    parts = list(_parts(schema, schema))
    is_open = any("additionalProperties" in part or "unevaluatedProperties" in part for part in parts)
    # What `allOf` and its like say adds to the schema around it, which is the one that is closed.
    if not beside and not is_open and any(part.get("properties") for part in parts):
        closed["unevaluatedProperties"] = False
    return closed


def _sentences(
    error: ValidationError, root: Schema, document: Document | None, at: Path
) -> Iterator[tuple[Path, str]]:
    path: Path = tuple(error.absolute_path)
    value: Any = error.instance
    said: Any = error.validator_value
    name = ".".join(map(str, path))
    here = f"`{name}`: " if name else ""
    match error.validator:
        case "type":
            yield path, here + _wrong_type(value, _listed(error), document, at + path)
        case "required":
            for key in said:
                if isinstance(value, Mapping) and key not in value:
                    dotted = f"{name}.{key}" if name else key
                    empty = document is not None and (*at, *path, key) in document.lines
                    yield (*path, key), f"`{dotted}` is {'empty' if empty else 'missing'}."
        case "unevaluatedProperties" | "additionalProperties":
            schema: Any = error.schema
            parts = list(_parts(schema, root))
            known = sorted({key for part in parts for key in part.get("properties", {})})
            for key in value:
                if key not in known:
                    dotted = f"{name}.{key}" if name else key
                    yield (*path, key), f"unknown key `{dotted}`. {nearest(str(key), known)}"
        case "anyOf" | "oneOf" if error.context:
            yield from _none_fits(error, root, document, at)
        case "enum":
            words = [str(one) for one in said]
            yield path, f"{here}found {_shown(value)}. {nearest(str(value), words)}"
        case "format":
            wanted = _FORMATS.get(str(said), f"a {said}")
            yield path, f"{here}found {_shown(value)}; {wanted} is needed."
        case _:
            yield path, f"{here}{error.message[:300]}."


def _none_fits(
    error: ValidationError, root: Schema, document: Document | None, at: Path
) -> Iterator[tuple[Path, str]]:
    """Of several shapes, what is wrong with the one that was meant: the one of the right type."""
    path: Path = tuple(error.absolute_path)
    wrong_type = {
        one.schema_path[0] for one in error.context or () if one.validator == "type" and not one.path
    }
    meant = [one for one in error.context or () if one.schema_path[0] not in wrong_type]
    if meant:
        for one in meant:
            yield from _sentences(one, root, document, at)
        return
    kinds = [kind for one in error.context or () if one.validator == "type" for kind in _listed(one)]
    here = f"`{'.'.join(map(str, path))}`: " if path else ""
    yield path, here + _wrong_type(error.instance, list(dict.fromkeys(kinds)), document, at + path)


def _listed(error: ValidationError) -> list[str]:
    kinds: Any = error.validator_value
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _wrong_type(value: Any, kinds: list[str], document: Document | None, place: Path) -> str:
    wanted = " or ".join(_NAMES.get(kind, kind) for kind in kinds)
    text = f"found {_shown(value)}; {wanted} is needed."
    if "string" in kinds and isinstance(value, dict) and len(value) == 1 and document is not None:
        key, rest = next(iter(value.items()))
        if isinstance(rest, str | int | float):
            return f'{text} If the colon belongs to the text, put it in quotes: "{key}: {rest}".'
    return text


def _shown(value: Any) -> str:
    """A value as people read it, without the words of a programming language."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return (
                f"a mapping ({', '.join(f'`{key}:`' for key in list(value)[:3])})" if value else "a mapping"
            )
        case list():
            return "a list"
        case str():
            return f"“{value[:80]}”"
    return str(value)


def _type(value: Any) -> str:
    for kind, name in ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "array" if isinstance(value, list) else "object"


@cache
def _validator() -> Callable[[Schema], Any]:
    """Makes a validator for a schema: the library's, with our patterns and formats, that fetches nothing."""
    # 60 ms that most commands need not pay
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError
    from jsonschema.validators import extend
    from referencing import Registry

    def pattern(validator: Any, written: str, value: Any, schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(value, "string") and not patterns.search(written, value):
            yield ValidationError(f"found {_shown(value)}, which does not match `{written}`")

    made: Any = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]
    return partial(made, registry=Registry(), format_checker=FormatChecker(_FORMATS))
