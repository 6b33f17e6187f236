"""Django's admin: an agent changes by new versions only, and nothing of the work can be written."""

import pytest

from agents import staff
from agents.definition import Definition
from agents.models import Agent, AgentVersion
from tasks.models import Event
from tests.tasks.builders import a_task

WRITER = "name: writer\nrole: writer\naccepts: [research]\nreturns: [draft]\n"


@pytest.fixture
def writer(admin):
    return staff.store(Definition(name="writer", role="writer"), by="user:admin", note="first").agent


@pytest.fixture
def desk(client, admin):
    client.force_login(admin)
    return client


def save(desk, agent, yaml, note=""):
    return desk.post(f"/admin/agents/agent/{agent.pk}/change/", {"yaml": yaml, "note": note})


def test_a_save_is_a_new_version(desk, writer):
    answer = save(desk, writer, WRITER + "instructions: Name your sources.\n", "sources")

    writer.refresh_from_db()
    assert answer.status_code == 302
    assert (writer.active.number, writer.active.note, writer.active.created_by) == (
        2,
        "sources",
        "user:admin",
    )
    assert writer.active.definition["instructions"] == "Name your sources."
    assert AgentVersion.objects.get(number=1).definition["instructions"] == ""
    assert Event.objects.get(kind="agent.version").by == "user:admin"


def test_a_save_that_changes_nothing_is_no_version(desk, writer):
    answer = desk.post(
        f"/admin/agents/agent/{writer.pk}/change/", {"yaml": "name: writer\nrole: writer\n"}, follow=True
    )

    assert writer.versions.count() == 1
    assert [str(one) for one in answer.context["messages"]] == [
        "It says the same as the active version: nothing was changed."
    ]


@pytest.mark.parametrize(
    "yaml, problem",
    [
        (WRITER + "colour: red\n", "line 5"),
        ("name: writer\nrole: wizard\n", "unknown role"),
        ("name: editor\nrole: writer\n", "its name cannot change"),
        ("name: [writer", "line"),
        (WRITER + "authority: {approve: true}\n", "approve"),
        (WRITER + "model: careful\n", "line 5: there is no model `careful`. Known: built-in, default."),
        (WRITER + "authority: {send_back: true}\n", "does not read `authority`"),
    ],
)
def test_refuses_what_a_file_would_be_refused_for(desk, writer, yaml, problem):
    answer = save(desk, writer, yaml)

    assert answer.status_code == 200
    assert problem in answer.text
    assert writer.versions.count() == 1


def test_adds_an_agent(desk):
    desk.post("/admin/agents/agent/add/", {"yaml": WRITER, "note": ""})

    assert Agent.objects.get(slug="writer").active.number == 1


def test_an_old_version_is_read_and_used_again_as_a_new_one(desk, writer):
    save(desk, writer, WRITER)
    first = writer.versions.get(number=1)

    page = desk.get(f"/admin/agents/agentversion/{first.pk}/change/").text
    desk.post("/admin/agents/agentversion/", {"action": "use_again", "_selected_action": first.pk})

    writer.refresh_from_db()
    assert "Save" not in page
    assert (writer.active.number, writer.active.sha256, writer.active.note) == (
        3,
        first.sha256,
        "As v1 again",
    )


@pytest.mark.parametrize("person_group", ["viewers", "editors", "operators"])
def test_is_closed_to_everybody_else(client, person, person_group, writer):
    user = person("dora", person_group)
    user.is_staff = True
    user.save()
    client.force_login(user)

    assert save(client, writer, WRITER).status_code == 403
    assert client.get("/admin/tasks/event/").status_code == 403


def test_nothing_of_the_work_can_be_written(desk):
    task = a_task()

    page = desk.get(f"/admin/tasks/task/{task.pk}/change/")

    assert page.status_code == 200
    assert desk.post(f"/admin/tasks/task/{task.pk}/change/", {"status": "done"}).status_code == 403
    assert desk.get("/admin/tasks/task/add/").status_code == 403
    assert desk.post(f"/admin/tasks/task/{task.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "table",
    [
        "task",
        "subtask",
        "run",
        "artifact",
        "review",
        "decision",
        "hold",
        "notice",
        "event",
        "worker",
        "schedule",
    ],
)
def test_every_table_can_be_read(desk, table):
    a_task()

    assert desk.get(f"/admin/tasks/{table}/").status_code == 200


def test_makes_sign_in_links_for_people(desk, admin):
    page = desk.post(
        "/admin/people/user/", {"action": "sign_in_link", "_selected_action": admin.pk}, follow=True
    )

    assert "/sign-in/" in page.text
