"""What people and machines are told of a process that does not see the data folder of the others."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command

from tasks.engine import site
from tasks.engine.site import Watch
from tasks.models import Process

pytestmark = pytest.mark.django_db


@pytest.fixture
def apart(tmp_path: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """This web process has another data folder than a worker that was here before."""
    settings.DATA = tmp_path / "a"
    settings.DATA.mkdir()
    Watch("work").look()
    settings.DATA = tmp_path / "b"
    settings.DATA.mkdir()
    here = Watch("web")
    here.look()
    monkeypatch.setattr(site, "here", here)
    return here


def test_is_not_ready_with_the_reason(client: Any, apart: Watch) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "does not bear the mark" in answer.json()["why"]
    assert client.get("/livez").status_code == 200


def test_operators_read_it_on_every_page_and_editors_do_not(
    client: Any, apart: Watch, ana: Any, ben: Any
) -> None:
    client.force_login(ben)
    page = client.get("/").text
    assert "Not every process sees the same data folder" in page
    assert f"process {Process.objects.get(kind='web').pid}, this one" in page
    assert "hosts --adopt" in page

    client.force_login(ana)
    assert "Not every process" not in client.get("/").text


def test_doctor_and_hosts_say_it_and_exit_with_1(apart: Watch) -> None:
    for command in ("doctor", "hosts"):
        said = io.StringIO()
        with pytest.raises(SystemExit):
            call_command(command, stdout=said)
        assert "does not bear the mark" in said.getvalue()


def test_adopting_the_folder_ends_it(client: Any, apart: Watch) -> None:
    said = io.StringIO()
    with pytest.raises(SystemExit):  # until it has looked again
        call_command("hosts", "--adopt", stdout=io.StringIO(), stderr=said)
    assert "is marked as the data folder of site" in said.getvalue()

    Process.objects.filter(kind="work").delete()
    apart.look()

    assert client.get("/readyz").status_code == 200
    call_command("hosts", stdout=said)
    assert "processes that agree: 1, on hosts: 1" in said.getvalue()
