"""Going back to an older version: recorded, kept until the file changes, and never for what runs."""

from __future__ import annotations

import pytest
import yaml

from agents import staff
from agents.contract import Refused
from agents.definition import Definition
from tasks import workflow
from tasks.models import Event, Schedule, Workflow
from tasks.workflow import rollback
from tests.tasks.builders import a_task

pytestmark = pytest.mark.django_db
BY = "user:admin"


@pytest.fixture
def hired(admin):
    for name in ("writer", "seo"):
        staff.store(Definition(name=name, role="llm"), by=BY)


@pytest.fixture
def versions(tmp_path, hired):
    """Writes and syncs the file: `versions("One")` with stages of these agents."""

    def say(title, *agents, cron="0 4 * * *"):
        stages = [{"name": name, "agent": name, "done_as": f"{name}_done"} for name in agents or ["writer"]]
        folder = tmp_path / "note"
        folder.mkdir(exist_ok=True)
        whole = {"name": "note", "title": title, "key": "NOTE", "schedule": {"cron": cron}, "stages": stages}
        (folder / "workflow.yaml").write_text(yaml.safe_dump(whole), "utf-8")
        return workflow.sync(folder, staff.definitions(), by=BY)

    return say


def active():
    return Workflow.objects.get(slug="note").active.number


def test_new_tasks_run_under_the_older_version_and_running_ones_keep_theirs(versions):
    versions("One")
    versions("Two", "writer", "seo", cron="0 5 * * *")
    running = a_task(flow="note")

    rollback.activate("note", 1, by=BY)
    fresh = a_task(flow="note")
    running.refresh_from_db()

    assert (running.workflow_version.number, fresh.workflow_version.number) == (2, 1)
    assert Workflow.objects.get(slug="note").title == "One"
    assert Schedule.objects.get().cron == "0 4 * * *"
    said = Event.objects.get(kind="workflow.activated")
    assert (said.by, said.data["number"], said.data["was"]) == (BY, 1, 2)


def test_stays_through_a_sync_until_the_file_changes(versions):
    versions("One")
    versions("Two")
    rollback.activate("note", 1, by=BY)

    assert versions("Two") is None
    stayed = active()
    versions("Three")

    assert (stayed, active()) == (1, 3)


def test_goes_forward_again_and_says_nothing_twice(versions):
    versions("One")
    versions("Two")

    for number in (1, 1, 2):
        rollback.activate("note", number, by=BY)

    assert active() == 2
    assert Event.objects.filter(kind="workflow.activated").count() == 2


def test_refuses_a_version_whose_agents_are_gone(versions):
    versions("One", "seo")
    versions("Two")
    staff.Agent.objects.filter(slug="seo").update(active=None)

    with pytest.raises(Refused, match=r"note v1: nobody is called seo any more"):
        rollback.activate("note", 1, by=BY)
    assert active() == 2


@pytest.mark.parametrize(
    ("name", "number", "says"), [("note", 7, "it has v1"), ("nota", 1, "There are: note")]
)
def test_refuses_what_is_not_there_with_what_is(versions, name, number, says):
    versions("One")

    with pytest.raises(Refused, match=says):
        rollback.activate(name, number, by=BY)


def test_only_admins_go_back(versions, ben):
    versions("One")

    with pytest.raises(Refused, match="Only admins"):
        rollback.activate("note", 1, by="user:ben")
