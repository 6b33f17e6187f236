"""docs/howto/first_workflow.md: every block of YAML in it is loaded, and every step of it is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.house.files import ROOT
from tests.tasks.workflows import journey

PAGE = (ROOT / "docs/howto/first_workflow.md").read_text("utf-8")
MESSAGES = "tasks/workflows/inbox_digest/samples/default/sources"
STEPS = [part for part in PAGE.split("\n## ") if "```yaml" in part]
BLOCK = re.compile(r"```yaml\n# (?P<file>\S+?)(?P<more>, at the end)?\n(?P<text>.*?)```", re.DOTALL)


def follow(steps: int, folder: Path) -> list[str]:
    """Put the files of the first steps into a folder, sync after each, and tell what changed."""
    from tasks.workflow import shipped

    changed: list[str] = []
    for step in STEPS[:steps]:
        for block in BLOCK.finditer(step):
            path = folder / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text("utf-8") if block["more"] else ""
            path.write_text(before + block["text"], "utf-8")
        changed = shipped.sync("clawbot", agents=folder / "none", workflows=folder)
    return changed


def a_day() -> journey.Journey:
    return journey.inject("my_day", "--title", "Tuesday", "--set", f"sources={ROOT / MESSAGES}")


@pytest.fixture
def folder(house: Path) -> Path:
    return house / "workflows"


def test_has_a_file_name_in_every_block():
    assert len(STEPS) == 3
    assert len(BLOCK.findall(PAGE)) == PAGE.count("```yaml") == 6
    assert MESSAGES in PAGE


def test_begins_with_one_agent(folder):
    follow(1, folder)

    day = a_day()

    assert day.code == journey.DONE
    assert day.file(".md").startswith("# Tuesday\n\n14 messages")
    assert (folder.parent / "published/days").is_dir()


def test_grows_by_an_agent_that_reads_what_the_first_made(folder):
    changed = follow(2, folder)

    day = a_day()

    assert any("my_day v2" in one for one in changed)
    assert day.code == journey.DONE
    assert "1,480 euros" in day.text("money")


def test_ends_with_three_agents_and_a_person(folder):
    follow(3, folder)

    day = a_day()

    assert day.code == journey.WAITS
    assert "5 March" in day.text("visits")
    call_command("act", day.task.key, "approve", "--by", "ana")
    with journey.at_work():
        journey.until_done(day.task)
