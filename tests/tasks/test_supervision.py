"""What only people may do."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from agents.contract import Outcome, Refused
from tasks import access, clock, invariants, lifecycle, supervision
from tasks.history import replay
from tasks.models import Artifact, Comment, Decision, Event, Notice, Review, Run, Subtask, Task
from tasks.people import edits
from tasks.why import why
from tests.tasks.builders import (
    a_task,
    a_worker,
    a_workflow,
    claim_all,
    current,
    finish,
    returned,
    statuses,
    work_until,
)

pytestmark = pytest.mark.django_db


def at_the_gate() -> tuple[Task, Review]:
    task = a_task()
    work_until(task, "approve")
    return task, Review.objects.get(task=task, open=1)


def click() -> str:
    return uuid.uuid4().hex


def approve(review: Review, by: str = "user:ana", **more: object) -> Decision:
    return supervision.approve(review, by=by, request_id=str(more.pop("request_id", click())), **more)  # type: ignore[arg-type]


# -- approve


def test_an_approval_is_recorded_at_once_and_released_after_the_undo_window(ana: object) -> None:
    task, review = at_the_gate()

    approve(review)
    assert statuses(task)["approve"] == "waiting"
    assert supervision.release_due() == 0

    clock.move(timedelta(seconds=11))
    assert supervision.release_due() == 1
    assert supervision.release_due() == 0
    assert statuses(task) | {"approve": "done", "publish": "ready"} == statuses(task)


def test_a_double_click_is_one_decision(ana: object) -> None:
    _, review = at_the_gate()
    request = click()

    assert approve(review, request_id=request).pk == approve(review, request_id=request).pk


def test_refuses_an_approval_of_a_draft_that_has_changed_since(ana: object) -> None:
    task, review = at_the_gate()
    read = review.artifact_sha256
    supervision.edit(task, by="user:ana", text="Another text.")

    with pytest.raises(supervision.Stale, match="draft 2 arrived"):
        approve(review, artifact_sha256=read)
    assert statuses(task)["approve"] == "waiting"


def test_refuses_a_second_decision_and_says_who_decided(ana: object, ben: object) -> None:
    _, review = at_the_gate()
    approve(review)

    with pytest.raises(supervision.Stale, match="ana approved it already"):
        approve(review, by="user:ben")


def test_refuses_a_viewer_and_an_agent(cleo: object) -> None:
    _, review = at_the_gate()

    with pytest.raises(Refused, match="Only editors"):
        approve(review, by="user:cleo")
    with pytest.raises(Refused, match="not a person"):
        approve(review, by="agent:reviewer")


def test_with_four_eyes_the_author_of_the_draft_cannot_be_the_one_who_approves(
    ana: object, ben: object
) -> None:
    task, review = at_the_gate()
    Review.objects.filter(pk=review.pk).update(deciders={"group": "editors", "count": 1, "four_eyes": True})
    supervision.edit(task, by="user:ana", text="Ana's own words.")
    review = Review.objects.get(pk=review.pk)
    for claimed in claim_all():
        finish(claimed)

    with pytest.raises(Refused, match="second person"):
        approve(review)
    approve(review, by="user:ben", undo_seconds=0)
    assert statuses(task)["approve"] == "done"


def test_a_gate_for_two_waits_for_two_different_people(ana: object, ben: object) -> None:
    task, review = at_the_gate()
    Review.objects.filter(pk=review.pk).update(deciders={"group": "editors", "count": 2, "four_eyes": False})
    review.refresh_from_db()

    approve(review, undo_seconds=0)
    assert statuses(task)["approve"] == "waiting"
    approve(review, by="user:ben", undo_seconds=0)
    assert statuses(task)["approve"] == "done"


def test_an_undone_approval_opens_the_review_again(ana: object) -> None:
    task, review = at_the_gate()
    decision = approve(review)

    supervision.undo(decision, by="user:ana")
    supervision.undo(decision, by="user:ana")
    clock.move(timedelta(hours=1))

    assert supervision.release_due() == 0
    assert Review.objects.get(pk=review.pk).open == 1
    assert statuses(task)["approve"] == "waiting"


def test_undoing_twice_leaves_a_newer_approval_alone(ana: object) -> None:
    task, review = at_the_gate()
    first = approve(review)
    supervision.undo(first, by="user:ana")
    review.refresh_from_db()
    approve(review)

    supervision.undo(first, by="user:ana")

    assert Review.objects.get(pk=review.pk).open is None
    clock.move(timedelta(seconds=11))
    assert supervision.release_due() == 1
    assert statuses(task)["approve"] == "done"


def test_taking_back_one_of_several_approvals_is_in_the_log(ana: object) -> None:
    task, review = at_the_gate()
    Review.objects.filter(pk=review.pk).update(deciders={"group": "editors", "count": 2, "four_eyes": False})
    decision = approve(Review.objects.get(pk=review.pk))

    supervision.undo(decision, by="user:ana")

    assert task.events.filter(kind="review.undone", by="user:ana").count() == 1
    assert Review.objects.get(pk=review.pk).open == 1


@pytest.mark.parametrize("verb", ["rerun_from", "override", "skip"])
def test_an_approval_not_yet_released_is_void_when_its_stage_goes_another_way(
    verb: str, ana: object, ben: object
) -> None:
    task, review = at_the_gate()
    decision = approve(review)
    stage = "approve" if verb == "skip" else "write"
    getattr(supervision, verb)(task, by="user:ben", stage=stage, reason="It must go on.")

    supervision.undo(decision, by="user:ana")

    assert Review.objects.get(pk=review.pk).open is None
    clock.move(timedelta(seconds=11))
    assert supervision.release_due() == 0
    assert Decision.objects.get(pk=decision.pk).undone_at is not None


def test_refuses_to_undo_what_was_released(ana: object) -> None:
    _, review = at_the_gate()
    decision = approve(review, undo_seconds=0)

    with pytest.raises(Refused, match="released already"):
        supervision.undo(decision, by="user:ana")


# -- return


def test_comments_become_numbered_requests_that_the_next_draft_answers(ana: object) -> None:
    task, review = at_the_gate()
    supervision.comment(review.artifact, by="user:ana", text="Say how much.", quote="a lot")
    supervision.comment(review.artifact, by="user:ana", text="Shorten.")

    supervision.send_back(review, by="user:ana", request_id=click())

    row = current(task, "write")
    assert [(r["number"], r["text"]) for r in row.requests] == [(1, "Say how much."), (2, "Shorten.")]
    assert row.round == 2
    assert Review.objects.get(pk=review.pk).open is None
    assert statuses(task)["research"] == "done"


def test_refuses_a_return_without_a_request_and_loses_nothing(ana: object) -> None:
    task, review = at_the_gate()

    with pytest.raises(Refused, match="say what should change"):
        supervision.send_back(review, by="user:ana", request_id=click())
    assert Review.objects.get(pk=review.pk).open == 1
    assert Decision.objects.count() == 0
    assert statuses(task)["approve"] == "waiting"


def test_refuses_a_return_to_a_stage_that_does_not_come_before(ana: object) -> None:
    _, review = at_the_gate()

    with pytest.raises(Refused, match="does not come before"):
        supervision.send_back(
            review, by="user:ana", to="publish", requests=[{"text": "x"}], request_id=click()
        )


def test_keeps_the_comment_that_was_sent_and_lets_its_author_remove_a_pending_one(ana: object) -> None:
    _, review = at_the_gate()
    made = supervision.comment(review.artifact, by="user:ana", text="Too long.")
    supervision.uncomment(made, by="user:ana")

    assert Comment.objects.count() == 0


# -- edit


def test_an_edit_at_a_gate_makes_a_new_version_and_the_old_one_stays(ana: object) -> None:
    task, review = at_the_gate()

    new = supervision.edit(task, by="user:ana", text="Ana's words.", base_sha256=review.artifact_sha256)

    assert (new.number, new.made_by) == (2, "user:ana")
    review.refresh_from_db()
    assert review.artifact_sha256 == new.sha256
    assert review.version == 2
    assert Artifact.objects.filter(task=task, kind="draft").count() == 2
    assert Artifact.objects.get(task=task, kind="page_html").stale_since is not None


def test_an_edit_is_rendered_again_before_the_release_without_a_second_notice(
    ana: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "deterministic", lambda agent: agent == "formatter")
    task, review = at_the_gate()
    supervision.edit(task, by="user:ana", text="Ana's words.")
    review.refresh_from_db()

    approve(review, undo_seconds=0)
    assert statuses(task)["approve"] == "waiting"
    assert statuses(task)["format"] == "ready"
    finish(claim_all()[0])
    assert supervision.release_due() == 1

    assert statuses(task)["approve"] == "done"
    assert Notice.objects.filter(task=task, kind="completion").count() == 1


def test_a_second_edit_before_the_first_was_rendered_leaves_nothing_waiting(
    ana: object, ben: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chance in tests/stateful: the gate counted a rendering that nobody would ever make."""
    monkeypatch.setattr(edits, "deterministic", lambda agent: agent == "formatter")
    task, review = at_the_gate()
    supervision.edit(task, by="user:ana", text="Better.")
    supervision.edit(task, by="user:ana", text="Better still.")
    finish(claim_all()[0])
    review.refresh_from_db()
    approve(review, by="user:ben")

    assert supervision.release_due(clock.now() + timedelta(minutes=1)) == 1
    assert statuses(task)["publish"] == "ready"


def test_an_edit_voids_an_approval_that_has_not_taken_effect_yet(ana: object, ben: object) -> None:
    """Found by chance in tests/stateful: nobody had released it when its ten seconds were over."""
    task, review = at_the_gate()
    approve(review, by="user:ben")

    new = supervision.edit(task, by="user:ana", text="Better.", base_sha256=review.artifact_sha256)

    assert supervision.release_due(clock.now() + timedelta(minutes=1)) == 0
    review.refresh_from_db()
    assert (review.open, review.artifact_sha256) == (1, new.sha256)
    assert statuses(task)["approve"] == "waiting"
    assert not invariants.check()


def test_refuses_an_edit_of_an_older_draft_than_the_newest(ana: object) -> None:
    task, review = at_the_gate()
    supervision.edit(task, by="user:ana", text="First.", base_sha256=review.artifact_sha256)

    with pytest.raises(supervision.Stale, match="arrived while you wrote"):
        supervision.edit(task, by="user:ana", text="Second.", base_sha256=review.artifact_sha256)


# -- move by hand


def test_an_override_passes_over_what_was_open_and_keeps_what_was_made(ben: object) -> None:
    task = a_task()
    work_until(task, "write")

    supervision.override(task, by="user:ben", stage="format", reason="The draft came by mail.")

    assert statuses(task) == {
        "research": "done",
        "write": "skipped",
        "review": "skipped",
        "format": "ready",
        "approve": "blocked",
        "publish": "blocked",
    }
    assert task.artifacts.count() == 1


def test_another_branch_that_waited_for_what_an_override_passes_over_goes_on(ben: object) -> None:
    """Found by chance in tests/stateful: it waited for ever for a stage that had been skipped."""
    fork = [
        {"name": "pick", "agent": "finder", "done_as": "picked"},
        {"name": "left", "agent": "writer", "done_as": "left", "needs": ["pick"]},
        {"name": "right", "agent": "writer", "done_as": "right", "needs": ["pick"]},
    ]
    a_workflow("fork", fork, "FOR")
    task = a_task(flow="fork")

    supervision.override(task, by="user:ben", stage="left", reason="We know where to go.")

    assert statuses(task) == {"pick": "skipped", "left": "ready", "right": "ready"}
    assert not invariants.check()


@pytest.mark.parametrize("verb", [supervision.override, supervision.rerun_from])
def test_the_stage_that_a_person_names_runs_whatever_its_condition_says(
    ben: object, verb: Callable[..., Task]
) -> None:
    ways = [
        {"name": "pick", "agent": "finder", "done_as": "picked"},
        {"name": "left", "agent": "writer", "done_as": "left", "needs": ["pick"],
         "when": {"pick.way": "left"}},
        {"name": "join", "agent": "writer", "done_as": "joined", "needs": ["left"]},
    ]  # fmt: skip
    a_workflow("ways", ways, "WAY")
    task = a_task(flow="ways")
    work_until(task, "pick")
    finish(claim_all()[0])
    assert statuses(task)["left"] == "skipped"

    verb(task, by="user:ben", stage="left", reason="Go left all the same.")

    assert statuses(task) == {"pick": "done", "left": "ready", "join": "blocked"}
    finish(claim_all()[0], Outcome(word="retry", why="The road is closed.", after_seconds=600))
    supervision.retry(task, by="user:ben")
    assert statuses(task)["left"] == "ready"


def test_an_override_needs_a_reason_and_an_operator(ana: object, ben: object) -> None:
    task = a_task()
    with pytest.raises(Refused, match="say why"):
        supervision.override(task, by="user:ben", stage="write", reason=" ")
    with pytest.raises(Refused, match="Only operators"):
        supervision.override(task, by="user:ana", stage="write", reason="now")


def test_runs_a_done_task_again_from_a_stage(ana: object, ben: object) -> None:
    task, review = at_the_gate()
    approve(review, undo_seconds=0)
    finish(claim_all()[0])
    task.refresh_from_db()
    assert task.status == "done"

    supervision.rerun_from(task, by="user:ben", stage="format", reason="New template.")

    task.refresh_from_db()
    assert task.status == "doing"
    assert statuses(task)["format"] == "ready"
    assert statuses(task)["write"] == "done"


@pytest.mark.parametrize("verb", [supervision.override, supervision.rerun_from])
def test_a_form_that_is_sent_twice_moves_the_work_once(ben: object, verb: Callable[..., Task]) -> None:
    task = a_task()
    work_until(task, "review")
    task.refresh_from_db()
    seen = task.round

    for _ in range(2):
        verb(task, by="user:ben", stage="write", reason="New figures.", seen_round=seen)
    assert current(task, "write").round == seen + 1

    verb(task, by="user:ben", stage="write", reason="Newer figures.", seen_round=seen + 1)
    assert current(task, "write").round == seen + 2


def test_retry_lets_a_stage_that_is_out_of_attempts_try_once_more(ben: object) -> None:
    task = a_task()
    for _ in range(3):
        lifecycle.retry_later(claim_all()[0], why="No answer.", delay=timedelta(0))

    assert supervision.retry(task, by="user:ben") == 1
    assert supervision.retry(task, by="user:ben") == 0
    assert [one.subtask.stage for one in claim_all()] == ["research"]
    assert not Review.objects.filter(open=1).exists()


def test_skip_goes_on_without_the_stage(ben: object) -> None:
    task = a_task()

    supervision.skip(task, by="user:ben", stage="research", reason="We have it already.")

    assert statuses(task)["research"] == "skipped"
    assert statuses(task)["write"] == "ready"


def test_cancel_wins_over_a_result_that_comes_later(ben: object) -> None:
    task = a_task()
    [claimed] = claim_all()

    supervision.cancel(task, by="user:ben", reason="Not needed.")
    supervision.cancel(task, by="user:ben", reason="Not needed.")

    assert not finish(claimed)
    task.refresh_from_db()
    assert (task.status, task.outcome, task.artifacts.count()) == ("done", "cancelled", 0)
    assert Event.objects.filter(kind="task.cancelled").count() == 1


# -- hold


def test_nothing_is_claimed_under_a_hold_and_everything_after_it(ben: object) -> None:
    task = a_task()
    hold = supervision.pause("task", task.key, by="user:ben", why="A bad source.")
    again = supervision.pause("task", task.key, by="user:ben", why="A bad source.")
    assert hold.pk == again.pk
    assert claim_all() == []

    supervision.resume(hold, by="user:ben")
    supervision.resume(hold, by="user:ben")

    assert len(claim_all()) == 1


@pytest.mark.parametrize("scope", ["all", "workflow", "agent", "task"])
def test_a_hold_covers_its_scope_and_nothing_else(
    scope: str, ben: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, other = a_task(), a_task("Edge caching for storefronts")
    work_until(other, "write")
    target = {"all": "", "workflow": "article", "agent": "research", "task": task.key}[scope]
    Subtask.objects.filter(pk=current(task, "research").pk).update(status="ready", worker=None)
    monkeypatch.setattr(supervision.holds, "_agent_exists", lambda slug: True)
    supervision.pause(scope, target, by="user:ben", why="new rules")

    claimed = {one.task.key for one in claim_all()}
    assert claimed == (set() if scope in {"all", "workflow"} else {other.key})


def test_stop_now_fences_off_what_runs(ben: object) -> None:
    task = a_task()
    [claimed] = claim_all()

    supervision.pause("all", by="user:ben", why="Wrong feed.", stop_now=True)

    assert not finish(claimed)
    assert statuses(task)["research"] == "ready"
    assert Run.objects.get().status in {"stopped", "discarded"}


def test_a_hold_with_an_end_lifts_itself(ben: object) -> None:
    a_task()
    supervision.pause("all", by="user:ben", why="Lunch.", until=clock.now() + timedelta(hours=1))
    clock.move(timedelta(hours=2))

    assert supervision.lift_due() == 1
    assert len(claim_all()) == 1


# -- why


def test_every_state_of_a_task_has_a_sentence(ana: object, ben: object) -> None:
    task = a_task()
    said = [why(task)]
    work_until(task, "review")
    finish(claim_all()[0], returned())
    said.append(why(task))
    claimed = claim_all(a_worker("b"))
    said.append(why(task))
    finish(claimed[0])
    work_until(task, "approve")
    said.append(why(task))
    supervision.cancel(task, by="user:ben")
    task.refresh_from_db()
    said.append(why(task))

    assert [one.condition for one in said] == ["queued", "returned", "running", "waiting", "done"]
    assert all(one.text.endswith(".") for one in said)


def test_every_verb_that_people_may_use_is_known_to_access() -> None:
    assert set(supervision.VERBS) <= set(access.LEAST)


@pytest.mark.parametrize(("verb", "research"), [("override", "skipped"), ("rerun_from", "ready")])
def test_a_cancelled_task_goes_on_from_a_stage_whose_needs_were_never_done(
    verb: str, research: str, ben: object
) -> None:
    task = a_task()
    supervision.cancel(task, by="user:ben", reason="Not needed.")

    getattr(supervision, verb)(task, by="user:ben", stage="write", reason="It is needed after all.")

    assert current(task, "research").status == research
    assert current(task, "write").status == ("ready" if verb == "override" else "blocked")
    assert not list(replay.differences())
    work_until(task, "approve")
    assert statuses(task)["approve"] == "waiting"
    assert not invariants.check()


def test_skips_nothing_of_a_task_that_has_not_begun(ben: object) -> None:
    task = a_task(backlog=True)

    with pytest.raises(Refused, match="Start it first"):
        supervision.skip(task, by="user:ben", stage="review", reason="We know enough.")

    assert set(statuses(task).values()) == {"blocked"}
