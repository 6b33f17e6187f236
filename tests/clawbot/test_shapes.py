"""What programs read of a task: the names that interface promises."""

import json

import pytest

from clawbot.shapes import brief_shapes, task_shape
from tests.tasks.builders import a_task, work_until

pytestmark = pytest.mark.django_db


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
