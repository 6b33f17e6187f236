"""`./manage.py inject`."""

from __future__ import annotations

import json
from datetime import date

import pytest

from agents.contract import Outcome
from clawbot.management.commands import inject as command
from tasks import clock, supervision
from tasks.models import Task, Workflow
from tasks.orchestrator import children
from tasks.why import why
from tasks.workflow import shipped
from tests.tasks.builders import a_task, a_worker, a_workflow, claim_all, finish, statuses
from tests.tasks.test_why import ASKING, CHILD, PARENT, a_new, do

SCHEMA = {
    "required": ["brief"],
    "properties": {
        "title": {"type": "string"},
        "brief": {"type": "string"},
        "sources": {"type": "array", "items": {"type": "string"}},
        "words": {"type": "object"},
        "keyword": {"type": "string"},
    },
}


@pytest.fixture
def article(db, admin) -> Workflow:
    flow = a_workflow()
    flow.versions.update(definition=flow.active.definition | {"input": SCHEMA})
    return flow


def test_injects_from_the_options_and_prints_the_key(manage, article) -> None:
    said = manage(
        "inject", "article", "--title", "Why agents need a manager", "--set", "brief=One page.",
        "--set", "keyword=2026", "--set", 'words={"min": 300}',
    )  # fmt: skip

    task = Task.objects.get()
    assert (said.out.strip(), said.code) == (task.key, 0)
    assert task.title == "Why agents need a manager"
    assert task.input == {
        "title": "Why agents need a manager", "brief": "One page.", "keyword": "2026", "words": {"min": 300},
    }  # fmt: skip
    assert task.created_by == "user:admin"
    assert statuses(task)["research"] == "ready"


def test_injects_a_brief_with_the_files_and_folders_beside_it(manage, article, tmp_path, settings) -> None:
    settings.DATA = tmp_path / "var"
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "survey.md").write_text("212 orders.", "utf-8")
    (tmp_path / "memo.txt").write_text("8 days.", "utf-8")
    brief = tmp_path / "brief.yaml"
    brief.write_text("title: Procurement\nbrief: One page.\nsources: [papers, memo.txt]\n", "utf-8")

    said = manage("inject", "article", "--file", str(brief), "--json")

    task = Task.objects.get(key=json.loads(said.out)["key"])
    room = settings.DATA / "workspace" / task.key
    assert sorted(path.name for path in room.rglob("*.*")) == ["memo.txt", "survey.md"]


def test_lets_the_options_win_over_the_brief(manage, article, tmp_path) -> None:
    brief = tmp_path / "brief.yaml"
    brief.write_text("title: Old\nbrief: Old.\n", "utf-8")

    manage("inject", "article", "--file", str(brief), "--title", "New", "--set", "brief=New.")

    assert (Task.objects.get().title, Task.objects.get().input["brief"]) == ("New", "New.")


def test_injects_a_shipped_sample(manage, db, admin, tmp_path, settings) -> None:
    settings.DATA = tmp_path
    shipped.sync("clawbot")

    said = manage("inject", "article", "--sample", "default")

    assert said.code == 0, said.err
    assert len(list((tmp_path / "workspace" / said.out.strip() / "sources").iterdir())) == 6


def test_injects_the_same_key_once(manage, article) -> None:
    keys = {
        manage("inject", "article", "--title", "A", "--set", "brief=B", "--key", "k").out for _ in range(2)
    }

    assert len(keys) == Task.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "ready"),
    [((), True), (("--backlog",), False), (("--due", "2001-01-01"), True), (("--due", "2999-01-01"), False)],
)
def test_leaves_to_the_schedule_what_is_asked_for_later(manage, article, options, ready) -> None:
    manage("inject", "article", "--title", "A", "--set", "brief=B", *options)

    task = Task.objects.get()
    assert (statuses(task)["research"] == "ready") is ready
    assert task.due_on == (date.fromisoformat(options[1]) if len(options) > 1 else None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nonsense", "--title", "A"), "no workflow 'nonsense'"),
        (("article", "--title", "A"), "`brief` is missing"),
        (("article", "--sample", "nonsense"), "ships"),
        (("article", "--file", "nowhere.yaml"), "no file nowhere.yaml"),
        (("article", "--sample", "default", "--file", "x"), "not both"),
        (("article", "--set", "brief"), "key=value"),
        (("article", "--title", "A", "--set", "words=many"), "not the JSON"),
        (("article", "--title", "A", "--set", "brief=B", "--set", "sources=gone.md"), "gone.md"),
        (("article", "--title", "A", "--set", "brief=B", "--by", "cleo"), "Only editors may inject"),
        (("article", "--title", "A", "--set", "brief=B", "--by", "nobody"), "not an active user"),
    ],
)
def test_refuses_with_a_sentence_and_exit_code_1(manage, article, cleo, words, sentence) -> None:
    said = manage("inject", *words)

    assert said.code == 1
    assert sentence in said.err
    assert not Task.objects.exists()


# -- --wait


@pytest.fixture
def at_work(monkeypatch, article):
    """A worker that does everything it may whenever the command pauses to look again."""
    worker = a_worker()

    def work(_seconds: float) -> None:
        for claimed in claim_all(worker):
            finish(claimed)

    monkeypatch.setattr("clawbot.management.commands.inject.time.sleep", work)


def test_shows_the_progress_and_leaves_with_3_when_a_person_must_decide(manage, at_work) -> None:
    said = manage("inject", "article", "--title", "A", "--set", "brief=B", "--wait")

    assert said.code == 3
    assert "Started research" in said.out
    assert "Finished format" in said.out
    assert said.out.count("Started research") == 1


def test_keeps_the_output_to_the_key_where_json_is_asked_for(manage, at_work) -> None:
    said = manage("inject", "article", "--title", "A", "--set", "brief=B", "--wait", "--json")

    assert json.loads(said.out) == {"key": "ART-1"}
    assert "Finished format" in said.err


def test_leaves_with_0_when_the_task_is_done(manage, at_work) -> None:
    flow = a_workflow("note", [{"name": "write", "agent": "writer", "done_as": "written"}], key="NOTE")
    assert flow.active

    said = manage("inject", "note", "--title", "A", "--wait")

    assert said.code == 0
    assert Task.objects.get().status == "done"


def test_does_not_take_for_stuck_what_is_claimed_while_it_looks(article, monkeypatch) -> None:
    task = a_task(input={"title": "Pumps", "brief": "How they hum."})

    def asked_while_a_worker_claims(one: Task) -> object:
        claim_all()
        return why(one)

    monkeypatch.setattr(command, "why", asked_while_a_worker_claims)

    assert command._stands_still(task) is False


def test_leaves_with_4_when_it_was_cancelled(manage, at_work, monkeypatch) -> None:
    a_workflow("note", [{"name": "write", "agent": "writer", "done_as": "written"}], key="NOTE")

    def call_off(_: float) -> None:
        supervision.cancel(Task.objects.get(), by="user:admin", reason="Called off.")

    monkeypatch.setattr("clawbot.management.commands.inject.time.sleep", call_off)
    said = manage("inject", "note", "--title", "A", "--wait")

    assert said.code == 4
    assert "Cancelled" in said.out


def test_waits_through_answers_and_child_tasks_but_not_for_a_person(article, admin) -> None:
    asking = a_new("asking", ASKING)
    do(asking, "ask", Outcome(word="await", after_seconds=60))
    a_workflow("child", CHILD, "CHI")
    parent = a_new("parent", PARENT)

    assert command._stands_still(asking) is False
    assert command._stands_still(parent) is False
    children.inject(clock.now())
    assert command._stands_still(parent) is False
    do(Task.objects.get(workflow__slug="child"), "work", Outcome(word="escalate", question="Which one?"))
    parent.refresh_from_db()
    assert command._stands_still(parent) is True


def test_leaves_with_3_under_a_hold(manage, article) -> None:
    manage("pause", "--all", "--why", "Legal reads first")

    said = manage("inject", "article", "--title", "A", "--set", "brief=B", "--wait")

    assert said.code == 3
    assert "Legal reads first" in said.out


def test_says_how_to_start_workers_where_there_are_none(manage, article, monkeypatch) -> None:
    monkeypatch.setattr(command, "GRACE_SECONDS", -1)

    said = manage("inject", "article", "--title", "A", "--set", "brief=B", "--wait")

    assert said.code == 1
    assert "ART-1 is injected" in said.err
    assert "make up" in said.err


# -- what was written


@pytest.fixture
def strict(admin):
    flow = a_workflow()
    flow.active.definition["input"] = {
        "required": ["brief"],
        "properties": {
            "title": {"type": "string"}, "brief": {"type": "string"}, "words": {"type": "integer"},
            "must_mention": {"type": "array", "items": {"type": "string"}},
        },
    }  # fmt: skip
    flow.active.save()
    return flow


@pytest.mark.parametrize("title", ["3.10", "1e3", "on", "0777", "12:30"])
def test_a_title_stays_what_was_written(manage, strict, tmp_path, title) -> None:
    (tmp_path / "brief.yaml").write_text(f"title: {title}\nbrief: About the lift.\nwords: 300\n")

    said = manage("inject", "article", "--file", str(tmp_path / "brief.yaml"))

    assert said.code == 0
    task = Task.objects.get()
    assert (task.title, task.input["title"], task.input["words"]) == (title, title, 300)


@pytest.mark.parametrize(
    ("brief", "sentence"),
    [
        ("titel: A\nbrief: b\n", "brief.yaml, line 1: unknown key `titel`. Did you mean `title`?"),
        (
            "title: A\nbrief: b\nmust_mention:\n  - Costs fell: by 4 percent.\n",
            "brief.yaml, line 4: `must_men",
        ),
        ("title: A\nbrief: b\nwords: 0777\n", "brief.yaml, line 3: `words`: found “0777”; a whole number is"),
        ("- A\n", "brief.yaml, line 1: a brief is a mapping"),
    ],
)
def test_refuses_a_brief_with_its_line(manage, strict, tmp_path, brief, sentence) -> None:
    (tmp_path / "brief.yaml").write_text(brief)

    said = manage("inject", "article", "--file", str(tmp_path / "brief.yaml"))

    assert said.code == 1
    assert sentence in said.err
    assert not Task.objects.exists()


def test_refuses_a_misspelt_key_of_the_command_line(manage, strict) -> None:
    said = manage("inject", "article", "--title", "A", "--set", "brief=b", "--set", "word=3")

    assert "unknown key `word`. Did you mean `words`?" in said.err
