"""What a workflow's `input:`, a JSON Schema, may not hold: nothing is fetched for it, and no pattern of it
can hold up the process, whatever text it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from agents import patterns

Place = tuple[str | int, ...]
REFERENCES = ("$ref", "$dynamicRef")
NAMED = ("properties", "$defs", "definitions", "dependentSchemas", "patternProperties")  # rules by name
DATA = ("enum", "const", "default", "examples")  # no rules: nothing in them is interpreted


def problems(schema: dict[str, Any]) -> list[tuple[Place, str]]:
    """What cannot be used of a schema that is well formed, each with its place in it."""
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    found: list[tuple[Place, str]] = []
    for place, part in _parts(schema, ()):
        for word in REFERENCES:
            if isinstance(part.get(word), str):
                try:
                    resolver.lookup(part[word])
                except Unresolvable:
                    text = (
                        f"`{part[word]}` is not in this file, and nothing is fetched. Write the part under "
                    )
                    found.append(((*place, word), f"{text}`$defs` and point to it: `#/$defs/NAME`."))
        if isinstance(part.get("pattern"), str):
            try:
                patterns.readable(part["pattern"])
            except ValueError as error:
                found.append(((*place, "pattern"), f"{error}."))
        if isinstance(part.get("patternProperties"), dict) and part["patternProperties"]:
            text = "`patternProperties` cannot be used here. Name each property, or give `propertyNames`."
            found.append(((*place, "patternProperties"), text))
    return found


def _parts(schema: Any, place: Place, *, named: bool = False) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every rule in a schema. `named`: this is a mapping of names to rules, and no rule itself."""
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from _parts(one, (*place, number))
    elif isinstance(schema, dict):
        if not named:
            yield place, schema
        for word, one in schema.items():
            if named or word not in DATA:
                yield from _parts(one, (*place, word), named=not named and word in NAMED)
