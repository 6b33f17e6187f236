"""A person reads a call before an agent makes it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agents.contract import Call, Outcome
from clawbot.dashboard import calls
from tasks.models import Decision, Review
from tasks.people import grants
from tests.clawbot.dashboard.desk import bound, open_review
from tests.tasks.builders import a_task, a_workflow, claim_all, finish, statuses

pytestmark = pytest.mark.django_db

ORTEGA: dict[str, Any] = {
    "type": "refund",
    "data": {"total": 240, "to": "Ortega & Sons", "lines": ["first", "second"], "note": None},
    "correlation_id": "ORD-3",
}


def a_call(arguments: dict[str, Any] = ORTEGA) -> Review:
    a_workflow("refund", [{"name": "pay", "agent": "payment", "done_as": "paid"}], key="REF")
    task = a_task("Refund the order", flow="refund")
    call = Call(tool="http", target="POST https://pay.example/refund", arguments=arguments)
    question = "May payment send “refund” to https://pay.example/refund?"
    finish(claim_all()[0], Outcome(word="escalate", question=question, call=call))
    return open_review(task)


@pytest.fixture
def editor(client: Client, ana: Any) -> Client:
    client.force_login(ana)
    return client


def page(client: Client, review: Review) -> str:
    answer = client.get(reverse("review", args=[review.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def rows(text: str) -> dict[str, str]:
    """The table of the call, as it is read."""
    found = re.findall(r'<tr><th scope="row"[^>]*>(.*?)</th><td[^>]*>(.*?)</td></tr>', text, re.S)
    return {html.unescape(name): html.unescape(value) for name, value in found}


def test_shows_target_method_and_each_argument_and_what_approving_does(editor: Client) -> None:
    text = page(editor, a_call())

    assert rows(text) == {
        "Target": "https://pay.example/refund", "Method": "POST", "data.total": "240",
        "data.to": "Ortega & Sons", "data.lines.1": "first", "data.lines.2": "second", "data.note": "null",
        "type": "refund", "correlation_id": "ORD-3",
    }  # fmt: skip
    assert "Payment wants to make a call" in text
    assert "Approving lets payment send exactly this, once. Anything else is asked about again." in text
    assert "Nothing was sent. Unless somebody approves it, nothing will be; the agent waits." in text
    assert "sheet=edit" not in text
    assert "First draft" not in text


def test_the_queue_says_that_an_agent_wants_to_call_and_shows_the_call(editor: Client) -> None:
    a_call()
    text = editor.get(reverse("reviews")).content.decode()

    assert "Wants to call" in text
    assert rows(text)["data.total"] == "240"
    assert "Draft 1" not in text


def test_a_click_on_approve_allows_exactly_that(editor: Client) -> None:
    review = a_call()
    assert editor.post(reverse("review_approve", args=[review.pk]), bound(review)).status_code == 302

    decision = Decision.objects.get()
    assert decision.artifact_sha256 == review.artifact_sha256
    assert grants.of(review.subtask) == ()  # the undo window is open
    assert "Approved the call of REF-1" in editor.get(reverse("reviews")).content.decode()


def test_a_click_on_another_call_is_refused(editor: Client) -> None:
    review = a_call()
    answer = editor.post(reverse("review_approve", args=[review.pk]), bound(review, artifact_sha256="0" * 64))

    assert answer.status_code == 409
    assert not Decision.objects.exists()


def test_a_viewer_reads_it_and_cannot_allow_it(client: Client, cleo: Any) -> None:
    client.force_login(cleo)
    review = a_call()
    text = page(client, review)

    assert "data.total" in text
    assert "Only editors may approve" in text
    client.post(reverse("review_approve", args=[review.pk]), bound(review))
    assert not Decision.objects.exists()
    assert statuses(review.task)["pay"] == "waiting"


def test_an_editor_who_says_no_returns_it_with_a_request(editor: Client) -> None:
    review = a_call()
    data = bound(review, to="pay", request="Only the first line.")

    assert editor.post(reverse("review_return", args=[review.pk]), data).status_code == 302
    assert statuses(review.task)["pay"] == "ready"
    review.subtask.refresh_from_db()
    assert review.subtask.status == "superseded"


def test_what_a_reader_could_not_see_is_written_out(editor: Client) -> None:
    hostile = {"to": "<script>alert(1)</script>", "iban": "DE\u202e12\u200b", "<b>x</b>": "y\x07"}
    text = page(editor, a_call({"data": hostile}))

    assert "<script>alert" not in text
    assert "<b>x</b>" not in text
    assert rows(text)["data.iban"] == "DE⟨U+202E⟩12⟨U+200B⟩"
    assert "\u202e" not in text
    assert rows(text)["data.<b>x</b>"] == "y⟨U+0007⟩"


def test_a_long_call_is_cut_in_the_table_and_whole_below_it() -> None:
    shown = calls.read(a_call({"data": list(range(1_000))}))

    assert shown is not None
    assert (len(shown.lines), shown.more) == (calls.MOST_LINES, 1_000 - calls.MOST_LINES)
    assert "999" in shown.raw


def test_another_review_asks_about_no_call(editor: Client) -> None:
    from tests.clawbot.dashboard import desk

    review = desk.waiting()

    assert calls.read(review) is None
    assert "call__table" not in page(editor, review)
