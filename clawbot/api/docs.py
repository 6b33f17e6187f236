"""The API's documentation as a page of ours, made from the OpenAPI document: no script, no other style."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from .once import HEADER

Json = dict[str, Any]
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "",
}
PLACES = {"path": "address", "query": "query"}


@dataclass(frozen=True)
class Given:
    """One thing that a request may carry."""

    name: str
    place: str  # address, query, body
    kind: str
    required: bool
    about: str


@dataclass(frozen=True)
class Operation:
    """One verb at one address."""

    method: str
    path: str
    title: str
    about: str
    given: list[Given]
    example: str

    @property
    def anchor(self) -> str:
        return slugify(f"{self.method} {self.path.removeprefix('/api/v1')}".replace("/", " "))


class Page(DocsBase):
    """/api/v1/docs."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Every operation by resource."""
        document = json.loads(json.dumps(api.get_openapi_schema()))
        groups: dict[str, list[Operation]] = {}
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                found = _operation(
                    document, path, method, operation, request.build_absolute_uri("/").rstrip("/")
                )
                groups.setdefault(operation["tags"][0], []).append(found)
        context = {
            "about": document["info"]["description"],
            "groups": groups,
            "url": self.get_openapi_url(api, kwargs),
        }
        return render(request, "pages/api_docs.html", context)


def _operation(document: Json, path: str, method: str, operation: Json, site: str) -> Operation:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = _resolve(document, body)
    given = [
        Given(
            one["name"],
            PLACES[one["in"]],
            _kind(document, one["schema"]),
            one["required"],
            one.get("description", ""),
        )
        for one in operation["parameters"]
        if one["in"] in PLACES
    ]
    for name, schema in body.get("properties", {}).items():
        is_required = name in body.get("required", [])
        given.append(Given(name, "body", _kind(document, schema), is_required, schema.get("description", "")))
    return Operation(
        method.upper(), path, operation["summary"], operation.get("description", ""), given,
        _curl(method, site + path, body),
    )  # fmt: skip


def _resolve(document: Json, schema: Json) -> Json:
    """The schema itself where it only points to one."""
    pointed = schema.get("$ref") or (schema.get("allOf") or [{}])[0].get("$ref")
    return dict(document["components"]["schemas"][pointed.rpartition("/")[2]]) if pointed else schema


def _kind(document: Json, schema: Json) -> str:
    """What a value is, in words."""
    schema = _resolve(document, schema)
    if "enum" in schema:
        return ", ".join(value for value in schema["enum"] if value)
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(filter(None, (_kind(document, one) for one in schema["anyOf"]))))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema['items'])}"
    if schema.get("type") == "object":
        return "object"
    formats = {"date-time": "moment with its zone", "date": "date"}
    return formats.get(schema.get("format", ""), WORDS.get(schema.get("type", ""), "anything"))


def _curl(method: str, url: str, body: Json) -> str:
    lines = [f"curl {url}", '-H "Authorization: Bearer $TOKEN"']
    if method == "delete":
        lines[0] = f"curl -X DELETE {url}"
    if method == "post":
        lines.append(f'-H "{HEADER}: $(uuidgen)"')
        lines.append(f"--json '{json.dumps(body.get('example', {}), ensure_ascii=False)}'")
    return " \\\n  ".join(lines)
