"""The carrier that keeps the heads of the log in a file."""

from __future__ import annotations

import json

import pytest
from django.conf import settings

from tasks import outbox
from tasks.carriers import Broken, Busy, file
from tasks.models import Notice
from tests.tasks.builders import a_task

pytestmark = pytest.mark.django_db
HEAD = {"events": 3, "seal": 1, "hash": "ab" * 32, "at": "2026-11-21T08:00:00+00:00"}


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings, "DATA", tmp_path)


def owed(key: str = "head:1") -> Notice:
    outbox.owe_house("head", places=[("file", "admins")], content=HEAD, key=key)
    return Notice.objects.get(key__startswith=f"{key}:")


def lines() -> list[dict[str, object]]:
    return [json.loads(line) for line in (settings.DATA / "audit/heads.jsonl").read_text().splitlines()]


def test_appends_one_line_per_head() -> None:
    file.send(owed("head:1"))
    file.send(owed("head:2"))

    assert [(line["key"], line["hash"]) for line in lines()] == [
        ("head:1:file:admins", HEAD["hash"]), ("head:2:file:admins", HEAD["hash"]),
    ]  # fmt: skip


def test_finds_what_it_wrote_and_nothing_else() -> None:
    assert file.find(owed("head:1")) is None

    file.send(owed("head:1"))

    assert file.find(owed("head:1")) == {"file": "audit/heads.jsonl"}
    assert file.find(owed("head:2")) is None


def test_keeps_no_other_messages() -> None:
    outbox.owe("completion", task=a_task(), to=["editors"], content={}, key="completion:1")

    with pytest.raises(Broken, match="heads of the log"):
        file.send(Notice.objects.get())


def test_waits_where_the_file_cannot_be_written() -> None:
    (settings.DATA / "audit").write_text("a file where the folder should be")

    with pytest.raises(Busy, match="cannot be written"):
        file.send(owed())
