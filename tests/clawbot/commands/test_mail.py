"""`./manage.py mail`."""

from __future__ import annotations

import json
import mailbox
from collections.abc import Callable
from typing import Any

import pytest

from clawbot.management.commands import mail as command
from tasks.models import Task
from tests.tasks.border.intake.post import a_mail
from tests.tasks.builders import a_workflow

pytestmark = pytest.mark.django_db

READ = [{"name": "read", "agent": "reader", "done_as": "read"}]


@pytest.fixture(autouse=True)
def _hired(ana: Any, cleo: Any) -> None:
    a_workflow("support", READ, key="SUP")


@pytest.fixture
def mail(tmp_path: Any) -> str:
    """A mail in a file."""
    (tmp_path / "one.eml").write_bytes(a_mail())
    return str(tmp_path / "one.eml")


def test_says_what_became_of_each_mail(manage: Callable[..., Any], mail: str) -> None:
    said = manage("mail", mail, "--by", "ana")

    task = Task.objects.get()
    assert said.out.splitlines() == [f"{task.key:10} injected  Deleted file", "1 mails: 1 injected."]
    assert manage("mail", mail, "--by", "ana").out.splitlines()[-1] == "1 mails: 1 again."


def test_prints_json(manage: Callable[..., Any], mail: str) -> None:
    said = json.loads(manage("mail", mail, "--by", "ana", "--json").out)

    assert said == [
        {
            "effect": "injected", "task": Task.objects.get().key, "from": "dana@northlight.example",
            "subject": "Deleted file",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--by", "cleo"), "Only editors may"),
        (("--by", "ana", "--workflow", "suport"), "Did you mean `support`?"),
    ],
)
def test_refuses_before_it_reads(manage: Callable[..., Any], mail: str, words: Any, why: str) -> None:
    said = manage("mail", mail, *words)

    assert (said.code, Task.objects.count()) == (1, 0)
    assert why in said.err


def test_says_that_a_server_cannot_be_reached(manage: Callable[..., Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("IMAP_PASSWORD", "x")

    said = manage("mail", "imap://desk@127.0.0.1:9/INBOX", "--by", "ana")

    assert said.code == 1
    assert "Cannot read mail from imap://desk@127.0.0.1/INBOX" in said.err


class Pauses:
    """Stands for the event that ends `--follow`: each wait runs the next step; after the last it is set."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps, self.waited = list(steps), list[float]()

    def is_set(self) -> bool:
        return not self.steps

    def set(self) -> None:
        self.steps.clear()

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.steps.pop(0)()


def following(monkeypatch: Any, *steps: Callable[[], object]) -> Pauses:
    pauses = Pauses(*steps)
    monkeypatch.setattr(command.threading, "Event", lambda: pauses)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    return pauses


def test_follows_a_mailbox(manage: Callable[..., Any], tmp_path: Any, monkeypatch: Any) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    box.add(a_mail(Message_ID="<1@a>"))
    pauses = following(monkeypatch, lambda: box.add(a_mail(Message_ID="<2@a>")), lambda: None)

    said = manage("mail", str(tmp_path / "box"), "--by", "ana", "--follow", "--every", "7")

    assert said.out.splitlines()[-1] == "2 mails: 2 injected."
    assert pauses.waited == [7.0, 7.0]


def test_tries_a_server_that_is_away_ever_less_often(manage: Callable[..., Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("IMAP_PASSWORD", "x")
    pauses = following(monkeypatch, *[lambda: None] * 5)

    said = manage("mail", "imap://desk@127.0.0.1:9/INBOX", "--by", "ana", "--follow", "--every", "100")

    assert pauses.waited == [100.0, 200.0, 300.0, 300.0, 300.0]
    assert "trying again in 200 s" in said.err
