"""`head`, `verify --head`, `rebuild` and `guard` on the command line."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tasks.history import append_only, changes
from tasks.models import Event, Seal, Subtask
from tests.tasks.builders import a_task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings, "DATA", tmp_path)
    a_task()


def run(capsys, *words: str, code: int = 0) -> str:
    """Run a command; what it printed."""
    if code:
        with pytest.raises(SystemExit, match=str(code)):
            call_command(*words)
    else:
        call_command(*words)
    return str(capsys.readouterr().out)


def test_prints_a_head_that_verify_takes_back(capsys) -> None:
    hash = run(capsys, "head").split()[0]

    assert hash == Seal.objects.latest("number").hash
    assert f"Head: {hash}" in run(capsys, "verify", "--head", hash)


def test_finds_by_a_kept_head_that_the_end_was_cut_off(capsys, tmp_path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(run(capsys, "head"))
    append_only.lift()
    Seal.objects.all().delete()
    Event.objects.all().delete()
    append_only.guard()

    assert "TRUNCATED" in run(capsys, "verify", "--head", str(kept), code=1)


def test_refuses_a_head_that_is_none(capsys) -> None:
    with pytest.raises(CommandError, match="64 hexadecimal digits"):
        run(capsys, "verify", "--head", "yesterday")


def test_prints_faults_for_programs_too(capsys) -> None:
    run(capsys, "head")
    append_only.lift()
    Event.objects.update(by="user:mallory")

    told = json.loads(run(capsys, "verify", "--json", code=1))

    assert {fault["kind"] for fault in told["log"]["faults"]} == {"edited", "unguarded"}
    run(capsys, "guard")
    assert append_only.missing() == []


def test_compares_the_tables_with_the_log_and_mends_them(capsys, admin) -> None:
    assert "The tables are what the log tells." in run(capsys, "rebuild", "--check")
    changes.told(Subtask).filter(stage="write").update(fence=9)

    assert "fence is 9, the log says None" in run(capsys, "rebuild", "ART-1", "--check", code=1)
    assert "1 rows were given back" in run(capsys, "rebuild")
    assert Subtask.objects.get(stage="write").fence == 0
