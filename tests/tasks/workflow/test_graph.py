"""Fifty files that could never work: each is refused with its line and a sentence that says what would.

The first line of each file in `malformed/` says at which line it is wrong and what a person should read.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.definition import Definition
from agents.strict_yaml import Unreadable
from tasks import workflow
from tasks.workflow import graph

FILES = sorted((Path(__file__).parent / "malformed").glob("*.yaml"))
AGENTS = {
    name: Definition(
        name=name,
        role="http",
        settings={"url": "https://x.example"},
        returns=("letter",) if name == "writer" else (),
    )
    for name in ("reader", "bank", "bank_back", "writer")
}
WORKFLOWS = {"letters": ()}
PEOPLE = {"user:ana", "user:ben"}


def test_there_are_at_least_forty() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_is_refused_at_its_line_with_what_would_work(file: Path) -> None:
    said = re.match(r"# refused at line (\d+): (.+)\n", file.read_text())
    assert said

    with pytest.raises(Unreadable) as caught:
        workflow.read(file, AGENTS, lambda group: PEOPLE, WORKFLOWS)

    right = [problem for problem in caught.value.problems if f"line {said[1]}:" in problem]
    assert any(said[2] in problem for problem in right), caught.value.problems
    assert len(caught.value.problems) <= 3, "one mistake is told once, not as a list of its consequences"


def test_the_file_without_the_mistake_is_read(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "malformed" / "unknown_agent.yaml").read_text()
    (tmp_path / "workflow.yaml").write_text(text.replace("wirter", "writer"))

    data = workflow.read(tmp_path, AGENTS, lambda group: PEOPLE, WORKFLOWS)

    assert [stage["name"] for stage in data["stages"]][-1] == "approve"


def test_upstream_and_downstream_follow_the_needs() -> None:
    stages = [{"name": "a", "needs": []}, {"name": "b", "needs": ["a"]}, {"name": "c", "needs": ["b"]}]

    assert graph.upstream("c", stages) == {"a", "b"}
    assert graph.downstream("b", stages) == ["b", "c"]
