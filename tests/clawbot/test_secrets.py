"""A secret that somebody writes into a title, a brief, a pause, a remark or an error is shown nowhere."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from agents.contract import Made, Outcome
from agents.masking import MASK
from clawbot import export
from tasks import outbox, supervision
from tasks.carriers.slack import blocks
from tasks.lifecycle import retry_later
from tasks.models import Artifact, Comment, Event, Hold, Notice, Review, Run, Task
from tests.agents.test_masking import PLANTED
from tests.tasks.builders import a_task, claim_all, finish, work_until

pytestmark = pytest.mark.django_db
ALL = " ".join(text.replace("\n", " ") for text in PLANTED)
ARTICLE = "# How to rotate keys\n\n" + "\n".join(f"- `{text}`" for text in PLANTED)


@pytest.fixture
def task(ana: Any, ben: Any, admin: Any, tmp_path: Any, settings: Any) -> Task:
    """A task at its gate, with every shape of a secret in everything that people and programs wrote."""
    settings.DATA = tmp_path
    made = a_task("Rotate " + "ghp_16C7e42F292c6912E7710c838347Ae178B4a", input={"notes": ALL})
    (claimed,) = claim_all()
    claimed.run.brief = {"data": {"input": {"notes": ALL}}}
    retry_later(claimed, why=f"The server said {ALL}", delay=timedelta(0))
    work_until(made, "write")
    (claimed,) = claim_all()
    finish(claimed, Outcome(word="done", made=(Made(kind="draft", text=ARTICLE),), summary=f"Read {ALL}"))
    work_until(made, "approve")
    draft = Artifact.objects.get(kind="draft")
    supervision.comment(draft, by="user:ana", text=f"Is this ours? {ALL}", quote="How to rotate keys")
    supervision.pause("workflow", "article", by="user:ben", why=f"Leaked: {ALL}"[:250])
    supervision.send_back(
        Review.objects.get(open=1), by="user:ana", request_id="1", reason=f"No: {ALL}",
        requests=[{"text": f"Take {ALL} out"}],
    )  # fmt: skip
    return made


def leaked(text: str) -> list[str]:
    return [secret for secret in PLANTED.values() if secret in text]


def test_stands_in_no_row_beside_the_work(task: Task) -> None:
    rows = {
        "events": list(Event.objects.values_list("data", "changed")),
        "notices": list(Notice.objects.values_list("content", "text", "error")),
        "runs": list(Run.objects.values_list("summary", "error", "brief", "notes")),
        "comments": list(Comment.objects.values_list("text", flat=True)),
        "holds": list(Hold.objects.values_list("why", flat=True)),
        "tasks": list(Task.objects.values_list("title", "slug")),
    }  # fmt: skip

    assert {name: found for name, held in rows.items() if (found := leaked(str(held)))} == {}
    assert all(MASK in str(held) for held in rows.values())


def test_goes_out_in_no_export_slack_message_console_line_or_log(
    task: Task, capsys: Any, caplog: Any
) -> None:
    for form in export.FORMATS:
        assert leaked("".join(export.lines(Event.objects.all(), form))) == []
    for notice in Notice.objects.all():
        assert leaked(json.dumps(blocks.render(notice)) + blocks.sentence(notice)) == []
    logging.getLogger("tasks").error("Could not: %s", ALL)
    outbox.send_due()
    call_command("status", task.key)
    said = capsys.readouterr()

    assert leaked(said.out + said.err) == []
    assert MASK in said.out


PAGES = ("", "?tab=timeline", "?tab=drafts", "?tab=handoffs", "?tab=messages", "?tab=log")


def test_is_shown_on_no_page(task: Task, admin: Any, client: Any) -> None:
    Artifact.objects.update(text="An article.")  # the work itself is shown as it is
    client.force_login(admin)
    pages = [f"/tasks/{task.key}/{tab}" for tab in PAGES]
    pages += ["/", "/reviews/", "/activity/", "/holds/", "/deliveries/", f"/api/v1/tasks/{task.key}"]

    assert {page: found for page in pages if (found := leaked(client.get(page).content.decode()))} == {}


def test_an_article_about_keys_is_kept_byte_by_byte(task: Task) -> None:
    assert Artifact.objects.get(kind="draft").text == ARTICLE
    task.refresh_from_db()
    assert task.input["notes"] == ALL
