"""A workflow's input rules: nothing is fetched for them, and no text holds up who checks it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from agents import json_schema
from agents.strict_yaml import Unreadable
from tasks import workflow
from tasks.workflow import input_schema
from tests.agents.server import serving

from .test_workflow import AGENTS, GOOD

INPUT = "  properties: {title: {type: string}, words: {type: integer, minimum: 1}}"


def problem(folder: Path, properties: str) -> str:
    """What is said of a workflow with these properties of its input."""
    (folder / "workflow.yaml").write_text(GOOD.replace(INPUT, f"  properties: {properties}"))
    with pytest.raises(Unreadable) as caught:
        workflow.read(folder, AGENTS)
    return str(caught.value)


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:9/words.json", "file:///etc/hostname", "#/$defs/nowhere", "words.json"]
)
def test_refuses_a_reference_out_of_the_file(tmp_path: Path, reference: str) -> None:
    said = problem(tmp_path, f"{{title: {{type: string}}, words: {{$ref: '{reference}'}}}}")

    assert "line 7" in said
    assert f"`{reference}` is not in this file" in said


def test_fetches_nothing_for_a_version_from_before_that_was_refused() -> None:
    with serving(lambda path, body: (200, {}, b'{"type": "string"}')) as server:
        said = json_schema.problems(
            {"properties": {"words": {"$ref": server.url("/words.json")}}}, {"words": 3}
        )

        assert server.asked == []
    assert "cannot be read" in said[0]


def test_takes_a_reference_within_the_file() -> None:
    schema: dict[str, Any] = {
        "$defs": {"word": {"type": "string"}}, "properties": {"words": {"items": {"$ref": "#/$defs/word"}}},
    }  # fmt: skip

    assert input_schema.problems(schema) == []
    assert json_schema.problems(schema, {"words": ["a"]}) == []
    assert json_schema.problems(schema, {"words": [1]}) == ["`words.0`: found 1; text is needed."]


@pytest.mark.parametrize("place", ["enum", "const", "default", "examples"])
def test_interprets_nothing_in_what_is_data(place: str) -> None:
    given: Any = [{"$ref": "http://elsewhere/"}]

    assert input_schema.problems({"properties": {place: {"$ref": "#"}, "words": {place: given}}}) == []


def test_takes_no_more_time_for_a_pattern_that_would_hold_up_pythons_own() -> None:
    began = time.monotonic()

    said = json_schema.problems(
        {"properties": {"words": {"pattern": r"^(\w+\s?)+$"}}}, {"words": "a" * 5_000 + "!"}
    )

    assert time.monotonic() - began < 5
    assert "does not match" in said[0]


@pytest.mark.parametrize(
    "words, why",
    [
        ("{title: {type: string, pattern: '(?=a)b'}}", "Look-around"),
        ("{title: {type: string}, more: {patternProperties: {'^(a+)+$': {}}}}", "patternProperties"),
    ],
)
def test_refuses_a_pattern_that_cannot_be_read(tmp_path: Path, words: str, why: str) -> None:
    said = problem(tmp_path, words)

    assert "line 7" in said
    assert why in said
