"""Nothing that a client sends is left aside: each body is closed, and says which key it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clawbot.api.door import api

DOCUMENT: dict[str, Any] = api.get_openapi_schema()
#: what a workflow, an agent or another system gives shape to: checked by its schema, never by ours
FREE = {"input", "definition", "data", "then"}


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                yield f"{method} {path}", operation["requestBody"]["content"]["application/json"]["schema"]


def open_places(schema: Any, place: str = "") -> Iterator[str]:
    """Where a body would take a key that nobody declared."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in [*schema.get("anyOf", ()), *schema.get("allOf", ()), *schema.get("oneOf", ())]:
        yield from open_places(part, place)
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield place
    for name, one in schema.get("properties", {}).items():
        yield from open_places(one, f"{place}.{name}".lstrip("."))
    yield from open_places(schema.get("items"), f"{place}[]")


@pytest.mark.parametrize(("name", "schema"), list(bodies()), ids=[name for name, _ in bodies()])
def test_every_body_is_closed_but_for_what_others_give_shape_to(name: str, schema: dict[str, Any]) -> None:
    assert {place.rpartition(".")[2] for place in open_places(schema)} <= FREE
