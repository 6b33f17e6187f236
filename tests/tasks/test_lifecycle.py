"""How work flows by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.contract import Answer, Check, Made, Outcome, Refused
from tasks import clock, lifecycle, supervision
from tasks.models import Artifact, Comment, Event, Finding, Notice, Review, Run, Subtask, Task
from tests.tasks.builders import (
    a_task,
    a_worker,
    a_workflow,
    claim_all,
    current,
    done,
    finish,
    returned,
    statuses,
    work_until,
)

pytestmark = pytest.mark.django_db


def kinds(task: Task) -> list[str]:
    return list(Event.objects.filter(task=task).order_by("id").values_list("kind", flat=True))


# -- inject


def test_injects_a_task_with_a_row_for_every_stage_and_only_the_first_ready() -> None:
    task = a_task()

    assert task.key == "ART-1"
    assert task.status == "backlog"
    assert statuses(task) == {
        "research": "ready",
        "write": "blocked",
        "review": "blocked",
        "format": "blocked",
        "approve": "blocked",
        "publish": "blocked",
    }
    assert kinds(task) == ["task.injected", "task.started"]


def test_refuses_a_key_that_no_column_holds() -> None:
    a_workflow()

    with pytest.raises(Refused, match="a key has 200 characters at most"):
        a_task(key="k" * 201)


def test_returns_the_first_task_for_a_repeated_idempotency_key() -> None:
    first = a_task(key="monday")
    again = a_task("Another title", key="monday")

    assert again.pk == first.pk
    assert Task.objects.count() == 1


def test_refuses_an_unknown_workflow_and_names_the_known_ones() -> None:
    a_workflow("article")
    with pytest.raises(Refused, match=r"no workflow 'artikel'.*article"):
        lifecycle.inject("artikel", title="A", input={}, by="clawbot")


def test_refuses_a_viewer_who_injects(cleo: object) -> None:
    a_workflow()
    with pytest.raises(Refused, match="Only editors"):
        a_task(by="user:cleo")


def test_gives_two_tasks_of_one_title_two_names_for_their_files() -> None:
    assert a_task().slug == "why-agents-need-a-manager"
    assert a_task().slug == "why-agents-need-a-manager-art-2"


def test_leaves_a_backlog_task_blocked_until_it_is_started() -> None:
    task = a_task(backlog=True)
    assert claim_all() == []

    lifecycle.start([task], by="clawbot")
    lifecycle.start([task], by="clawbot")

    assert [claimed.subtask.stage for claimed in claim_all()] == ["research"]
    assert kinds(task).count("task.started") == 1


# -- claim and finish


def test_moves_the_task_to_doing_with_its_first_claim() -> None:
    task = a_task()
    [claimed] = claim_all()

    task.refresh_from_db()
    assert task.status == "doing"
    assert claimed.fence == 1
    assert claimed.run.status == Run.Status.DOING


def test_finishing_a_stage_stores_its_artifact_and_makes_the_next_one_ready() -> None:
    task = a_task()
    [claimed] = claim_all()

    assert finish(claimed, done("research", "Six sources."))

    task.refresh_from_db()
    assert task.stage_status == "research_done"
    assert statuses(task)["write"] == "ready"
    artifact = Artifact.objects.get(task=task)
    assert (artifact.kind, artifact.number, artifact.made_by) == ("research", 1, "agent:research")


def test_numbers_versions_of_a_kind_without_gaps() -> None:
    task = a_task()
    work_until(task, "write")
    [claimed] = claim_all()
    two = Outcome(made=(Made(kind="draft", text="One."), Made(kind="draft", text="Two.")))

    finish(claimed, two)

    assert list(task.artifacts.filter(kind="draft").values_list("number", flat=True)) == [1, 2]


def test_refuses_a_result_that_comes_after_the_rescue_and_keeps_the_run_as_discarded() -> None:
    task = a_task()
    worker = a_worker()
    [late] = claim_all(worker)
    lifecycle.rescue(worker)
    [fresh] = claim_all(a_worker("worker-b"))

    assert not finish(late, done("research", "late"))
    assert finish(fresh, done("research", "fresh"))

    assert [one.text for one in task.artifacts.all()] == ["fresh"]
    assert (
        Run.objects.filter(status=Run.Status.LOST).count() + Run.objects.filter(status="discarded").count()
        >= 1
    )


def test_a_stage_that_needs_a_person_opens_one_review_and_owes_one_notice() -> None:
    task = a_task()
    work_until(task, "approve")

    review = Review.objects.get(task=task)
    assert statuses(task)["approve"] == "waiting"
    assert review.kind == Review.Kind.GATE
    assert review.artifact.kind == "draft"
    assert Notice.objects.filter(task=task, kind="completion").values("recipient").distinct().count() == 1


def test_ends_the_task_when_nothing_is_open_any_more() -> None:
    a_workflow("note", [{"name": "write", "agent": "writer", "done_as": "written"}], key="NOTE")
    task = a_task(flow="note")
    [claimed] = claim_all()

    finish(claimed)

    task.refresh_from_db()
    assert (task.status, task.outcome, task.stage_status) == ("done", "completed", "written")


def test_waits_for_both_branches_before_it_joins() -> None:
    a_workflow(
        "pair",
        [
            {"name": "left", "agent": "writer", "done_as": "l"},
            {"name": "right", "agent": "writer", "done_as": "r"},
            {"name": "join", "agent": "writer", "done_as": "j", "needs": ["left", "right"]},
        ],
        key="PAIR",
    )
    task = a_task(flow="pair")
    left, right = claim_all()

    finish(left)
    assert statuses(task)["join"] == "blocked"
    finish(right)
    assert statuses(task)["join"] == "ready"


# -- send back


def test_a_reviewer_sends_work_back_with_numbered_requests_and_a_new_round() -> None:
    task = a_task()
    work_until(task, "review")
    [claimed] = claim_all()

    finish(claimed, returned())

    again = current(task, "write")
    assert again.round == 2
    assert again.status == "ready"
    assert again.requests[0]["quote"] == "Agents never sleep."
    assert Subtask.objects.get(task=task, stage="write", round=1).status == "superseded"
    assert "subtask.returned" in kinds(task)


def test_the_writers_answer_stands_beside_the_finding_and_a_clean_review_resolves_it() -> None:
    task = a_task()
    work_until(task, "review")
    finish(claim_all()[0], returned())
    [writing] = claim_all()
    finish(writing, done(text="Agents work at night.", answers=(Answer(number=1, text="Removed it."),)))
    [reviewing] = claim_all()
    passed = Check(name="Length", passed=True, text="5 of 4 to 6")
    finish(reviewing, done("review", "Passed.", checks=(passed,)))

    finding = Finding.objects.get(task=task)
    assert finding.answer == "Removed it."
    assert finding.state == Finding.State.RESOLVED


def test_asks_a_person_when_work_came_back_too_often() -> None:
    task = a_task()
    for _ in range(2):
        work_until(task, "review")
        finish(claim_all()[0], returned())
    work_until(task, "review")

    finish(claim_all()[0], returned())

    review = Review.objects.get(task=task, open=1)
    assert review.kind == Review.Kind.LOOP
    assert statuses(task)["review"] == "waiting"


def test_an_agent_that_escalates_leaves_its_question_with_the_editors() -> None:
    task = a_task()
    [claimed] = claim_all()

    finish(
        claimed, Outcome(word="escalate", question="Which of the two figures is right?", why="They differ.")
    )

    review = Review.objects.get(task=task, open=1)
    assert review.why.startswith("Which of the two figures")
    assert review.deciders["group"] == "editors"
    assert Notice.objects.filter(kind="escalation").exists()


# -- retry, poison


def test_a_failed_attempt_is_tried_again_later() -> None:
    task = a_task()
    [claimed] = claim_all()

    lifecycle.retry_later(claimed, why="The feed did not answer.", delay=timedelta(minutes=1))

    assert claim_all() == []
    clock.move(timedelta(minutes=2))
    assert [one.subtask.attempts for one in claim_all()] == [2]
    assert current(task, "research").status == "doing"


def test_a_stage_out_of_attempts_waits_for_a_person_with_the_reason() -> None:
    task = a_task()
    for _ in range(3):
        [claimed] = claim_all()
        lifecycle.retry_later(claimed, why="The feed did not answer.", delay=timedelta(0))

    review = Review.objects.get(task=task, open=1)
    assert review.kind == Review.Kind.ATTEMPTS
    assert "tried 3 times" in review.why
    assert "approve" not in review.verbs
    assert "retry" in review.verbs


def test_a_stage_that_took_three_workers_down_is_set_aside() -> None:
    task = a_task()
    for number in range(3):
        worker = a_worker(f"w{number}")
        claim_all(worker)
        lifecycle.rescue(worker)

    assert Review.objects.get(task=task, open=1).kind == Review.Kind.POISON


def test_giving_work_back_on_shutdown_does_not_count_an_attempt() -> None:
    a_task()
    [claimed] = claim_all()

    lifecycle.retry_later(claimed, why="The worker stops.", delay=timedelta(0), counts=False)

    assert [one.subtask.attempts for one in claim_all()] == [1]


def test_every_subtask_that_a_verb_moved_raises_the_tasks_version() -> None:
    task = a_task()
    before = task.version
    finish(claim_all()[0])
    task.refresh_from_db()

    assert task.version > before


def test_an_agent_that_changed_something_else_has_not_done_what_was_asked(ana: object) -> None:
    task = a_task()
    work_until(task, "write")
    finish(claim_all()[0], done(text="Redis never loses data. The sky is blue."))
    work_until(task, "approve")
    supervision.send_back(
        Review.objects.get(task=task, open=1), by="user:ana", request_id="r", to="write",
        requests=[{"text": "Nonsense, put it right.", "quote": "Redis never loses data."}],
    )  # fmt: skip

    said = Answer(number=1, text="I put it right.", quote="Teams buy many things.")
    text = "Redis never loses data. The sky is blue. Teams buy many things."
    finish(claim_all()[0], done(text=text, answers=(said,)))

    comment = Comment.objects.get(task=task)
    assert comment.answer.startswith("Not done: no words that changed have to do with this request.")
    assert comment.answer_quote == ""
