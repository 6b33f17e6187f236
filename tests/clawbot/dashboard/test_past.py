"""The page of a task as it was: from the log alone, read-only, one event after the other."""

from __future__ import annotations

import pytest

from tasks import supervision
from tasks.history import changes
from tasks.models import Review, Subtask
from tests.tasks.builders import a_task, current, work_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client, cleo):
    client.force_login(cleo)
    return client


@pytest.fixture
def task():
    made = a_task("Edge caching")
    work_until(made, "approve")
    return made


def at(reader, task, kind, stage=""):
    events = task.events.filter(kind=kind, **({"stage": stage} if stage else {}))
    return reader.get(f"/tasks/{task.key}/?at={events.first().pk}")


def stages(page):
    return {line["row"].stage: line["row"].status for line in page.context["stages"]}


def test_shows_the_stages_as_they_were(reader, task):
    page = at(reader, task, "subtask.claimed", "write")

    assert stages(page) == {
        "research": "done", "write": "doing", "review": "blocked", "format": "blocked", "approve": "blocked",
        "publish": "blocked",
    }  # fmt: skip
    assert page.context["why"].sentence == "Writer works on it."
    assert [one["made"].kind for one in page.context["made"]] == ["research"]
    assert "As it was at" in page.text


def test_shows_what_a_person_was_asked_and_answered(reader, task, ana):
    supervision.comment(Review.objects.get().artifact, by="user:ana", text="Say when.")
    supervision.approve(Review.objects.get(), by="user:ana", request_id="1")

    page = at(reader, task, "review.decided")

    (asked,) = page.context["reviews"]
    assert (asked["review"].open, [one.verb for one in asked["decisions"]]) == (None, ["approve"])
    assert page.context["comments"][0]["text"] == "Say when."
    assert page.context["why"].text == "ana approved it."
    assert at(reader, task, "review.opened").context["reviews"][0]["review"].open == 1


def test_is_not_misled_by_what_the_tables_say_now(reader, task):
    changes.told(Subtask).filter(pk=current(task, "write").pk).update(status="skipped", agent="nobody")

    page = at(reader, task, "subtask.finished", "write")

    assert stages(page)["write"] == "done"
    assert "nobody" not in page.text


def test_leads_to_the_event_before_and_after_and_back_to_now(reader, task):
    events = list(task.events.order_by("pk"))

    page = reader.get(f"/tasks/{task.key}/?at={events[3].pk}")

    assert f'href="?at={events[2].pk}"' in page.text
    assert f'href="?at={events[4].pk}"' in page.text
    assert f'href="/tasks/{task.key}/?tab=log"' in page.text
    assert "Event before" not in reader.get(f"/tasks/{task.key}/?at={events[0].pk}").text


def test_offers_nothing_that_would_change_anything(reader, task):
    page = at(reader, task, "review.opened")

    assert f'action="/tasks/{task.key}' not in page.text
    assert "hx-post" not in page.text.partition("<main")[2]


@pytest.mark.parametrize("at", ["0", "no", "9" * 30, "-1"])
def test_says_that_there_was_nothing_then(reader, task, at):
    assert reader.get(f"/tasks/{task.key}/?at={at}").status_code == 404


def test_is_reached_from_every_line_of_the_log(reader, task):
    page = reader.get(f"/tasks/{task.key}/?tab=log")

    assert f'href="?at={task.events.last().pk}"' in page.text
