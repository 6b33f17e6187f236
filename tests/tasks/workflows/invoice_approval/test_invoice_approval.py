"""A workflow for something else entirely: one folder of YAML, and nothing of it in Python.

The folder lies here and not among the shipped ones: it is the proof that a user's own is as good.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tasks import supervision
from tasks.border import messages
from tasks.models import Message, Review, Task
from tasks.workflow import shipped
from tests.tasks.workflows import journey

HERE = Path(__file__).parent
SMALL = "From: Blom Paper\nInvoice no. B-1041\n5,000 sheets\nTotal: 412.50 EUR\nDue: 2026-12-15"
LARGE = SMALL.replace("412.50", "8,412.50")


@pytest.fixture
def folder(house: Path, ben: Any) -> None:
    shipped.sync("clawbot", agents=HERE / "none", workflows=HERE)


def inject(text: str) -> journey.Journey:
    return journey.inject("invoice_approval", "--title", "Blom Paper, December", "--set", f"text={text}")


def approve(task: Task, by: str) -> None:
    review = Review.objects.get(task=task, open=1)
    supervision.approve(review, by=f"user:{by}", request_id=f"{task.key}{by}", undo_seconds=0)


def at(task: Task) -> str:
    """The stage whose person is asked."""
    return Review.objects.get(task=task, open=1).subtask.stage


def test_holds_nothing_but_yaml():
    assert {path.suffix for path in (HERE / "invoices").rglob("*") if path.is_file()} == {".yaml"}


def test_a_small_invoice_is_approved_by_one_and_booked_when_accounting_says_so(folder):
    invoice = inject(SMALL)
    assert (invoice.code, at(invoice.task)) == (journey.WAITS, "approve")

    with journey.at_work():
        approve(invoice.task, "ana")
        journey.until_still(invoice.task, waiting=False)
        asked = Message.objects.get(task=invoice.task, direction="out").envelope
        assert asked["data"]["amount"] == "412.50"
        answer = {
            **asked,
            "from": "accounting",
            "to": "invoice-booking",
            "data": {"summary": "Booked as 77."},
        }
        messages.receive(answer, channel="api", by="clawbot")
        journey.until_done(invoice.task)


def test_a_large_one_takes_an_editor_and_an_operator(folder):
    invoice = inject(LARGE)
    assert at(invoice.task) == "approve_large"

    approve(invoice.task, "ana")
    assert at(invoice.task) == "approve_large"
    approve(invoice.task, "ben")

    assert not Review.objects.filter(task=invoice.task, open=1).exists()


def test_one_without_a_total_asks_what_is_missing(folder):
    invoice = inject(SMALL.replace("Total: 412.50 EUR\n", ""))

    assert at(invoice.task) == "complete"
    assert "What is the total?" in invoice.text("triage")


def test_can_be_exported_and_read_back_unchanged(folder, tmp_path):
    call_command("export", "--out", str(tmp_path / "out"), stdout=io.StringIO())

    assert shipped.sync("clawbot", agents=tmp_path / "out/agents", workflows=tmp_path / "out/workflows") == []
