"""Each invariant holds in a house at work, and is named as soon as somebody breaks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils import timezone

from agents import staff
from agents.definition import Definition
from tasks import invariants, log, why
from tasks.history import append_only
from tasks.models import (
    Artifact,
    Decision,
    Event,
    Notice,
    Review,
    Run,
    Subtask,
    Task,
    Worker,
    Workflow,
    WorkflowVersion,
)
from tests.tasks.builders import a_task, a_worker, claim_all, current, work_until

pytestmark = pytest.mark.django_db
AGO = timedelta(hours=1)

#: what is named where it is no task
NAMED = {
    "Definitions are what was stored.": "workflow article v1",
    "Agents are what the log says.": "agent nobody v1",
    "Workflows count their tasks.": "workflow article",
}
Break = Callable[[Task], object]
BREAKS: dict[str, Break] = {}


def breaks(sentence: str) -> Callable[[Break], Break]:
    """This is how that invariant could be broken."""

    def keep(function: Break) -> Break:
        BREAKS[sentence] = function
        return function

    return keep


@pytest.fixture
def task(db, tmp_path, monkeypatch) -> Task:
    """A task at its gate, and another of which one stage runs."""
    monkeypatch.setattr(settings, "DATA", tmp_path)
    made = a_task()
    a_worker()
    work_until(made, "approve")
    a_task("Another")
    claim_all()
    return made


def test_all_hold_in_a_house_at_work(task: Task) -> None:
    assert invariants.check() == {}


@pytest.mark.parametrize("sentence", invariants.ALL)
def test_names_the_task_where_it_is_broken(task: Task, monkeypatch, sentence: str) -> None:
    if sentence == "Every task that is not done says why.":
        monkeypatch.setattr(why.Why, "sentence", "")
    else:
        BREAKS[sentence](task)

    assert NAMED.get(sentence, "ART-1") in " ".join(invariants.check().get(sentence, []))


def rows(task: Task, stage: str) -> QuerySet[Subtask]:
    return Subtask.objects.filter(pk=current(task, stage).pk)


@breaks("A done task has nothing open.")
def _done_with_an_open_stage(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(status="done", outcome="completed", done_at=timezone.now())


@breaks("A completed task has passed every stage.")
def _completed_without_a_stage(task: Task) -> None:
    rows(task, "publish").update(status="cancelled")
    rows(task, "approve").update(status="done")
    Task.objects.filter(pk=task.pk).update(status="done", outcome="completed", done_at=timezone.now())


@breaks("A task in the backlog was never claimed.")
def _claimed_in_the_backlog(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(status="backlog")


@breaks("A stage has at most one accepted run per round.")
def _accepted_twice(task: Task) -> None:
    run = Run.objects.filter(task=task).first()
    Run.objects.create(
        task=task, subtask=run.subtask, fence=99, agent="x", status="done", started_at=timezone.now()
    )


@breaks("A stage begins only when all it needs has passed.")
def _begun_too_early(task: Task) -> None:
    rows(task, "publish").update(status="ready")


@breaks("A blocked stage counts exactly the open stages it needs.")
def _miscounted(task: Task) -> None:
    rows(task, "publish").update(needs_left=2)


@breaks("A stage that needs nothing more is not blocked.")
def _forgotten(task: Task) -> None:
    rows(task, "publish").update(needs_left=0)


@breaks("What runs is held by exactly one run, and each running run holds its stage.")
def _run_without_a_stage(task: Task) -> None:
    Run.objects.filter(task=task, subtask__stage="write").update(status="doing")


@breaks("No run has a fence above its stage's.")
def _fence_from_the_future(task: Task) -> None:
    Run.objects.filter(task=task, subtask__stage="write").update(fence=9)


@breaks("There are no more attempts than claims.")
def _attempt_without_a_claim(task: Task) -> None:
    rows(task, "write").update(attempts=2)


@breaks("Dead workers hold nothing.")
def _held_by_the_dead(task: Task) -> None:
    rows(task, "write").update(status="doing", worker=Worker.objects.get())
    Worker.objects.update(lease_until=timezone.now() - AGO)


@breaks("Nothing is accepted after a cancel.")
def _accepted_after_the_cancel(task: Task) -> None:
    long_ago = timezone.now() - AGO
    Task.objects.filter(pk=task.pk).update(status="done", outcome="cancelled", done_at=long_ago)


@breaks("Versions are numbered without a gap.")
def _gap(task: Task) -> None:
    Artifact.objects.filter(task=task, kind="draft").update(number=2)


@breaks("Texts are what was made.")
def _another_text(task: Task) -> None:
    Artifact.objects.filter(task=task, kind="draft").update(text="Invented.")


@breaks("Definitions are what was stored.")
def _another_definition(task: Task) -> None:
    WorkflowVersion.objects.update(sha256="0" * 64)


@breaks("Agents are what the log says.")
def _hired_behind_the_log(task: Task) -> None:
    staff.store(Definition(name="nobody", role="llm"), by="clawbot", note="")


@breaks("Workflows count their tasks.")
def _counted_back(task: Task) -> None:
    Workflow.objects.update(last_number=0)


@breaks("Files are where and what the newest artifact says, and belong to one task.")
def _changed_file(task: Task) -> None:
    Path(settings.DATA, "page.html").write_text("Somebody else was here.", "utf-8")
    Artifact.objects.filter(task=task, kind="page_html").update(path="page.html")


@breaks("Only people decide.")
def _agent_decides(task: Task) -> None:
    _decision(task, by="agent:reviewer")


@breaks("A call that an agent may make was approved by a person.")
def _a_call_that_nobody_approved(task: Task) -> None:
    Review.objects.filter(task=task).update(granted_until=timezone.now() + AGO)


@breaks("An approval names a text of its task.")
def _approval_of_nothing(task: Task) -> None:
    _decision(task, artifact_sha256="f" * 64)


def _decision(task: Task, **values: object) -> None:
    now = timezone.now()
    usual = {"by": "user:ana", "verb": "approve", "channel": "page", "review_version": 1, "request_id": "r"}
    review = Review.objects.get(task=task)
    Decision.objects.create(review=review, decided_at=now, release_at=now, **(usual | values))


@breaks("A gate was opened by a person's approval.")
def _gate_without_a_person(task: Task) -> None:
    rows(task, "approve").update(status="done")


@breaks("What waits for a person has a review or a decision.")
def _waits_for_nobody(task: Task) -> None:
    Review.objects.filter(task=task).update(open=None, closed_at=timezone.now())


@breaks("Whoever may answer a review was told.")
def _told_nobody(task: Task) -> None:
    Notice.objects.filter(task=task).delete()


@breaks("A delivery ends, and a sent one says when.")
def _sends_for_ever(task: Task) -> None:
    Notice.objects.filter(task=task).update(
        key="completion:ART-1", state="sending", sending_until=timezone.now() - AGO
    )


@breaks("A task was injected once.")
def _injected_twice(task: Task) -> None:
    with append_only.lifted():
        Event.objects.filter(task=task, kind="task.started").update(kind="task.injected")


@breaks("A done task says so in the log.")
def _ended_in_silence(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(status="done", outcome="cancelled", done_at=timezone.now())


@pytest.mark.parametrize("fault", ["missing", "outside", "of two tasks"])
def test_finds_every_fault_of_a_file(task: Task, fault: str) -> None:
    page = Artifact.objects.get(task=task, kind="page_html")
    path = "../page.html" if fault == "outside" else "page.html"
    Artifact.objects.filter(pk=page.pk).update(path=path)
    if fault == "of two tasks":
        Path(settings.DATA, path).write_text(page.text, "utf-8")
        other = Artifact.objects.get(pk=page.pk)
        other.pk, other.task, other.number = None, Task.objects.exclude(pk=task.pk).get(), 1
        other.path = path
        other.save()

    (place,) = invariants.check()[
        "Files are where and what the newest artifact says, and belong to one task."
    ]
    assert path in place


def test_accepts_a_file_that_is_what_was_made(task: Task) -> None:
    page = Artifact.objects.get(task=task, kind="page_html")
    Path(settings.DATA, "page.html").write_text(page.text, "utf-8")
    Artifact.objects.filter(pk=page.pk).update(path="page.html")

    assert invariants.check() == {}


@breaks("A stage that was spread has all its items, and is done after them.")
def _lost_item(task: Task) -> None:
    Subtask.objects.filter(pk=current(task, "research").pk).update(spread=3)


@breaks("A task that was undone is cancelled, with nothing left to take back.")
def _completed_and_undone(task: Task) -> None:
    now = timezone.now()
    Task.objects.filter(pk=task.pk).update(undoing_at=now, status="done", outcome="completed", done_at=now)


@breaks("Nothing waits for a task that is done.")
def _waits_for_the_past(task: Task) -> None:
    other = a_task("A child")
    Subtask.objects.filter(pk=current(task, "publish").pk).update(awaits="child")
    Task.objects.filter(pk=other.pk).update(
        parent=current(task, "publish"), status="done", outcome="completed", done_at=timezone.now()
    )
    log.record("task.done", by="clawbot", task=other, outcome="completed")


@breaks("Every open review can be answered by somebody.")
def _everybody_left(task: Task) -> None:
    get_user_model().objects.create_user("dora")  # who may look, and nothing else
    get_user_model().objects.get(username="dora").groups.add(Group.objects.get_or_create(name="viewers")[0])


@breaks("Where four eyes are asked for, somebody approved who wrote nothing of it.")
def _own_work_approved(task: Task) -> None:
    review = Review.objects.get(task=task)
    _decision(task, by="user:ana", released_at=timezone.now(), artifact_sha256=review.artifact_sha256)
    Review.objects.filter(pk=review.pk).update(deciders={"group": "editors", "four_eyes": True})
    Artifact.objects.filter(pk=review.artifact_id).update(made_by="user:ana")
    rows(task, "approve").update(status="done")
