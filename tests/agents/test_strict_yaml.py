"""The YAML reader: text only, lines for every path, and nothing that a parser could be tricked with."""

import pytest
from pydantic import BaseModel, ConfigDict

from agents.strict_yaml import Plain, Unreadable, check, load


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: int = 1


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    limits: Limits = Limits()


def test_keeps_every_scalar_as_text():
    value = load("a: no\nb: 12:30:00\nc: 0777\nd: 2026-13-45\ne: 1\n", "x.yaml").value

    assert value == {"a": "no", "b": "12:30:00", "c": "0777", "d": "2026-13-45", "e": "1"}


def test_marks_what_stands_without_quotes_where_that_is_asked_for():
    value = load("a: 3.10\nb: '3.10'\nc: |\n  3.10\n", "x.yaml", plain=True).value

    assert [type(one) for one in value.values()] == [Plain, str, str]


@pytest.mark.parametrize(
    "text",
    [
        "a: b\nc: d\n",
        "\ufeffa: b\nc: d",
        "a: b\r\nc: d\r\n",
        "a: b\rc: d\r",
        "--- # x\na: b # y\nc: d\n...\n",
    ],
)
def test_reads_a_file_whatever_editor_wrote_it(text):
    assert load(text, "x.yaml").value == {"a": "b", "c": "d"}


def test_knows_the_line_of_every_path():
    document = load("name: x\nstages:\n  - {name: a}\n  - name: b\n    agent: c\n", "x.yaml")

    assert document.line("stages", 1, "agent") == 5
    assert document.line("stages", 1, "nothing") == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a x\nb: *a\n", "anchors are not read"),
        ("a: !!python/object/apply:os.system ['x']\n", "is not read"),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key `a` is given twice (first on line 1)"),
        ("? [a, b]\n: c\n", "a key must be a plain word"),
        ("a: " + "[" * 5000, "nested deeper"),
        ("a: 1\n---\nb: 2\n", "one file holds one document"),
        ("a:\t- tab\n", "not readable as YAML"),
        ("a: 1\nb:\n\tc: 2\n", "line 3: not readable as YAML (a tab, and spaces are needed)"),
        ("a: 1\nb: x\x00y\n", "line 2: not readable as YAML (a control character, which no text has)"),
        ("a: 1\nb: \ud800\n", "line 2: not readable as YAML (a control character"),
        (
            "a: 1\nb: Costs: fell\n",
            "line 2: not readable as YAML (a second `: ` in one line; put the",
        ),
        ("a: 1\nword\nb: 2\n", "line 2: not readable as YAML (a key without its colon)"),
        ("a: 1\nb: 'x\nc: 2\n", "line 2: not readable as YAML"),
        ("a: 1\n<<: {b: 2}\n", "line 2: `<<` merges another value"),
        ("a: 1\nb: !!int 3\n", "line 2: the tag `tag:yaml.org,2002:int` is not read"),
        ("a: 1\nb: *c\n", "line 2: `*c` repeats another value"),
        ("a: [1, 2\n", "not readable as YAML"),
        ("x" * 300_000, "at most 256,000"),
    ],
)
def test_refuses(text, words):
    with pytest.raises(Unreadable, match="x.yaml, line") as refused:
        load(text, "x.yaml")

    assert words in str(refused.value)


def test_says_line_found_and_remedy_for_an_unknown_key():
    with pytest.raises(Unreadable) as refused:
        check(load("name: x\nlimits:\n  stepps: 3\n", "x.yaml"), Shape)

    assert str(refused.value) == "x.yaml, line 3: unknown key `limits.stepps`. Did you mean `steps`?"


def test_reports_all_wrong_keys_at_once():
    with pytest.raises(Unreadable) as refused:
        check(load("limits: {steps: many}\ncolour: red\n", "x.yaml"), Shape)

    assert len(refused.value.problems) == 3
    assert "`name` is missing" in refused.value.problems[0]
    assert "found 'many'" in refused.value.problems[1]


def test_refuses_a_list_at_the_top():
    with pytest.raises(Unreadable, match="found a list at the top"):
        check(load("- a\n", "x.yaml"), Shape)
