"""A text that was changed behind the log takes no effect: not by a decision, its release, or later."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from agents.contract import Call, Outcome, Refused
from agents.definition import Definition
from tasks import artifacts, briefing, proof, supervision
from tasks.models import Artifact, Decision, Event, Notice, Review, Subtask, Task
from tasks.workflow import shipped
from tests.tasks.builders import a_task, claim_all, current, finish, work_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def task(transactional_db: None, ana: Any, tmp_path: Any, settings: Any) -> Task:
    """An article at its gate."""
    settings.DATA = tmp_path
    publisher = {"name": "publisher", "role": "rehearse", "accepts": ["page_html"], "returns": ["draft"]}
    shipped.hire(Definition.model_validate(publisher), by="clawbot")
    made = a_task()
    work_until(made, "approve")
    return made


def exchange(task: Task, kind: str = "draft", text: str = "Invented.") -> Artifact:
    """As somebody does who has the database: another text, and the hash as it was."""
    artifact = Artifact.objects.filter(task=task, kind=kind).latest("pk")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tasks_artifact SET text = %s WHERE id = %s", [text, artifact.pk])
    return artifact


def alarms(task: Task) -> tuple[int, list[str]]:
    told = Notice.objects.filter(kind="tampered", carrier="console").order_by("pk")
    return task.events.filter(kind="artifact.tampered").count(), list(
        told.values_list("recipient", flat=True)
    )


ONCE = (1, ["operators", "admins"])


def test_refuses_an_approval_with_the_old_hash_and_tells_operators_and_admins_once(task: Task) -> None:
    review = Review.objects.get(open=1)
    exchange(task)

    for number in "12":
        with pytest.raises(Refused, match="is not the one that was made and read"):
            supervision.approve(
                review, by="user:ana", request_id=number, artifact_sha256=review.artifact_sha256
            )

    assert not Decision.objects.exists()
    assert alarms(task) == ONCE


def test_releases_nothing_that_was_exchanged_after_the_approval(task: Task) -> None:
    decision = supervision.approve(Review.objects.get(open=1), by="user:ana", request_id="1", undo_seconds=60)
    exchange(task)

    assert supervision.release_due(decision.release_at) == 0
    assert supervision.release_due(decision.release_at) == 0

    assert current(task, "approve").status == Subtask.Status.WAITING
    assert alarms(task) == ONCE


def test_releases_nothing_whose_row_and_hash_were_both_exchanged(task: Task) -> None:
    decision = supervision.approve(Review.objects.get(open=1), by="user:ana", request_id="1", undo_seconds=60)
    artifact = exchange(task)
    Artifact.objects.filter(pk=artifact.pk).update(sha256=artifacts.digest("Invented.", artifact.data))

    with pytest.raises(proof.Tampered):
        supervision.release(decision, now=decision.release_at)


def test_returns_and_edits_nothing_that_was_exchanged(task: Task) -> None:
    review = Review.objects.get(open=1)
    exchange(task)

    with pytest.raises(proof.Tampered):
        supervision.send_back(review, by="user:ana", request_id="1", requests=[{"text": "Shorter."}])
    with pytest.raises(proof.Tampered):
        supervision.edit(task, by="user:ana", text="Better.")

    assert alarms(task) == ONCE


def test_hands_no_agent_a_page_that_was_exchanged_before_it_was_published(task: Task) -> None:
    supervision.approve(Review.objects.get(open=1), by="user:ana", request_id="1", undo_seconds=0)
    exchange(task, "page_html", "<script>")
    claimed = claim_all()

    ((_, why),) = briefing.prepare(claimed)  # type: ignore[misc]

    assert "Cannot hand page_html 1 on" in why
    assert alarms(task) == ONCE


def test_hands_no_agent_a_page_whose_file_was_exchanged(task: Task, tmp_path: Any, settings: Any) -> None:
    page = Artifact.objects.filter(kind="page_html").latest("pk")
    Artifact.objects.filter(pk=page.pk).update(path="staging/page.html")
    page.refresh_from_db()
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging/page.html").write_text(page.text)
    assert proof.proven(page, file=True) == page

    (tmp_path / "staging/page.html").write_text("<script>")

    with pytest.raises(proof.Tampered, match=r"the file staging/page\.html is not what page_html 1 says"):
        proof.proven(page, file=True)


def test_allows_no_call_that_was_exchanged(task: Task) -> None:
    other = a_task("Another")
    (claimed,) = [one for one in claim_all() if one.task.pk == other.pk]
    call = Call(tool="fetch", target="http://shop", arguments={"q": 1})
    finish(claimed, Outcome(word="escalate", call=call, question="May I?"))
    review = Review.objects.get(task=other, open=1)
    artifact = exchange(other, "call", Call(tool="fetch", target="http://evil", arguments={}).text)

    with pytest.raises(proof.Tampered):
        supervision.approve(
            review, by="user:ana", request_id="1", artifact_sha256=review.artifact_sha256, undo_seconds=0
        )

    assert Event.objects.filter(kind="artifact.tampered", data__artifact=artifact.pk).count() == 1
