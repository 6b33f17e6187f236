"""A person starts a task from a form made of the workflow's schema."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tasks.models import Task, Workflow
from tests.tasks.builders import a_task, a_workflow, statuses

pytestmark = pytest.mark.django_db

SCHEMA = {
    "required": ["title", "brief"],
    "properties": {
        "title": {"type": "string"},
        "brief": {"type": "string", "description": "The angle."},
        "sources": {"type": "array", "items": {"type": "string"}},
        "must_mention": {"type": "array", "items": {"type": "string"}},
        "keyword": {"type": "string"},
        "words": {"type": "object", "properties": {"min": {"type": "integer"}, "max": {"type": "integer"}}},
        "site_articles": {"type": "array", "items": {"type": "object"}},
    },
}


@pytest.fixture
def flow() -> Workflow:
    flow = a_workflow()
    flow.active.definition["input"] = SCHEMA
    flow.active.save()
    return flow


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path) -> None:
    """Tasks of different tests have the same keys, and their folders outlive them."""
    settings.DATA = tmp_path
    (tmp_path / "workspace").mkdir()


@pytest.fixture
def editor(client: Client, ana) -> Client:
    client.force_login(ana)
    return client


def form(**more) -> dict[str, object]:
    return {
        "workflow": "article",
        "title": "Why agents need a manager",
        "brief": "Who decides.",
        "start": "now",
        **more,
    }


def test_makes_a_control_of_every_property(editor: Client, flow: Workflow):
    html = editor.get(reverse("new_task")).content.decode()

    assert all(
        f'name="{name}"' in html
        for name in ["title", "brief", "sources", "must_mention", "keyword", "words_min", "upload"]
    )
    assert "The angle." in html


def test_says_what_will_run_and_that_nobody_knows_yet_how_long(editor: Client, flow: Workflow):
    html = editor.get(reverse("new_task")).content.decode()

    assert "This will run" in html
    assert "a person decides" in html
    assert "nobody knows how long it takes" in html


def test_creates_a_task_that_starts_now(editor: Client, flow: Workflow):
    answer = editor.post(
        reverse("new_task"), form(must_mention="One.\n\nTwo.", words_min="700", words_max="900", keyword="")
    )
    task = Task.objects.get()

    assert answer["Location"] == f"/tasks/{task.key}/"
    assert task.created_by == "user:ana"
    assert task.input["must_mention"] == ["One.", "Two."]
    assert task.input["words"] == {"min": 700, "max": 900}
    assert "keyword" not in task.input
    assert statuses(task)["research"] == "ready"


def test_leaves_a_task_in_the_backlog_when_asked(editor: Client, flow: Workflow):
    editor.post(reverse("new_task"), form(start="backlog", due="2026-12-24", priority="5"))
    task = Task.objects.get()

    assert statuses(task)["research"] == "blocked"
    assert (str(task.due_on), task.priority) == ("2026-12-24", 5)


def test_keeps_uploaded_files_in_the_tasks_own_folder(editor: Client, flow: Workflow, settings):
    files = [SimpleUploadedFile("notes.md", b"# Notes"), SimpleUploadedFile("notes.md", b"# More")]
    editor.post(reverse("new_task"), form(upload=files, sources="https://example.org/a"))
    task = Task.objects.get()
    kept = settings.DATA / "workspace" / task.key

    assert task.input["sources"][0] == "https://example.org/a"
    assert [(kept / name).read_bytes() for name in task.input["sources"][1:]] == [b"# Notes", b"# More"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../../etc/passwd", "~/.ssh/id_rsa", "nothing-here.md"])
def test_reads_no_file_of_this_machine_that_did_not_come_with_the_form(
    editor: Client, flow: Workflow, name: str
):
    answer = editor.post(reverse("new_task"), form(sources=name))

    assert answer.status_code == 422
    assert "Cannot read the source" in answer.content.decode()
    assert not Task.objects.exists()


def test_stores_an_upload_under_a_safe_name(editor: Client, flow: Workflow):
    editor.post(reverse("new_task"), form(upload=SimpleUploadedFile("../../../evil.md", b"x")))

    assert Task.objects.get().input["sources"][0].endswith("evil.md")
    assert ".." not in Task.objects.get().input["sources"][0]


def test_says_which_field_is_missing_and_keeps_the_rest(editor: Client, flow: Workflow):
    answer = editor.post(reverse("new_task"), form(brief="", keyword="agent managers"))
    html = answer.content.decode()

    assert answer.status_code == 422
    assert "Brief is needed." in html
    assert 'value="agent managers"' in html
    assert not Task.objects.exists()


def test_says_what_is_wrong_with_a_number_and_with_structured_text(editor: Client, flow: Workflow):
    assert "is not a number" in editor.post(reverse("new_task"), form(words_min="many")).content.decode()
    assert editor.post(reverse("new_task"), form(site_articles="[1, }")).status_code == 422
    assert not Task.objects.exists()


def test_fills_the_form_from_a_sample_and_runs_on_its_files(editor: Client, flow: Workflow, settings):
    html = editor.get(f"{reverse('new_task')}?sample=default").content.decode()
    first = next(line for line in html.splitlines() if "sources/1-" in line)
    name = "sources/1-" + first.split("sources/1-")[1].split("<")[0].strip()

    editor.post(reverse("new_task"), form(sample="default", sources=name))
    task = Task.objects.get()
    assert (settings.DATA / "workspace" / task.key / task.input["sources"][0]).exists()


@pytest.mark.parametrize("sample", ["../../..", "nothing", "default/../default"])
def test_knows_no_sample_outside_the_workflows_folder(editor: Client, flow: Workflow, sample: str):
    assert editor.get(reverse("new_task"), {"sample": sample}).status_code == 200
    assert editor.post(reverse("new_task"), form(sample=sample)).status_code == 302


def test_fills_the_form_from_the_address(editor: Client, flow: Workflow):
    assert (
        'value="From a bookmark"'
        in editor.get(f"{reverse('new_task')}?title=From+a+bookmark").content.decode()
    )


def test_makes_one_task_of_a_double_click(editor: Client, flow: Workflow):
    for _ in range(2):
        editor.post(reverse("new_task"), form(request_id="one-click"))

    assert Task.objects.count() == 1


def test_hints_at_a_task_that_looks_the_same(editor: Client, flow: Workflow):
    task = a_task("Agentic procurement basics for buyers", input={"brief": "x"})

    assert (
        task.key
        in editor.get(
            f"{reverse('new_task_alike')}?title=Basics+of+agentic+procurement", headers={"HX-Request": "true"}
        ).content.decode()
    )
    other = editor.get(
        reverse("new_task_alike"), {"title": "Edge caching for small shops"}, headers={"HX-Request": "true"}
    )
    assert task.key not in other.content.decode()


def test_refuses_a_viewer(client: Client, cleo, flow: Workflow):
    client.force_login(cleo)

    assert "Only editors may inject" in client.get(reverse("new_task")).content.decode()
    assert client.post(reverse("new_task"), form()).status_code == 422
    assert not Task.objects.exists()


def test_a_list_of_mappings_is_a_table_whose_filled_rows_count(client, ana):
    flow = a_workflow("order", [{"name": "take", "agent": "desk", "done_as": "taken"}], "ORD")
    item = {"type": "object", "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer"}}}
    schema = {
        "required": ["items", "size"],
        "properties": {"items": {"type": "array", "items": item}, "size": {"enum": ["small", "large"]}},
    }
    flow.versions.update(definition=flow.active.definition | {"input": schema})
    client.force_login(ana)
    given = {
        "workflow": "order", "title": "Two lamps", "items.sku": ["LAMP", "", "BULB"],
        "items.quantity": ["2", "", "4"], "size": "large",
    }  # fmt: skip

    form = client.get("/tasks/new/?workflow=order").content.decode()
    more = client.post("/tasks/new/", {**given, "do": "rows"})
    made = client.post("/tasks/new/", given)

    assert 'name="items.sku"' in form
    assert "<option >large</option>" in form
    assert 'value="BULB"' in more.content.decode()
    assert made.status_code == 302
    assert Task.objects.get(workflow=flow).input == {
        "title": "Two lamps", "size": "large",
        "items": [{"sku": "LAMP", "quantity": 2}, {"sku": "BULB", "quantity": 4}],
    }  # fmt: skip
