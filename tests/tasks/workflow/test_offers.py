"""A shipped file never overrides a person: what it says is offered, once, and she uses it or keeps hers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agents import staff
from agents.contract import Refused
from agents.definition import Definition
from agents.models import Agent
from agents.strict_yaml import Unreadable
from tasks.access import NotAllowed
from tasks.models import Event, Workflow
from tasks.workflow import offers, rollback, shipped

pytestmark = pytest.mark.django_db
ADMIN = "user:admin"
PLAIN = [{"name": "write", "agent": "writer", "done_as": "written"}]


class Files:
    """The files that come with Clawbot: `ship(writer="Write.", note="Note")` changes and reads them."""

    def __init__(self, folder: Path) -> None:
        self.agents, self.workflows = folder / "agents", folder / "workflows"
        (self.workflows / "note").mkdir(parents=True)
        self.agents.mkdir()

    def ship(
        self, writer: str = "Write.", note: str = "Note", returns: str = "draft", stages: Any = ()
    ) -> list[str]:
        agent = {"name": "writer", "role": "llm", "instructions": writer, "returns": [returns]}
        (self.agents / "writer.yaml").write_text(yaml.safe_dump(agent), "utf-8")
        flow = {"name": "note", "title": note, "key": "NOTE", "stages": stages or PLAIN}
        (self.workflows / "note" / "workflow.yaml").write_text(yaml.safe_dump(flow), "utf-8")
        return shipped.sync("clawbot", agents=self.agents, workflows=self.workflows)


@pytest.fixture
def files(tmp_path: Path, admin: Any) -> Files:
    found = Files(tmp_path)
    found.ship()
    return found


def hers(text: str = "Write as I do.") -> None:
    shipped.hire(Definition(name="writer", role="llm", instructions=text, returns=("draft",)), by=ADMIN)


def writer() -> Agent:
    return Agent.objects.select_related("active", "offered").get(slug="writer")


def note() -> Workflow:
    return Workflow.objects.select_related("active", "offered").get(slug="note")


def kinds() -> list[str]:
    found = Event.objects.filter(kind__regex="^(agent|workflow)[.]").order_by("id")
    return list(found.values_list("kind", flat=True))


def test_what_nobody_touched_follows_its_file(files: Files) -> None:
    assert files.ship(writer="Write better.", note="Better") == ["writer v2", "note v2"]
    assert (writer().active.number, note().active.number) == (2, 2)
    assert (writer().offered, note().offered) == (None, None)


def test_an_admins_writer_stays_active_and_the_files_words_are_offered(files: Files) -> None:
    hers()

    said = files.ship(writer="Write better.")

    assert writer().active.definition["instructions"] == "Write as I do."
    assert writer().offered.definition["instructions"] == "Write better."
    assert said == [
        "writer v3 is offered: writer keeps v2, which admin chose. Read what differs on its page, then use "
        "it or keep yours."
    ]
    assert kinds()[-1] == "agent.offered"
    assert staff.active("writer") == writer().active


def test_the_file_as_it_was_is_no_update(files: Files) -> None:
    hers()

    assert files.ship() == []
    assert (writer().active.number, writer().offered) == (2, None)


def test_the_same_file_is_offered_once(files: Files) -> None:
    hers()
    files.ship(writer="Write better.")
    offers.keep(writer(), 3, by=ADMIN)

    again = files.ship(writer="Write better.")
    newer = files.ship(writer="Write best.")

    assert again == []
    assert len(newer) == 1
    assert (writer().active.number, writer().offered.number) == (2, 4)


def test_use_it_makes_it_active_and_the_file_is_followed_again(files: Files) -> None:
    hers()
    files.ship(writer="Write better.")

    assert offers.use(writer(), 3, by=ADMIN)
    assert not offers.use(writer(), 3, by=ADMIN)
    assert (writer().active.number, writer().offered, writer().chosen_by) == (3, None, "")
    assert kinds()[-1] == "agent.activated"
    assert files.ship(writer="Write best.") == ["writer v4"]


def test_keep_mine_is_said_once(files: Files) -> None:
    hers()
    files.ship(writer="Write better.")

    assert offers.keep(writer(), 3, by=ADMIN)
    assert not offers.keep(writer(), 3, by=ADMIN)
    assert kinds().count("agent.kept") == 1


def test_another_update_than_the_one_that_was_read_is_refused(files: Files) -> None:
    hers()
    files.ship(writer="Write better.")
    files.ship(writer="Write best.")

    with pytest.raises(Refused, match=r"Cannot use writer v3: v4 is offered now"):
        offers.use(writer(), 3, by=ADMIN)


def test_only_an_admin_answers(files: Files, ana: Any) -> None:
    hers()
    files.ship(writer="Write better.")

    for answer in (offers.use, offers.keep):
        with pytest.raises(NotAllowed):
            answer(writer(), 3, by="user:ana")
    assert writer().offered.number == 3


def test_a_workflow_brought_back_stays_and_its_file_is_offered(files: Files) -> None:
    files.ship(note="Two")
    rollback.activate("note", 1, by=ADMIN)

    unchanged = files.ship(note="Two")
    files.ship(note="Three")

    assert unchanged == []
    assert (note().active.number, note().title, note().offered.number) == (1, "Note", 3)
    offers.use(note(), 3, by=ADMIN)
    assert (note().active.number, note().title, note().offered) == (3, "Three", None)
    assert files.ship(note="Four") == ["note v4"]


def test_a_file_that_goes_with_an_update_not_taken_waits_for_it_and_the_house_still_starts(
    files: Files,
) -> None:
    hers()
    editor = {"name": "editor", "role": "llm", "accepts": ["outline"], "returns": ["draft"]}
    (files.agents / "editor.yaml").write_text(yaml.safe_dump(editor), "utf-8")
    stages = [
        {"name": "write", "agent": "writer", "done_as": "written"},
        {"name": "mend", "agent": "editor", "needs": ["write"], "done_as": "mended"},
    ]

    said = files.ship(returns="outline", stages=stages)

    assert (writer().active.number, note().active.number) == (2, 1)
    assert said[-1].startswith("note: its new file needs an offered update of an agent.")
    offers.use(writer(), writer().offered.number, by=ADMIN)
    assert files.ship(returns="outline", stages=stages) == ["note v2"]


def test_a_file_that_nothing_could_use_still_stops_the_start(files: Files) -> None:
    hers()
    stages = [{"name": "write", "agent": "nobody", "done_as": "written"}]

    with pytest.raises(Unreadable, match="no agent is called `nobody`"):
        files.ship(writer="Write better.", stages=stages)
