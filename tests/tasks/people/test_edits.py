"""A person edits a text, and says what becomes of everything that was built on the old one."""

from __future__ import annotations

from typing import Any

import pytest

from agents.contract import Refused
from tasks import lifecycle, supervision
from tasks.models import Artifact, Event, Review, Task
from tasks.people import edits
from tests.tasks.builders import KINDS, a_task, claim_all, done, finish, returned, statuses, work_until

pytestmark = pytest.mark.django_db

TEXT = "Agents work at night and people decide in the morning, always."
SMALL = TEXT.replace("always", "mostly")
LARGE = "Robots never sleep, which nobody had planned, and the shop stays open for that reason alone."


@pytest.fixture(autouse=True)
def _deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "deterministic", lambda agent: agent in {"formatter", "publisher"})


def before_its_gate(text: str = TEXT) -> Task:
    """A draft, judged and rendered, each built on the one before."""
    task = a_task()
    for stage in ("research", "write", "review", "format"):
        claimed = claim_all()[0]
        built_on = list(task.artifacts.values_list("sha256", flat=True)) if stage != "write" else []
        finish(
            claimed,
            done(KINDS[claimed.subtask.agent], text if stage == "write" else stage),
            built_on=built_on,
        )
    return task


def choices(task: Task, text: str) -> dict[str, tuple[str, str]]:
    return {one.stage: (one.default, one.why) for one in supervision.after_edit(task, text=text)}


def test_a_small_change_keeps_the_judgement_and_renders_again(ana: object) -> None:
    found = choices(before_its_gate(), SMALL)

    assert found["review"] == ("keep", "Only 1 word changed: what it said still holds.")
    assert found["format"][0] == "rerun"


def test_a_large_change_is_judged_again(ana: object) -> None:
    assert choices(before_its_gate(), LARGE)["review"][0] == "review"


def test_words_that_only_moved_are_no_small_change(ana: object) -> None:
    assert edits.words_changed("People decide and agents work.", "People work. and agents decide") > edits.FEW
    assert edits.words_changed("the same  words", "the same words") == 0


def test_lists_what_was_built_on_the_text_and_nothing_that_came_before(ana: object) -> None:
    task = before_its_gate()
    found = supervision.after_edit(task, text=SMALL)

    assert [one.stage for one in found] == ["review", "format"]
    assert [one.made for one in found] == [("review 1",), ("page_html 1",)]
    assert statuses(task)["review"] == "done"  # asking changes nothing


def test_the_chosen_stages_go_again_one_after_the_other_and_the_release_waits(ana: object) -> None:
    task = before_its_gate()
    gate = Review.objects.get(task=task, open=1)
    supervision.edit(task, by="user:ana", text=LARGE, then={"review": "review", "format": "rerun"})

    assert statuses(task)["review"] == "ready"
    assert statuses(task)["format"] == "blocked"
    assert Review.objects.get(task=task, open=1).pk == gate.pk  # nobody is asked anew
    fresh = Review.objects.get(pk=gate.pk)
    supervision.approve(fresh, by="user:ana", request_id="a", undo_seconds=0)
    assert statuses(task)["approve"] == "waiting"

    for _ in ("review", "format"):
        finish(claim_all()[0])
    assert supervision.release_due() == 1
    assert statuses(task)["approve"] == "done"


def test_what_goes_again_waits_for_what_goes_again_before_it_past_a_stage_that_is_kept(ana: object) -> None:
    task = published()
    then = {"review": "review", "format": "keep", "approve": "review"}
    supervision.edit(task, by="user:ana", text=SMALL, then=then)

    assert [statuses(task)[stage] for stage in ("review", "format", "approve")] == [
        "ready",
        "done",
        "blocked",
    ]
    finish(claim_all()[0])
    assert statuses(task)["approve"] == "waiting"


def test_what_is_kept_is_stale_no_more_and_the_log_says_what_was_chosen(ana: object) -> None:
    task = before_its_gate()
    supervision.edit(task, by="user:ana", text=SMALL, then={"review": "keep", "format": "rerun"})

    assert Artifact.objects.get(task=task, kind="review").stale_since is None
    assert Artifact.objects.get(task=task, kind="page_html").stale_since is not None
    event = Event.objects.get(task=task, kind="artifact.edited")
    assert event.data["then"] == {"review": "keep", "format": "rerun"}


def test_a_new_draft_by_an_agent_takes_everything_after_it_along(ana: object) -> None:
    task = before_its_gate()
    found = choices(task, "x")
    assert found  # the draft's own
    supervision.edit(
        task, by="user:ana", kind="research", text=LARGE, then={"write": "rerun", "review": "keep"}
    )

    assert statuses(task)["write"] == "ready"
    assert statuses(task)["review"] == statuses(task)["format"] == "blocked"


def published() -> Task:
    task = before_its_gate()
    supervision.approve(
        Review.objects.get(task=task, open=1), by="user:ana", request_id="first", undo_seconds=0
    )
    work_until(task, "publish")
    finish(claim_all()[0])
    task.refresh_from_db()
    assert task.status == "done"
    return task


def test_a_decision_stands_and_nothing_after_it_goes_out_again_by_itself(ana: object) -> None:
    task = published()
    found = choices(task, LARGE)

    assert found["approve"] == (
        "keep",
        "ana decided here, and a person’s decision stands until a person changes it.",
    )
    assert found["publish"][0] == "keep"


def test_refuses_to_hand_on_a_text_that_nobody_approved(ana: object) -> None:
    task = published()

    with pytest.raises(Refused, match="nobody has approved the text"):
        supervision.edit(task, by="user:ana", text=LARGE, then={"approve": "keep", "publish": "rerun"})
    assert Artifact.objects.filter(task=task, kind="draft").count() == 1


def test_a_published_task_is_decided_anew_where_a_person_says_so(ana: object) -> None:
    task = published()
    supervision.edit(task, by="user:ana", text=SMALL, then={"approve": "review"})
    task.refresh_from_db()

    assert task.status == "doing"
    finish(claim_all()[0])  # rendered
    assert Review.objects.get(task=task, open=1).artifact.text == SMALL
    assert statuses(task)["publish"] == "blocked"


@pytest.mark.parametrize(
    ("then", "why"),
    [({"research": "rerun"}, "built on the old text is"), ({"review": "nonsense"}, "choose keep or review")],
)
def test_refuses_a_choice_that_is_none_and_saves_nothing(ana: object, then: dict[str, Any], why: str) -> None:
    task = before_its_gate()

    with pytest.raises(Refused, match=why):
        supervision.edit(task, by="user:ana", text=LARGE, then=then)
    assert Artifact.objects.filter(task=task, kind="draft").count() == 1


def test_a_stage_at_work_on_the_old_text_starts_over(ana: object) -> None:
    task = a_task()
    work_until(task, "review")
    claimed = claim_all()[0]
    assert choices(task, SMALL)["review"] == ("review", "It is at work on the old text.")
    supervision.edit(task, by="user:ana", text=SMALL, then={})

    assert lifecycle.finish([lifecycle.Result(claimed, done("review", "Too late."))])
    assert statuses(task)["review"] == "ready"


def test_open_findings_ask_for_a_line_of_reason_through_every_door(ana: object) -> None:
    task = a_task()
    work_until(task, "review")
    finish(claim_all()[0], done("review", findings=returned().findings))
    work_until(task, "approve")
    review = Review.objects.get(task=task, open=1)

    with pytest.raises(Refused, match="one line is enough"):
        supervision.approve(review, by="user:ana", request_id="a", note="  ")
    assert supervision.approve(review, by="user:ana", request_id="a", note="Our own archive says so.").note
