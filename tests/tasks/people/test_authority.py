"""A reviewer corrects within its budget, earns more only on evidence, and loses it by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents import staff
from agents.contract import Finding as Remark
from agents.contract import Made, Outcome, Refused
from agents.definition import Authority, Definition
from tasks import artifacts, clock, supervision
from tasks.access import NotAllowed
from tasks.models import Event, Finding, Notice, Review, Task, Trust
from tasks.people import authority
from tests.tasks.builders import a_task, a_worker, claim_all, current, done, finish, work_until

pytestmark = pytest.mark.django_db
DRAFT = "Agents leverage tools. People decide. It is so."
MENDED = "Agents use tools. People decide. It is so."


def a_reviewer(**rule: Any) -> None:
    reviewer = Definition(name="reviewer", role="reviewer", authority=Authority(correct="minor", **rule))
    staff.store(reviewer, by="clawbot", note="")


def at_review() -> Task:
    task = a_task()
    a_worker()
    work_until(task, "write")
    finish(next(one for one in claim_all() if one.task == task), done("draft", DRAFT))
    return task


def a_remark(**more: Any) -> Remark:
    said = {"kind": "banned_word", "text": "The house says use.", "severity": "minor", "state": "corrected"}
    return Remark(**{**said, "quote": "Agents use tools.", "before": "Agents leverage tools."} | more)


def correct(task: Task, text: str = MENDED, *remarks: Remark) -> None:
    claimed = next(one for one in claim_all() if one.task == task and one.subtask.stage == "review")
    claimed.run.agent_version = 1
    finish(claimed, Outcome(made=(Made(kind="draft", text=text),), findings=remarks or (a_remark(),)))


class TestBudget:
    def test_a_small_correction_of_a_permitted_kind_goes_on(self, ana: Any) -> None:
        a_reviewer(kinds=("banned_word",), words=5)
        task = at_review()
        correct(task)
        assert current(task, "review").status == "done"

    @pytest.mark.parametrize(
        ("rule", "text", "remark", "sentence"),
        [
            (
                {"words": 3},
                "All of it is new and more.",
                {},
                "changed 7 words by itself; its budget is 3 words",
            ),
            ({"kinds": ("spelling",)}, MENDED, {}, "corrected banned word by itself, which it may not"),
            ({}, MENDED, {"severity": "major"}, "corrected banned word by itself, which it may not"),
        ],
    )
    def test_more_than_that_goes_to_a_person_who_sees_why(
        self, ana: Any, rule: dict[str, Any], text: str, remark: dict[str, Any], sentence: str
    ) -> None:
        a_reviewer(**rule)
        task = at_review()
        correct(task, text, a_remark(**remark))
        assert sentence in Review.objects.get(task=task, open=1).why
        assert current(task, "review").status == "waiting"

    def test_what_it_says_of_itself_does_not_count(self, ana: Any) -> None:
        a_reviewer(words=2)
        task = at_review()
        correct(task, "Something quite different that nobody asked for.", a_remark(text="A tiny thing."))
        assert current(task, "review").status == "waiting"


class TestRevoking:
    def a_correction(self) -> Finding:
        a_reviewer()
        task = at_review()
        correct(task)
        return Finding.objects.get(task=task)

    def test_puts_the_sentence_back_as_a_new_version(self, ana: Any) -> None:
        finding = self.a_correction()
        authority.revoke(finding, by="user:ana")
        finding.refresh_from_db()
        authority.revoke(finding, by="user:ana")
        draft = artifacts.latest(finding.task, "draft")
        assert draft is not None
        assert (draft.text, draft.made_by, draft.number) == (DRAFT, "user:ana", 3)
        assert finding.state == "disputed"
        assert Event.objects.filter(kind="finding.revoked").count() == 1

    def test_is_refused_where_the_sentence_changed_since(self, ana: Any) -> None:
        finding = self.a_correction()
        supervision.edit(finding.task, by="user:ana", text="Quite another text.")
        with pytest.raises(Refused, match="changed since"):
            authority.revoke(finding, by="user:ana")

    def test_a_disputed_remark_is_not_made_anew(self, ana: Any, ben: Any) -> None:
        a_reviewer()
        task = at_review()
        remark = a_remark(state="open", quote="It is so.", before="")
        correct(task, DRAFT, remark)
        finding = Finding.objects.get(task=task)
        supervision.judge(finding, by="user:ana", state="disputed")
        supervision.rerun_from(task, by="user:ben", stage="review", reason="Once more.")
        correct(task, DRAFT, remark)
        assert [one.state for one in Finding.objects.filter(task=task)] == ["disputed"]


@pytest.mark.parametrize(
    ("agreed", "judged", "low", "high"),
    [(0, 0, 0.0, 1.0), (10, 10, 0.722, 1.0), (20, 20, 0.839, 1.0), (45, 50, 0.786, 0.957)],
)
def test_the_interval_is_wilsons(agreed: int, judged: int, low: float, high: float) -> None:
    assert authority.interval(agreed, judged) == pytest.approx((low, high), abs=0.001)


class TestTrust:
    def judged(self, task: Task, yes: int, no: int = 0) -> None:
        """So many remarks of the reviewer, agreed with and disputed."""
        run = task.runs.filter(agent="reviewer").first() or task.runs.first()
        assert run is not None
        run.agent = "reviewer"
        run.save()
        draft = artifacts.latest(task, "draft")
        start = Finding.objects.count()
        for number in range(start + 1, start + yes + no + 1):
            state = "agreed" if number <= start + yes else "disputed"
            Finding.objects.create(
                task=task, artifact=draft, run=run, number=number, kind="tone", severity="minor", text="-",
                state=state,
            )  # fmt: skip

    def test_needs_enough_judgements_and_enough_agreement(self, ana: Any, admin: Any) -> None:
        a_reviewer()
        task = at_review()
        self.judged(task, 10)
        with pytest.raises(Refused, match="10 of at least 20 judgements"):
            authority.raise_trust(task.workflow, "reviewer", "tone", by="user:admin")
        self.judged(task, 20, 10)
        with pytest.raises(Refused, match="30 of 40"):
            authority.raise_trust(task.workflow, "reviewer", "tone", by="user:admin")

    def test_is_given_by_an_admin_alone_and_once(self, ana: Any, admin: Any) -> None:
        a_reviewer()
        task = at_review()
        self.judged(task, 40)
        with pytest.raises(NotAllowed):
            authority.raise_trust(task.workflow, "reviewer", "tone", by="user:ana")
        for _ in range(2):
            authority.raise_trust(task.workflow, "reviewer", "tone", by="user:admin")
        assert authority.trusted(task.workflow_id, "reviewer") == {"tone"}
        assert Event.objects.get(kind="trust.raised").data["judged"] == 40

    def test_lets_the_agent_correct_that_kind_beyond_its_budget(self, ana: Any, admin: Any) -> None:
        a_reviewer(kinds=("spelling",))
        task = at_review()
        self.judged(task, 40)
        authority.raise_trust(task.workflow, "reviewer", "tone", by="user:admin")
        correct(task, MENDED, a_remark(kind="tone"))
        assert current(task, "review").status == "done"

    def test_ends_by_itself_when_people_no_longer_agree(self, ana: Any, admin: Any) -> None:
        a_reviewer()
        task = at_review()
        self.judged(task, 40)
        authority.raise_trust(task.workflow, "reviewer", "tone", by="user:admin")
        later = clock.now() + timedelta(minutes=2)
        assert authority.review_trust(later) == 0
        self.judged(task, 0, 5)
        assert authority.review_trust(later + timedelta(minutes=2)) == 1
        assert authority.review_trust(later + timedelta(minutes=4)) == 0
        ended = Trust.objects.get()
        assert "agreed with 15 of the newest 20" in ended.ended_why
        assert Notice.objects.filter(kind="trust", recipient="admins").exists()

    def test_a_correction_counts_as_agreed_once_a_person_approved_the_text_with_it(self, ana: Any) -> None:
        a_reviewer()
        task = at_review()
        correct(task)
        assert authority.judgements(task.workflow_id, "reviewer", "banned_word") == []
        work_until(task, "approve")
        review = Review.objects.get(task=task, open=1)
        supervision.approve(review, by="user:ana", request_id="a", undo_seconds=0)
        assert authority.judgements(task.workflow_id, "reviewer", "banned_word") == [True]
