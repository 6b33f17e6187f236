"""A stage says nothing that its role would not act on, and reads nothing that nobody says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import registry
from agents.definition import Definition
from agents.strict_yaml import Unreadable
from tasks import workflow
from tasks.models import Workflow
from tasks.workflow import shape, shipped

SETTINGS: dict[str, dict[str, Any]] = {
    "http": {"url": "https://x.example/y"},
    "queue": {"to": "books"},
    "router": {"topics": {"billing": {}, "sales": {}}, "details": {"invoice": "KV"}},
    "triage": {"details": {"size": {}}},
}
ROLES = sorted(registry.names())
STAGE = """\
name: trial
title: Trial
key: TRI
input: {properties: {text: {type: string}}}
stages:
  - {name: first, agent: starter, done_as: begun}
  - name: second
    agent: tried
    needs: [first]
"""


def agent(name: str, role: str, **more: Any) -> Definition:
    return Definition(name=name, role=role, **{"settings": SETTINGS.get(role, {}), **more})


def read(tmp_path: Path, text: str, *agents: Definition) -> dict[str, Any]:
    (tmp_path / "workflow.yaml").write_text(text)
    return workflow.read(tmp_path, {"starter": agent("starter", "http")} | {one.name: one for one in agents})


def refusal(tmp_path: Path, text: str, *agents: Definition) -> str:
    with pytest.raises(Unreadable) as refused:
        read(tmp_path, text, *agents)
    return str(refused.value)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("judges", "first", "judges nothing"),
        ("send_back", "{to: first}", "never sends work back"),
        ("deciders", "{group: operators}", "never asks for leave"),
    ],
)
def test_a_stage_is_refused_what_its_role_does_not_act_on(
    role: str, key: str, value: str, said: str, tmp_path: Path
) -> None:
    text = f"{STAGE}    {key}: {value}\n    done_as: tried\n"

    if registry.role(role).reads(key):
        assert read(tmp_path, text, agent("tried", role))["stages"][1][key]
    else:
        refused = refusal(tmp_path, text, agent("tried", role))
        assert f"/workflow.yaml, line 10: `tried` (role {role}) {said}" in refused
        assert refused.endswith("Remove it.")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("ending", ["md", "html", "php", "csv", "txt", "eml", "pdf"])
def test_an_output_is_refused_if_its_role_writes_no_such_file(role: str, ending: str, tmp_path: Path) -> None:
    text = f'{STAGE}    output: "published/trial/{{slug}}.{ending}"\n    done_as: tried\n'
    written = registry.role(role).writes(SETTINGS.get(role, {}))

    if written == ("*",) or ending in written:
        assert read(tmp_path, text, agent("tried", role))["stages"][1]["output"]
    else:
        why = (
            f"no .{ending} file; it writes {', '.join(written)}." if written else "no files. Remove `output`."
        )
        assert f"line 10: `tried` (role {role}) writes {why}" in refusal(tmp_path, text, agent("tried", role))


def test_an_output_is_refused_a_page_that_the_agent_is_not_set_to_make(tmp_path: Path) -> None:
    text = f'{STAGE}    output: "published/trial/{{slug}}.{{md,php}}"\n    done_as: tried\n'

    said = refusal(tmp_path, text, agent("tried", "formatter", settings={"pages": ["md", "html"]}))

    assert "writes no .php file; it writes md, html. Name only those." in said


FIELDS = [
    ("when: {first.topik: billing}", "router", "and `first` says no `topik`. Did you mean `topic`?"),
    ("when: {first.text: x}", "llm", "and `first` says no fields. Pass its text on by `accepts`."),
    ("each: first.file", "list_files", "and `first` says no `file`. Did you mean `files`?"),
    ("when: {input.txt: x}", "llm", "which the input does not have. Did you mean `text`?"),
]


@pytest.mark.parametrize(("line", "role", "said"), FIELDS)
def test_a_stage_reads_only_fields_that_an_earlier_one_says(
    line: str, role: str, said: str, tmp_path: Path
) -> None:
    text = f"{STAGE}    {line}\n    done_as: tried\n"

    refused = refusal(tmp_path, text, agent("starter", role), agent("tried", "llm"))

    assert "line 10: reads `" in refused
    assert refused.endswith(said)


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("when: {first.topic: billing}", "router"), ("when: {first.invoice: KV}", "router"),
        ("when: {first.size: 3}", "triage"), ("when: {first.anything: 3}", "http"),
        ("each: first.files", "list_files"), ("when: {input.title: x}", "llm"),
    ],
)  # fmt: skip
def test_a_stage_may_read_what_is_said(line: str, role: str, tmp_path: Path) -> None:
    text = f"{STAGE}    {line}\n    done_as: tried\n"

    assert read(tmp_path, text, agent("starter", role), agent("tried", "llm"))


def test_a_fan_out_says_how_many_items_it_joined_and_no_more(tmp_path: Path) -> None:
    text = (
        f"{STAGE}    each: first.list\n    done_as: tried\n"
        "  - {name: third, agent: tried, needs: [second], when: {second.count: {over: 0}}, done_as: a}\n"
        "  - {name: last, agent: tried, needs: [second], when: {second.topic: x}, done_as: b}\n"
    )

    assert refusal(tmp_path, text, agent("tried", "http")).endswith(
        "line 13: reads `second.topic`, and `second` says no `topic`. Known: count, skipped."
    )


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("german.text", "reads `german.text` (its `settings.send.text`), and `german` says no fields. Pass"),
        ("germn.text", "and there is no stage `germn`. Did you mean `german`?"),
        ("input.txt", "which the input does not have. Did you mean `text`?"),
        ("ask.text", "but at `ask` a person decides; it says no fields."),
    ],
)
@pytest.mark.parametrize("role", ["http", "queue"])
def test_an_agent_sends_only_what_somebody_says(role: str, place: str, said: str, tmp_path: Path) -> None:
    text = STAGE.replace("name: first", "name: german").replace("[first]", "[german]") + (
        "    done_as: tried\n  - {name: ask, agent: human, needs: [second], done_as: asked}\n"
    )
    sender = agent("tried", role, settings=SETTINGS[role] | {"send": {"text": place}})

    refused = refusal(tmp_path, text, agent("starter", "llm"), sender)

    assert "line 8: `tried` reads" in refused
    assert said in refused


@pytest.mark.parametrize("place", ["input", "input.text", "input.title", "item", "item.name", "first.a.b.c"])
def test_an_agent_may_send_what_is_there(place: str, tmp_path: Path) -> None:
    sender = agent("tried", "http", settings=SETTINGS["http"] | {"send": {"x": place}})

    assert read(tmp_path, f"{STAGE}    done_as: tried\n", sender)


@pytest.mark.parametrize(
    "line",
    ["retry: {times: 2}", "timeout: 9m", "limits: {steps: 3}", 'output: "staging/{slug}.md"', "priority: 2"],
)
def test_a_persons_stage_is_refused_what_only_agents_do(line: str, tmp_path: Path) -> None:
    text = STAGE.replace("agent: tried", "agent: human") + f"    {line}\n    done_as: tried\n"

    assert "a person decides" in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "line",
    ["judges: first", "send_back: {to: first}", "retry: {times: 2}", "timeout: 9m", "limits: {steps: 3}",
     'output: "staging/{slug}.md"', "priority: 2", "deciders: {group: operators}"],
)  # fmt: skip
def test_a_stage_that_injects_is_refused_what_only_others_do(line: str, tmp_path: Path) -> None:
    text = STAGE.replace("agent: tried", "inject: other") + f"    {line}\n    done_as: tried\n"

    assert "this stage injects a task" in refusal(tmp_path, text)


def test_whom_an_agents_stage_notifies_is_refused_if_a_persons_stage_does_it(tmp_path: Path) -> None:
    text = (
        f"{STAGE}    notify: [operators]\n    done_as: tried\n"
        "  - {name: ask, agent: human, needs: [second], notify: [editors], done_as: asked}\n"
    )

    said = refusal(tmp_path, text, agent("tried", "llm"))

    assert "line 10: whoever it names is told at the end, and only if no person's stage tells anybody" in said
    assert read(tmp_path, text.replace("notify: [editors], ", ""), agent("tried", "llm"))


def test_every_key_of_a_stage_has_somebody_who_reads_it() -> None:
    """A new key needs its place here: whoever adds it says who acts on it."""
    by_the_engine = {
        "name", "agent", "inject", "give", "needs", "done_as", "title", "when", "each", "group",
        "at_most_at_once", "on_failure", "undo", "timeout", "retry", "priority", "limits", "notify", "due",
    }  # fmt: skip
    by_some_roles = {"judges", "send_back", "deciders", "output"}

    assert set(shape.Stage.model_fields) == by_the_engine | by_some_roles


@pytest.mark.django_db
def test_an_agent_cannot_lose_what_a_workflow_reads_of_it(tmp_path: Path, admin: object) -> None:
    text = f"{STAGE}    when: {{first.topic: billing}}\n    done_as: tried\n"
    for one in (agent("starter", "router"), agent("tried", "llm")):
        shipped.hire(one, by="clawbot")
    (tmp_path / "workflow.yaml").write_text(text)
    workflow.sync(
        tmp_path, {"starter": agent("starter", "router"), "tried": agent("tried", "llm")}, by="clawbot"
    )
    assert Workflow.objects.get().active

    with pytest.raises(
        Unreadable, match="trial, stage second: reads `first.topic`, and `first` says no fields"
    ):
        shipped.hire(agent("starter", "llm"), by="user:admin")

    assert shipped.hire(agent("starter", "http"), by="user:admin") is not None
