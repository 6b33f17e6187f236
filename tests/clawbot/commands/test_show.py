"""The commands that only look: status, artifact, tail, export, verify, doctor."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from agents.definition import Definition
from tasks import invariants
from tasks.models import Artifact, Subtask, Task, Workflow, WorkflowVersion
from tasks.workflow import shipped
from tests.tasks.builders import a_task, a_worker, a_workflow, work_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def task() -> Task:
    made = a_task()
    a_worker()
    work_until(made, "approve")
    return made


def test_tells_where_a_task_stands_and_why(manage, task) -> None:
    said = manage("status", "art-1")

    assert said.out.startswith("ART-1  Why agents need a manager\n")
    assert "research_done" in said.out
    assert "verbs: approve, send_back" in said.out


def test_gives_the_promised_names_as_json(manage, task) -> None:
    shape = json.loads(manage("status", "ART-1", "--json").out)
    listed = json.loads(manage("status", "--json").out)

    names = {"key", "title", "workflow", "status", "outcome", "stage_status", "why", "waiting_for", "reviews"}
    assert names | {"stages", "artifacts", "notices"} <= set(shape)
    assert [list(one) for one in listed] == [["key", "title", "workflow", "status", "outcome"]]


def test_says_what_to_do_first_in_an_empty_house(manage) -> None:
    assert "manage.py inject" in manage("status").out
    assert json.loads(manage("status", "--json").out) == []


def test_prints_a_version_of_what_was_made(manage, task) -> None:
    first = Artifact.objects.get(task=task, kind="draft", number=1)

    assert manage("artifact", "ART-1", "draft", "--version", "1").out == first.text + "\n"
    assert json.loads(manage("artifact", "ART-1", "draft", "--json").out)["sha256"]


def test_names_what_there_is_where_the_artifact_is_not(manage, task) -> None:
    said = manage("artifact", "ART-1", "poem")

    assert said.code == 1
    assert "draft 1" in said.err


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("kind:artifact",), "Made draft 1"),
        (("agent:writer", "stage:write"), "Finished write"),
        (("task:ART-1",), "New task"),
    ],
)
def test_shows_the_log_that_was_asked_for(manage, task, words, shown) -> None:
    said = manage("tail", *words, "--no-follow", "--lines", "100")

    assert shown in said.out


def test_shows_the_newest_lines_in_their_order(manage, task) -> None:
    lines = manage("tail", "--no-follow", "--lines", "2", "--json").out.splitlines()

    ids = [json.loads(line)["id"] for line in lines]
    assert len(ids) == 2
    assert ids == sorted(ids)


# -- sync and export


def test_reads_back_what_it_wrote_as_the_same_versions(manage, admin, tmp_path) -> None:
    shipped.sync("clawbot")
    manage("export", "--out", str(tmp_path))

    said = manage("sync", str(tmp_path))

    assert said.out.strip() == "Nothing changed."
    assert (tmp_path / "agents" / "writer.yaml").is_file()
    assert WorkflowVersion.objects.count() == Workflow.objects.count()


def test_makes_a_new_version_of_one_changed_agent(manage, admin, tmp_path) -> None:
    shipped.sync("clawbot")
    manage("export", "--out", str(tmp_path))
    file = tmp_path / "agents" / "writer.yaml"
    file.write_text(file.read_text("utf-8").replace("title: Writer", "title: Ghostwriter"), "utf-8")

    assert manage("sync", str(file)).out.strip() == "writer v2"


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_says_what_it_can_read(manage, admin, tmp_path, name) -> None:
    said = manage("sync", str(tmp_path / name))

    assert said.code == 1
    assert "workflow.yaml" in said.err


def test_lets_only_admins_sync(manage, ana) -> None:
    assert manage("sync", "--by", "ana").code == 1


# -- verify


def test_finds_nothing_wrong_where_nothing_is(manage, task) -> None:
    said = manage("verify")

    assert said.code == 0, said.out
    assert f"{len(invariants.ALL)} of {len(invariants.ALL)} invariants hold." in said.out


def test_names_what_is_broken_and_where(manage, task) -> None:
    Subtask.objects.filter(task=task, stage="publish").update(needs_left=0)

    said = manage("verify")

    assert said.code == 1
    assert "BROKEN  A blocked stage counts exactly the open stages it needs." in said.out
    assert "ART-1 publish" in said.out
    assert set(json.loads(manage("verify", "--json").out)["invariants"]) >= {
        "A stage that needs nothing more is not blocked."
    }


# -- doctor


def test_says_that_no_worker_runs_and_how_to_start_one(manage, settings) -> None:
    a_workflow()

    said = manage("doctor")

    assert said.code == 1
    assert "make up" in said.out


def test_is_content_with_a_house_in_order(manage) -> None:
    shipped.sync("clawbot")
    a_worker()

    said = manage("doctor", "--json")

    assert {name: look["text"] for name, look in json.loads(said.out).items() if not look["ok"]} == {}
    assert said.code == 0


def test_names_the_agents_whose_model_the_house_has_lost(manage, monkeypatch) -> None:
    monkeypatch.setenv("CLAWBOT_MODELS", "careful=openai:gpt")
    shipped.hire(Definition(name="writer", role="llm", model="careful"), by="clawbot")
    monkeypatch.setenv("CLAWBOT_MODELS", "")

    found = json.loads(manage("doctor", "--json").out)["models"]

    assert not found["ok"]
    assert found["text"].startswith("What writer should do waits for a person. There is no model `careful`.")


def test_never_shows_a_secret(manage, settings) -> None:
    settings.SLACK_BOT_TOKEN = "xoxb-very-secret"

    said = manage("doctor")

    assert "secret" not in said.out


@pytest.mark.parametrize(
    "name",
    ["inject", "status", "artifact", "act", "pause", "resume", "sync", "export", "tail", "verify", "doctor"],
)
def test_explains_itself(name, capsys) -> None:
    with pytest.raises(SystemExit) as leaving:
        call_command(name, "--help")

    assert leaving.value.code == 0
