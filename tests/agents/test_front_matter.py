"""The head of a draft: read strictly, written so that it reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import front_matter
from agents.strict_yaml import Unreadable
from tests.agents.hostile import inputs


def test_reads_fields_and_body():
    fields, body = front_matter.read("---\ntitle: 'Yes: no'\ntags: [a, b]\n---\n\nText.\n")

    assert fields == {"title": "Yes: no", "tags": ["a", "b"]}
    assert body == "\nText.\n"


def test_takes_no_rule_in_the_body_for_a_head():
    assert front_matter.read("# A\n\n---\n\ntitle: fake\n---\n")[0] == {}


def test_counts_lines_from_the_top_of_the_draft():
    with pytest.raises(Unreadable, match="line 3"):
        front_matter.read("---\ntitle: a\nstatus: approved\n---\n")


@pytest.mark.parametrize("text", inputs("yaml_front_matter"))
def test_reads_or_refuses_but_never_breaks(text):
    try:
        fields, _ = front_matter.read(text)
    except Unreadable as refused:
        told = refused.problems
    else:
        told = ["line"]
        assert set(fields) <= set(front_matter.FIELDS)

    assert all("line" in problem for problem in told)


@given(st.text(max_size=80), st.text(max_size=80))
def test_writes_what_it_reads_back(title, description):
    from agents.prose.clean import one_line

    title, description = one_line(title), one_line(description)

    fields, body = front_matter.read(
        front_matter.write({"title": title, "description": description}, "Text.\n")
    )

    assert fields.get("title", "") == title
    assert fields.get("description", "") == description
    assert body.strip() == "Text."


@pytest.mark.parametrize(
    "text",
    ["---\n\nA text.\n\n---\n\nMore.\n", "---\nA text.\n---\n", "---\n- a\n- b\n---\nMore.\n", "---\nA: b\n"],
)
def test_a_rule_at_the_start_of_a_text_is_no_head(text):
    assert front_matter.split(text) == ("", text)
    assert front_matter.described(text) == ({}, text)


@pytest.mark.parametrize(
    "head, fields",
    [
        ("---\ntitle: >-\n  Lift report\n  of hall six\n---\n", {"title": "Lift report of hall six"}),
        ('---\ntitle: "The \\"quick\\" lift: hall"\n---\n', {"title": 'The "quick" lift: hall'}),
        ("---\ntitle: 3.10\nlayout: post\n---\n", {"title": "3.10", "layout": "post"}),
        ("+++\ntitle = 'Hall'\n+++\n", {"title": "Hall"}),
    ],
)
def test_reads_what_other_people_write_into_a_head(head, fields):
    assert front_matter.described(f"{head}Text.\n") == (fields, "Text.\n")
