"""A scalar is what was written until a schema asks for something else; a key that nobody reads is refused."""

from __future__ import annotations

from typing import Any

import pytest

from agents import json_schema
from agents.strict_yaml import Unreadable, load

INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "brief": {"type": "string"},
        "must_mention": {"type": "array", "items": {"type": "string"}},
        "sources": {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["text"]}]},
        },
        "words": {
            "type": "object",
            "required": ["min"],
            "properties": {"min": {"type": "integer"}, "max": {"type": "integer", "minimum": 1}},
        },
        "weight": {"type": "number"},
        "urgent": {"type": "boolean"},
        "tone": {"enum": ["calm", "lively"]},
        "level": {"enum": [1, 2, 3]},
        "number": {"type": ["integer", "null"]},
        "due": {"type": "string", "format": "date"},
    },
}


def read(text: str, schema: dict[str, Any] = INPUT) -> Any:
    return json_schema.read(load(text, "brief.yaml", plain=True), schema)


def refusal(text: str, schema: dict[str, Any] = INPUT) -> str:
    with pytest.raises(Unreadable) as refused:
        read(text, schema)
    return str(refused.value)


@pytest.mark.parametrize(
    "written",
    ["3.10", "1e3", "007", "0777", "0x1F", "1_000", ".5", "12:30", "12:30:00", "2026-13-45", "2026-11-21",
     "on", "no", "yes", "true", "null", "~", "+49 30 1234", "1.0", "-0", "NaN", ".inf", "1,000", "1e400"],
)  # fmt: skip
def test_a_text_stays_what_was_written(written: str) -> None:
    assert read(f"title: {written}\nmust_mention: [{written!r}, x]\n")["title"] == written
    assert read(f"must_mention:\n  - {written}\n")["must_mention"] == [written]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("weight: 3.10", 3.1), ("weight: 1e3", 1000.0), ("weight: 12", 12), ("weight: -0.5", -0.5),
        ("words: {min: 300}", {"min": 300}), ("words: {min: 1e3}", {"min": 1000}), ("urgent: true", True),
        ("urgent: false", False), ("level: 2", 2), ("tone: calm", "calm"), ("number: 7", 7),
        ("number: ~", None), ("number:", None), ("due: 2026-12-24", "2026-12-24"),
        ("sources: [2026.md, 3.10]", ["2026.md", "3.10"]),
    ],
)  # fmt: skip
def test_a_typed_field_gets_its_type_by_the_schema(written: str, value: Any) -> None:
    found = read(written)[written.partition(":")[0]]

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("words: {min: 0777}", "`words.min`: found “0777”; a whole number is needed."),
        ("words: {min: 1_000}", "`words.min`: found “1_000”; a whole number is needed."),
        ("words: {min: 0x1F}", "`words.min`: found “0x1F”; a whole number is needed."),
        ("words: {min: 12:30}", "`words.min`: found “12:30”; a whole number is needed."),
        ("words: {min: '300'}", "`words.min`: found “300”; a whole number is needed."),
        ("words: {min: 1.5}", "`words.min`: found 1.5; a whole number is needed."),
        ("words: 300", "`words`: found “300”; a mapping is needed."),
        ("words: {max: 3}", "`words.min` is missing."),
        ("words: {min:}", "`words.min` is empty."),
        ("weight: .5", "`weight`: found “.5”; a number is needed."),
        ("weight: .inf", "`weight`: found “.inf”; a number is needed."),
        ("urgent: yes", "`urgent`: found “yes”; true or false is needed."),
        ("urgent: on", "`urgent`: found “on”; true or false is needed."),
        ("level: 4", "`level`: found 4. Known: 1, 2, 3."),
        ("tone: clam", "`tone`: found “clam”. Did you mean `calm`?"),
        ("due: 2026-13-45", "`due`: found “2026-13-45”; a date like 2026-12-24 is needed."),
        ("must_mention: one", "`must_mention`: found “one”; a list is needed."),
        ("must_mention: [a, ]\nbrief: [x]", "`brief`: found a list; text is needed."),
        ("sources: [[a]]", "`sources.0`: found a list; text or a mapping is needed."),
        ("sources: [{url: x}]", "`sources.0.text` is missing."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_words_with_its_line(written: str, said: str) -> None:
    assert refusal(f"title: x\n\n{written}\n").startswith("brief.yaml, line ")
    assert said in refusal(f"title: x\n\n{written}\n")


def test_a_colon_in_a_list_item_asks_for_quotes_at_its_line() -> None:
    brief = 'title: "Lift report"\nbrief: About the lift.\nmust_mention:\n  - Costs fell: by 4 percent.\n'

    assert refusal(brief) == (
        "brief.yaml, line 4: `must_mention.0`: found a mapping (`Costs fell:`); text is needed. If the colon "
        'belongs to the text, put it in quotes: "Costs fell: by 4 percent.".'
    )
    assert read(brief.replace("- Costs fell: by 4 percent.", '- "Costs fell: by 4 percent."'))[
        "must_mention"
    ] == ["Costs fell: by 4 percent."]


@pytest.mark.parametrize(
    ("brief", "said"),
    [
        ("titel: A lift\n", "brief.yaml, line 1: unknown key `titel`. Did you mean `title`?"),
        (
            "title: x\nwords: {min: 3, mx: 4}\n",
            "brief.yaml, line 2: unknown key `words.mx`. Did you mean",
        ),
        ("title: x\ncolour: red\n", "brief.yaml, line 2: unknown key `colour`. Known: brief, due, "),
    ],
)
def test_a_key_that_nobody_reads_is_refused_at_its_line(brief: str, said: str) -> None:
    assert refusal(brief).startswith(said)


@pytest.mark.parametrize(
    "schema",
    [
        {**INPUT, "additionalProperties": True},
        {**INPUT, "additionalProperties": {"type": "string"}},
        {},
        {"type": "object"},
        {**INPUT, "anyOf": [{"properties": {"titel": {"type": "string"}}}, {"required": ["brief"]}]},
        {**INPUT, "allOf": [{"properties": {"titel": {"type": "string"}}}]},
        {"properties": INPUT["properties"], "patternProperties": {"^tit": {"type": "string"}}},
        {"$defs": {"a": {"properties": {"titel": {"type": "string"}}}}, "$ref": "#/$defs/a"},
    ],
)
def test_a_key_passes_if_the_schema_names_it_anywhere_or_is_open(schema: dict[str, Any]) -> None:
    assert read("titel: 3.10\n", schema)["titel"] == "3.10"


def test_what_the_schema_leaves_open_is_a_number_only_if_it_is_written_like_one() -> None:
    assert read("{a: 12, b: 1.5, c: 3.10, d: 1e3, e: true, f: ~, g: '12', h: no, i: 007}", {}) == {
        "a": 12, "b": 1.5, "c": "3.10", "d": "1e3", "e": True, "f": None, "g": "12", "h": "no", "i": "007",
    }  # fmt: skip


def test_a_key_without_a_value_is_left_out() -> None:
    assert read("title: x\nbrief:\nmust_mention:\n") == {"title": "x"}


def test_the_words_of_a_text_in_a_schema_stay_words() -> None:
    text = "{type: string, enum: [3.10, 3.9, on], maxLength: 9, default: 3.10}"
    schema = json_schema.literal(load(text, "workflow.yaml", plain=True).value)

    assert schema == {"type": "string", "enum": ["3.10", "3.9", "on"], "maxLength": 9, "default": "3.10"}


def test_a_value_of_a_program_is_judged_as_it_is() -> None:
    assert json_schema.problems(INPUT, {"title": 3.1, "words": {"min": True}, "titel": 1}) == [
        "unknown key `titel`. Did you mean `title`?",
        "`title`: found 3.1; text is needed.",
        "`words.min`: found true; a whole number is needed.",
    ]
