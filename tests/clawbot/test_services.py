"""The services that `make up` starts for shipped workflows."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.contract import Refused
from clawbot import services
from tasks import workflow
from tasks.engine import child
from tasks.models import Workflow
from tests.tasks.builders import a_workflow
from tests.tasks.workflows.order.line import hire

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list]]:
    """Opens what is declared; `lines` keeps what was said. Everything is ended after the test."""
    monkeypatch.setenv("CLAWBOT_SERVICES", os.environ.get("CLAWBOT_SERVICES", ""))
    settings.DATA = tmp_path / "var"
    settings.PORT = 21_000 + os.getpid() % 20_000
    hosted: list[services.Hosted] = []

    def open_all(lines: list[str] | None = None) -> list[services.Hosted]:
        hosted.extend(services.open_all((lines if lines is not None else []).append, threading.Event()))
        return hosted

    yield open_all
    for one in hosted:
        child.end(one.process, 3)


def wait_for(truth: Callable[[], bool]) -> None:
    over = time.monotonic() + 15
    while not truth():
        assert time.monotonic() < over
        time.sleep(0.05)


def test_starts_the_shop_and_says_where_it_is(opened, settings, tmp_path):
    hire(tmp_path)

    shop = next(one for one in opened() if one.name == "shop")

    assert shop.answers()
    assert f"shop={shop.url}" in os.environ["CLAWBOT_SERVICES"].split()
    assert (settings.DATA / "shop" / "shop.sqlite3").exists()


def test_starts_again_what_died(opened, tmp_path):
    hire(tmp_path)
    lines: list[str] = []
    shop = next(one for one in opened(lines) if one.name == "shop")
    first = shop.process
    first.kill()
    first.wait()

    wait_for(lambda: shop.keep() or shop.answers())

    assert shop.process.pid != first.pid
    assert any("ended by itself" in line for line in lines)


def test_starts_none_that_the_operator_runs(opened, monkeypatch, tmp_path):
    hire(tmp_path)
    mine = " ".join(f"{name}=https://{name}.example" for name in services.declared())
    monkeypatch.setenv("CLAWBOT_SERVICES", mine)

    assert opened() == []
    assert os.environ["CLAWBOT_SERVICES"] == mine


def test_refuses_a_list_that_cannot_be_read(opened, monkeypatch):
    monkeypatch.setenv("CLAWBOT_SERVICES", "shop")

    with pytest.raises(Refused, match="NAME=http://host:port"):
        opened()


@pytest.mark.parametrize("file", ["../article/README.md", "missing.py", "../../../manage.py", "/bin/sh"])
def test_runs_only_files_in_the_folder_of_a_shipped_workflow(file):
    flow = a_workflow("order", key="ORD")
    flow.active.definition["services"] = {"shop": file}
    flow.active.save()

    assert services.declared() == {}


def test_runs_nothing_for_a_workflow_that_does_not_ship():
    flow = a_workflow("homemade", key="HOM")
    flow.active.definition["services"] = {"shop": "shop.py"}
    flow.active.save()

    assert services.declared() == {}
    assert not (workflow.FOLDER / "homemade").exists()
    assert Workflow.objects.count() == 1
