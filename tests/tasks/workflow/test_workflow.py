"""A workflow file is checked completely before any task may run under it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agents.definition import Definition
from agents.strict_yaml import Unreadable
from tasks import workflow
from tasks.models import Schedule, Workflow

AGENTS = {
    "research": Definition(name="research", role="research", returns=("research",)),
    "writer": Definition(name="writer", role="writer", accepts=("research",), returns=("draft",)),
    "reviewer": Definition(name="reviewer", role="reviewer", accepts=("draft",), returns=("review",)),
}

GOOD = """\
name: article
title: Article production
key: ART
schedule: {cron: "0 4 * * 1-5", zone: Europe/Berlin}
input:
  required: [title]
  properties: {title: {type: string}, words: {type: integer, minimum: 1}}
stages:
  - {name: research, agent: research, done_as: research_done, timeout: 20m, retry: {times: 3, backoff: 30s}}
  - {name: write, agent: writer, needs: [research], done_as: draft_ready}
  - name: review
    agent: reviewer
    needs: [write]
    judges: write
    send_back: {to: write, at_most: 3}
    done_as: reviewed
  - name: approve
    agent: human
    needs: [review]
    judges: write
    notify: [editors]
    deciders: {group: editors}
    due: {after: 4h, then: [{remind: owner}, {after: 2h, escalate: operators}]}
    done_as: approved
"""


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "workflow.yaml").write_text(text)
    return tmp_path


def problem(tmp_path: Path, text: str) -> str:
    with pytest.raises(Unreadable) as caught:
        workflow.read(written(tmp_path, text), AGENTS)
    return str(caught.value)


def test_reads_durations_as_seconds_and_keeps_the_order_of_stages(tmp_path: Path) -> None:
    data = workflow.read(written(tmp_path, GOOD), AGENTS)

    assert [stage["name"] for stage in data["stages"]] == ["research", "write", "review", "approve"]
    assert data["stages"][0]["timeout"] == 1200
    assert data["stages"][3]["due"]["then"][1] == {
        "after": 7200, "remind": "", "reassign": "", "escalate": "operators", "end": "",
    }  # fmt: skip
    assert data["input"]["properties"]["words"]["minimum"] == 1


BROKEN = [
    ("agent: writer,", "agent: writr,", 10, "Did you mean `writer`"),
    ("needs: [research]", "needs: [reserch]", 10, "Did you mean `research`"),
    ("needs: [write]", "needs: [write, approve]", 13, "needs itself"),
    ("judges: write\n    send_back", "judges: approve\n    send_back", 14, "does not run before it"),
    ("to: write,", "to: approve,", 15, "does not run before it"),
    ("notify: [editors]", "notify: [editor]", 21, "editors"),
    ("group: editors", "group: editor", 22, "editors"),
    ('"0 4 * * 1-5"', '"61 4 * * 1-5"', 4, "not a cron line"),
    ("Europe/Berlin", "Europe/Berlinn", 4, "not a time zone"),
    ("timeout: 20m", "timeout: soon", 9, "30s, 15m, 4h or 2d"),
    ("type: integer", "type: whole", 7, "not a JSON Schema"),
    ("done_as: approved", "done_as: approved\n    outptu: x", 25, "outptu"),
    ("name: write,", "name: research,", 10, "there twice"),
    ("key: ART", "key: art", 3, "key"),
]


@pytest.mark.parametrize(("found", "instead", "line", "sentence"), BROKEN)
def test_refuses_a_broken_file_with_its_line_and_what_would_be_right(
    found: str, instead: str, line: int, sentence: str, tmp_path: Path
) -> None:
    assert found in GOOD
    said = problem(tmp_path, GOOD.replace(found, instead, 1))

    assert f"line {line}:" in said
    assert sentence in said


def test_refuses_an_agent_that_accepts_what_nobody_returns(tmp_path: Path) -> None:
    without = GOOD.replace(
        "  - {name: research, agent: research,", "  - {name: research, agent: reviewer,", 1
    )

    assert "accepts `research`, which no stage of this workflow returns" in problem(tmp_path, without)


@pytest.mark.parametrize(
    "output", ["../x.md", "/etc/passwd", "staging/../../x", "published/a b.md", "home/x.md"]
)
def test_refuses_an_output_outside_the_two_folders(output: str, tmp_path: Path) -> None:
    text = GOOD.replace("done_as: draft_ready", f'done_as: draft_ready, output: "{output}"', 1)

    assert "a path below staging/ or published/" in problem(tmp_path, text)


def test_lends_the_workflows_own_files_but_nothing_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "article"
    (folder / "examples").mkdir(parents=True)
    (folder / "examples" / "one.md").write_text("# One")
    (tmp_path / "secret.md").write_text("secret")
    text = GOOD + "materials: {examples: examples/*.md, other: ../secret.md}\n"

    data = workflow.read(written(folder, text), AGENTS)

    assert data["materials"] == {"examples": {"one": "# One"}, "other": {}}


def test_upstream_and_downstream_follow_the_graph() -> None:
    stages = [{"name": "a", "needs": []}, {"name": "b", "needs": ["a"]}, {"name": "c", "needs": ["b"]}]

    assert workflow.upstream("c", stages) == {"a", "b"}
    assert workflow.downstream("b", stages) == ["b", "c"]


@pytest.mark.django_db
def test_sync_makes_a_version_only_where_something_changed(tmp_path: Path) -> None:
    folder = written(tmp_path, GOOD)

    first = workflow.sync(folder, AGENTS, by="clawbot")
    assert first is not None
    assert workflow.sync(folder, AGENTS, by="clawbot") is None
    written(tmp_path, GOOD.replace("at_most: 3", "at_most: 2"))
    second = workflow.sync(folder, AGENTS, by="clawbot")

    assert second is not None
    assert (first.number, second.number) == (1, 2)
    assert Workflow.objects.get().active == second
    assert Schedule.objects.get().cron == "0 4 * * 1-5"


@pytest.mark.django_db
@pytest.mark.parametrize("rule", ["four_eyes: true", "count: 2"])
def test_refuses_a_gate_that_nobody_could_open_and_says_who_is_missing(
    rule: str, tmp_path: Path, ana: object, person: Callable[[str, str], object]
) -> None:
    folder = written(tmp_path, GOOD.replace("group: editors", f"group: editors, {rule}"))

    with pytest.raises(Unreadable, match="line 22: asks for 2 different people of editors.* and there is 1"):
        workflow.sync(folder, AGENTS, by="clawbot")

    person("dora", "operators")
    assert workflow.sync(folder, AGENTS, by="clawbot") is not None
