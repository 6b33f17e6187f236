"""The head of the log goes outside once an hour, through the outbox."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings

from tasks import clock, orchestrator, outbox
from tasks.history import chain, seal
from tasks.models import Notice
from tests.tasks.builders import a_task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings, "DATA", tmp_path)
    a_task()
    seal.seal()


def sweep() -> int:
    return orchestrator.SWEEPS["head"](clock.now())


def test_owes_it_once_an_hour() -> None:
    assert (sweep(), sweep()) == (1, 0)

    clock.move(timedelta(hours=1))
    assert sweep() == 1
    assert Notice.objects.filter(kind="head").count() == 2


def test_goes_where_the_setting_says(monkeypatch) -> None:
    monkeypatch.setattr(settings, "HEAD_TO", ["file", "slack:operators"])

    assert sweep() == 2
    places = set(Notice.objects.values_list("carrier", "recipient"))
    assert places == {("file", "admins"), ("slack", "operators")}


def test_goes_nowhere_where_nobody_wants_it(monkeypatch) -> None:
    monkeypatch.setattr(settings, "HEAD_TO", [])

    assert sweep() == 0


def test_says_what_is_compared_later() -> None:
    sweep()
    outbox.send_due(clock.now())

    facts = json.loads((settings.DATA / "audit" / "heads.jsonl").read_text())
    newest = seal.head()
    assert (facts["hash"], facts["seal"]) == (newest.hash, newest.number)
    assert newest.hash in Notice.objects.get().text
    assert [head.hash for head in chain.kept_heads()] == [newest.hash]
    assert chain.check().faults == []
