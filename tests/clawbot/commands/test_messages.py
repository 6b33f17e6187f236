"""`./manage.py messages`."""

from __future__ import annotations

import json

import pytest

from tasks.border import messages
from tests.tasks.builders import a_task, a_workflow

pytestmark = pytest.mark.django_db


def arrive(**change):
    envelope = {"from": "shop", "to": "article", "type": "new", "data": {"title": "Two lamps"}, **change}
    return messages.receive(envelope, channel="api", by="clawbot")


def test_lists_the_messages_of_a_task_and_of_all(manage) -> None:
    a_workflow()
    mine = arrive().task
    arrive(correlation_id=mine.key, type="more")
    arrive(correlation_id=a_task().key, type="other")

    said = manage("messages", mine.key)

    assert [line.split(": ")[-1] for line in said.out.splitlines()] == ["new (api)", "more (api)"]
    assert len(manage("messages").out.splitlines()) == 3


def test_prints_json(manage) -> None:
    a_workflow()
    task = arrive().task

    (row,) = json.loads(manage("messages", task.key, "--json").out)

    assert (row["task"], row["direction"], row["state"]) == (task.key, "in", "received")
    assert row["envelope"]["data"] == {"title": "Two lamps"}


def test_shows_only_those_in_one_state(manage) -> None:
    messages.refuse(b"{", "It is not JSON.", channel="q", by="clawbot")

    assert "It is not JSON." in manage("messages", "--state", "refused").out
    assert "No messages." in manage("messages", "--state", "sent").out
