"""What programs read of a task: the names that interface promises."""

import json

import pytest

from clawbot.shapes import brief_shapes, task_shape
from tasks import clock, supervision
from tasks.models import Task
from tasks.orchestrator import children
from tasks.workflow import versions
from tests.tasks.builders import a_task, claim_all, done, finish, work_until
from tests.tasks.test_why import CHILD, ORDER, PARENT, SPREAD, a_new, a_workflow, do

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    versions.forget()
    yield
    versions.forget()


@pytest.fixture
def waiting(ana):
    task = a_task("Why agents need a manager", by="user:ana")
    work_until(task, "approve")
    task.refresh_from_db()
    return task


def test_has_every_promised_field(waiting):
    shape = task_shape(waiting)

    assert shape.keys() >= {
        "key", "title", "workflow", "status", "outcome", "stage_status", "why", "waiting_for", "reviews",
        "stages", "artifacts", "notices",
    }  # fmt: skip
    assert shape["stages"][0].keys() >= {"name", "status", "attempts", "done_as", "started_at", "finished_at"}
    assert shape["artifacts"][0].keys() >= {"kind", "version", "sha256", "path", "made_by"}
    assert shape["notices"][0].keys() >= {"kind", "carrier", "state", "text"}
    assert shape["waiting_for"].keys() >= {"id", "reason", "verbs", "due_at"}


def test_is_plain_json(waiting):
    shape = task_shape(waiting)

    assert json.loads(json.dumps(shape)) == shape


def test_waits_for_the_review_that_is_due_first(waiting):
    shape = task_shape(waiting)

    assert shape["waiting_for"] == shape["reviews"][0]
    assert shape["waiting_for"]["verbs"][0] == "approve"
    assert shape["status"] == "doing"
    assert shape["why"]


def test_says_a_stages_word_only_once_it_is_done(waiting):
    words = {stage["name"]: stage["done_as"] for stage in task_shape(waiting)["stages"]}

    assert words["format"] == "formatted"
    assert words["approve"] is None


def test_lists_tasks_by_the_first_five_fields(waiting):
    assert brief_shapes([waiting]) == [
        {
            "key": "ART-1",
            "title": "Why agents need a manager",
            "workflow": "article",
            "status": "doing",
            "outcome": None,
        }
    ]


def test_lists_stages_and_only_counts_their_items(db, ben):
    task = a_new("spread", SPREAD)
    do(task, "list", done("note", fields={"files": ["a", "b", "c"]}))
    finish(claim_all()[0], done("note"))

    shape = task_shape(task)

    assert [stage["name"] for stage in shape["stages"]] == ["list", "read", "join"]
    assert shape["stages"][1]["items"] == {"done": 1, "of": 3, "skipped": 0, "waiting": 0, "doing": 2}
    assert shape["stages"][0]["items"] is None


def test_tells_what_is_taken_back_apart_from_the_stages(db, ben):
    task = a_new("order", ORDER)
    do(task, "reserve")
    supervision.cancel(task, by="user:ben", reason="Called off.")
    task.refresh_from_db()

    shape = task_shape(task)

    assert shape["undoing"] is True
    assert [(row["name"], row["status"]) for row in shape["undo"]] == [("reserve.undo", "ready")]
    assert [stage["name"] for stage in shape["stages"]] == ["reserve", "pay", "ship"]


def test_links_a_parent_and_its_child(db, ben):
    a_workflow("child", CHILD, "CHI")
    task = a_new("parent", PARENT)
    children.inject(clock.now())
    child = Task.objects.get(workflow__slug="child")

    shape = task_shape(task)

    assert shape["children"] == [
        {"key": child.key, "stage": "write", "item": None, "status": "backlog", "outcome": None}
    ]
    assert (shape["stages"][0]["awaits"], shape["stages"][0]["children"]) == ("child", [child.key])
    assert task_shape(child)["parent"] == task.key
