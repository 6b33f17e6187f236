"""Mail from public bug reports, worked off by the support workflow: who is answered, and who is asked."""

from __future__ import annotations

import email
import email.policy
import io
from pathlib import Path

import pytest
from django.core.management import call_command

from tasks import supervision
from tasks.models import Review, Task
from tests.tasks.workflows.support import line
from tests.tasks.workflows.support.conftest import desk  # noqa: F401

MAIL = Path(__file__).parent / "intake/mail"
HEAD = "To: support@orchard.example\nSubject: Files\nMessage-ID: <n@x.example>\n"
QUESTION = "Where are our files stored, and are they encrypted?\n"


@pytest.fixture
def house(database, ana, desk, tmp_path, settings):  # noqa: F811
    settings.DATA = tmp_path / "var"
    settings.DATA.mkdir()
    line.hire(tmp_path)
    return settings.DATA


def worked(source, *words):
    """The tasks of a mailbox, worked off."""
    call_command("mail", str(source), "--by", "ana", *words, stdout=io.StringIO())
    line.work()
    return list(Task.objects.order_by("id"))


def letter(task, house):
    return email.message_from_string(line.files(task, house)[".eml"], policy=email.policy.default)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("comma.eml", "anna.mueller@x.example"), ("form.eml", "ivo@client.example"),
        ("group.eml", "jo@client.example"),
    ],
)  # fmt: skip
def test_answers_the_customer(house, name, to):
    (task,) = worked(MAIL / name, "--lists")

    assert line.ended(task)[0] == "done"
    assert letter(task, house)["To"] == to


def test_does_not_take_the_quoted_words_for_the_customers(house):
    (task,) = worked(MAIL / "outlook.eml")

    assert "account" not in line.went(task)  # nobody asked for the 90 euros
    assert "90 euros" not in line.reply(task)


def test_reads_the_second_text_of_a_mail(house):
    (task,) = worked(MAIL / "apple.eml")

    read = task.artifacts.filter(kind="routing").latest("id").data["text"]
    assert "refund invoice 2026-041" in read


def test_brings_the_whole_mail_of_a_mailbox_to_work(house):
    first, _ = worked(MAIL / "from.mbox")

    assert "error 42" in first.artifacts.filter(kind="routing").latest("id").data["text"]


@pytest.mark.parametrize("sender", ["From: undisclosed-recipients:;\n", "From: Anna Bell\n", ""])
def test_asks_a_person_for_an_address_that_cannot_be_read(house, tmp_path, sender):
    (tmp_path / "one.eml").write_text(f"{sender}{HEAD}\n{QUESTION}")

    (task,) = worked(tmp_path / "one.eml")

    review = line.review(task)
    assert line.ended(task)[0] == "doing"
    assert "To which address should this reply go?" in review.why
    assert "send_back" in review.verbs


def test_writes_to_the_address_that_the_person_names(house, tmp_path):
    (tmp_path / "one.eml").write_text(f"From: Anna Bell\n{HEAD}\n{QUESTION}")
    (task,) = worked(tmp_path / "one.eml")
    review = line.review(task)

    supervision.send_back(
        review, by="user:ana", request_id="1", to="letter", requests=[{"text": "It is anna.bell@x.example."}],
        artifact_sha256=review.artifact.sha256,
    )  # fmt: skip
    line.work()

    assert line.ended(task)[0] == "done"
    assert letter(task, house)["To"] == "anna.bell@x.example"
    assert not Review.objects.filter(task=task, open=1)
