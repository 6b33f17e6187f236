"""The carrier that is always there."""

from __future__ import annotations

import pytest

from tasks import outbox
from tasks.carriers import console
from tasks.models import Notice
from tests.tasks.builders import a_task

pytestmark = pytest.mark.django_db


def owe() -> Notice:
    facts = {"path": "staging/articles/why.php", "summary": "Agents draft, people decide."}
    outbox.owe("completion", task=a_task(), to=["editors"], content=facts, key="completion:1")
    return Notice.objects.get()


def test_prints_the_four_facts_as_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    owe()

    outbox.send_due()

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("[completion to editors]")
    for fact in (
        "ART-1",
        "Why agents need a manager",
        "staging/articles/why.php",
        "Agents draft, people decide.",
    ):
        assert fact in line


def test_takes_a_doubtful_line_for_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.find(owe()) == {}
    assert capsys.readouterr().out == ""
