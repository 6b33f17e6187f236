"""An agent that asks first: what it may do in the outside, once a person allowed exactly that.

A real service of this machine counts what it was asked; the agent is asked through the real role.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agents.contract import Call, Made, Outcome, Refused, digest
from agents.definition import Definition
from agents.outside import circuit
from tasks import briefing, clock, compensation, invariants, lifecycle, supervision, why
from tasks.history import changes, replay
from tasks.models import Artifact, Decision, Event, Message, Notice, Review, Subtask, Task
from tasks.orchestrator import remind
from tasks.people import grants
from tests.agents.server import Server, serving
from tests.tasks.builders import a_task, a_workflow, claim_all, current, done, finish, hired, statuses

CHARGE = {"word": "done", "summary": "Refunded.", "fields": {"receipt": 17}}
PAY: dict[str, Any] = {"name": "pay", "agent": "payment", "needs": ["read"], "done_as": "paid"}
STAGES: list[Any] = [
    {"name": "read", "agent": "writer", "done_as": "read_in"},
    PAY,
    {"name": "tell", "agent": "writer", "needs": ["pay"], "done_as": "told"},
]


@pytest.fixture
def shop() -> Iterator[Server]:
    """Where money moves; it counts what it was asked."""
    circuit.forget()
    with serving(lambda path, body: (200, {}, json.dumps(CHARGE).encode())) as server:
        yield server
    circuit.forget()


def a_refund(shop: Server, *, stages: list[Any] | None = None, **settings: Any) -> Task:
    """A task whose next stage is to pay back what the stage before it found."""
    hire(shop, **settings)
    a_workflow("refund", stages or STAGES, key="REF")
    task = a_task("Refund the Ortega order", flow="refund")
    read(240)
    return task


def hire(shop: Server, **settings: Any) -> None:
    """The agent, as it is configured from now on."""
    given = {"url": shop.url("/refund?token=s3cret"), "send": {"total": "read.total"}, "ask_first": True}
    hired(Definition(name="payment", role="http", settings=given | settings))


def read(total: int) -> None:
    for claimed in claim_all():
        finish(claimed, done("note", f"It says {total}.", fields={"total": total}))


def play(papers: briefing.Papers) -> Outcome:
    role: Any = papers.role.work
    outcome = asyncio.run(role(papers.brief, papers.desk))
    assert isinstance(outcome, Outcome)
    return outcome


def work() -> list[Outcome]:
    """Whatever is ready is done by the role of its agent, as a worker does it."""
    outcomes = []
    for papers in briefing.prepare(claim_all()):
        assert isinstance(papers, briefing.Papers), papers
        outcome = play(papers)
        assert finish(papers.claimed, outcome, crossings=papers.desk.crossings)
        outcomes.append(outcome)
    return outcomes


def asked(task: Task) -> Review:
    return Review.objects.select_related("artifact", "subtask", "task").get(task=task, open=1)


def allow(review: Review, by: str = "user:ana", *, wait: int = 0, **more: Any) -> Decision:
    bound: dict[str, Any] = {
        "artifact_sha256": review.artifact_sha256,
        "review_version": review.version,
    } | more
    return supervision.approve(review, by=by, request_id=uuid.uuid4().hex, undo_seconds=wait, **bound)


# -- Asking ------------------------------------------------------------------------------------------


def test_the_agent_asks_and_the_outside_sees_nothing(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)

    work()

    review = asked(task)
    call = grants.asked(review)
    assert shop.asked == []
    assert Message.objects.filter(task=task).count() == 0
    assert statuses(task)["pay"] == "waiting"
    assert (review.kind, review.deciders["group"]) == ("tool", "editors")
    assert review.verbs == ["approve", "send_back", "retry", "skip", "cancel"]
    assert call is not None
    assert (call.tool, call.target) == ("http", f"POST {shop.url('/refund?token=s3cret')}")
    assert call.arguments["data"] == {"total": 240}
    assert invariants.check() == {}


def test_the_question_names_neither_arguments_nor_what_stands_behind_the_question_mark(
    shop: Server, ana: Any
) -> None:
    task = a_refund(shop)
    work()

    assert asked(task).why == f"May payment send “pay” to {shop.url('/refund')}?"
    told = Notice.objects.get(task=task, kind="escalation")
    assert "total" not in json.dumps(told.content)
    assert "s3cret" not in json.dumps(told.content)
    assert "s3cret" not in told.text


def test_an_agent_that_need_not_ask_does_not(database: Any, shop: Server) -> None:
    task = a_refund(shop, ask_first=False)

    work()

    assert len(shop.asked) == 1
    assert statuses(task)["pay"] == "done"


def test_taking_back_is_never_asked_about(shop: Server, ana: Any, ben: Any) -> None:
    hire(shop)
    task = a_refund(shop, stages=[STAGES[0], {**PAY, "undo": "payment"}, STAGES[2]])
    work()
    allow(asked(task))
    work()

    supervision.cancel(task, by="user:ben", reason="Wrong customer.")
    work()

    assert [json.loads(body)["type"] for _, _, body in shop.asked] == ["pay", "pay.undo"]
    assert not Review.objects.filter(task=task, open=1).exists()


def test_what_was_only_asked_about_has_not_happened_and_is_not_taken_back(
    shop: Server, ana: Any, ben: Any
) -> None:
    hire(shop)
    task = a_refund(shop, stages=[STAGES[0], {**PAY, "undo": "payment"}, STAGES[2]])
    work()
    assert asked(task)
    assert compensation.effects(task) == []

    supervision.cancel(task, by="user:ben", reason="Wrong customer.")
    work()

    task.refresh_from_db()
    assert (task.status, task.outcome, shop.asked) == ("done", "cancelled", [])


def test_a_call_that_was_allowed_and_got_lost_may_have_happened(shop: Server, ana: Any) -> None:
    hire(shop)
    task = a_refund(shop, stages=[STAGES[0], {**PAY, "undo": "payment"}, STAGES[2]])
    work()
    allow(asked(task))

    claim_all()  # and its worker dies

    assert [row.stage for row in compensation.effects(task)] == ["pay"]


# -- Allowing ----------------------------------------------------------------------------------------


def test_an_approval_lets_it_make_that_call_once(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))

    assert statuses(task)["pay"] == "ready"
    assert why.why(task).sentence == "The call was allowed. Payment makes it next."
    work()

    [(_, headers, body)] = shop.asked
    assert json.loads(body)["data"] == {"total": 240}
    assert headers["Idempotency-Key"] == f"{task.key}/pay/1"
    assert statuses(task) == {"read": "done", "pay": "done", "tell": "ready"}
    assert invariants.check() == {}


def test_the_log_says_who_allowed_what_and_rebuilds_it(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    review = asked(task)
    call = grants.asked(review)
    allow(review)

    told = Event.objects.get(task=task, kind="tool.granted")
    assert call is not None
    assert (told.by, told.stage, told.data["sha256"]) == ("user:ana", "pay", call.sha256)
    assert (told.data["tool"], told.data["target"]) == ("http", call.target)
    assert told.data["approved_by"] == ["user:ana"]
    state = replay.fold(Event.objects.filter(task=task).order_by("pk"))
    assert state.contradictions == []
    review.refresh_from_db()
    assert state.rows["review"][review.pk]["granted_until"] == changes.plain(review.granted_until)


def test_undone_inside_the_window_it_allows_nothing(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    decision = allow(asked(task), wait=20)
    work()
    assert statuses(task)["pay"] == "waiting"

    supervision.undo(decision, by="user:ana")
    clock.move(timedelta(minutes=1))
    supervision.release_due()
    work()

    assert shop.asked == []
    assert statuses(task)["pay"] == "waiting"
    assert grants.of(current(task, "pay")) == ()
    assert asked(task).granted_until is None
    assert not Event.objects.filter(kind="tool.granted").exists()


def test_it_takes_effect_when_the_window_has_passed(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task), wait=20)
    assert supervision.release_due() == 0

    clock.move(timedelta(seconds=21))

    assert supervision.release_due() == 1
    work()
    assert len(shop.asked) == 1


def test_two_clicks_are_one_grant(shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    review = asked(task)
    first = allow(review)

    again = supervision.approve(
        review, by="user:ana", request_id=first.request_id, artifact_sha256=review.artifact_sha256
    )
    supervision.release(again, now=clock.now())

    assert again.pk == first.pk
    assert Event.objects.filter(kind="tool.granted").count() == 1
    with pytest.raises(supervision.Stale, match="you approved it already"):
        allow(review)


# -- Another call than the one that was read -----------------------------------------------------------


def test_other_arguments_are_asked_about_again(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))
    Subtask.objects.filter(task=task, stage="read").update(fields={"total": 24_000})  # whoever did that

    work()

    assert shop.asked == []
    call = grants.asked(asked(task))
    assert call is not None
    assert call.arguments["data"] == {"total": 24_000}
    assert statuses(task)["pay"] == "waiting"


@pytest.mark.parametrize("change", [{"url": "http://127.0.0.1:1/refund"}, {"type": "gift"}])
def test_another_place_or_another_name_is_asked_about_again(
    shop: Server, ana: Any, change: dict[str, Any]
) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))

    hire(shop, **change)
    work()

    assert shop.asked == []
    assert asked(task).kind == "tool"


def test_an_approval_of_the_call_before_is_refused(database: Any, shop: Server, ana: Any, ben: Any) -> None:
    task = a_refund(shop)
    work()
    old = asked(task)
    hire(shop, type="gift")
    supervision.retry(task, by="user:ben", stage="pay")
    work()
    new = asked(task)

    with pytest.raises(supervision.Stale):
        allow(old)
    with pytest.raises(supervision.Stale, match="arrived since you read it"):
        allow(new, artifact_sha256=old.artifact_sha256)

    assert grants.of(current(task, "pay")) == ()
    assert (new.artifact_sha256 != old.artifact_sha256, new.pk != old.pk) == (True, True)


def test_who_approves_says_which_call_they_read(shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()

    with pytest.raises(Refused, match="give the review's artifact_sha256"):
        allow(asked(task), artifact_sha256=None)

    assert asked(task).open == 1


def test_a_call_is_not_edited(shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()

    with pytest.raises(Refused, match="an edited one would not be the one that its agent makes"):
        supervision.edit(task, by="user:ana", kind="call", text="{}", review=asked(task))

    assert Artifact.objects.filter(task=task, kind="call").count() == 1


def test_run_again_it_asks_anew(database: Any, shop: Server, ana: Any, ben: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))
    work()
    assert len(shop.asked) == 1

    supervision.rerun_from(task, by="user:ben", stage="pay", reason="Once more.")
    work()

    assert asked(task).subtask.round == 2
    supervision.retry(task, by="user:ben", stage="pay")
    work()

    assert len(shop.asked) == 1
    assert asked(task).subtask.round == 2
    assert invariants.check() == {}


def test_returned_it_goes_to_whoever_found_the_arguments(shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    review = asked(task)

    supervision.send_back(
        review, by="user:ana", request_id="r", requests=[{"text": "The receipt says 24."}],
        artifact_sha256=review.artifact_sha256,
    )  # fmt: skip

    assert statuses(task) == {"read": "ready", "pay": "blocked", "tell": "blocked"}
    assert current(task, "read").requests[0]["text"] == "The receipt says 24."
    read(24)
    work()
    call = grants.asked(asked(task))
    assert call is not None
    assert call.arguments["data"] == {"total": 24}
    assert shop.asked == []


def test_a_grant_ends_after_a_day(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))

    clock.move(grants.LASTS + timedelta(seconds=1))
    work()

    assert shop.asked == []
    assert asked(task).kind == "tool"


# -- Whoever dies, and what is counted ---------------------------------------------------------------


def test_a_worker_that_dies_over_it_takes_no_grant_along(database: Any, shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))
    [claimed] = claim_all()
    worker = claimed.subtask.worker
    assert worker is not None

    lifecycle.rescue(worker)
    work()

    assert len(shop.asked) == 1
    assert statuses(task)["pay"] == "done"


def test_a_lost_answer_is_asked_for_with_the_same_key_and_no_new_question(ana: Any) -> None:
    circuit.forget()
    down: list[Any] = [(503, {}, b""), (200, {}, json.dumps(CHARGE).encode())]
    with serving(lambda path, body: down.pop(0)) as shop:
        task = a_refund(shop)
        work()
        allow(asked(task))
        [papers] = briefing.prepare(claim_all())
        assert isinstance(papers, briefing.Papers)
        with pytest.raises(Exception, match="503"):
            play(papers)
        lifecycle.retry_later(papers.claimed, why="503", delay=timedelta(0))
        work()

        first, second = (headers["Idempotency-Key"] for _, headers, _ in shop.asked)
    assert first == second
    assert statuses(task)["pay"] == "done"
    circuit.forget()


def test_asking_is_no_attempt_at_the_work(shop: Server, ana: Any) -> None:
    task = a_refund(shop, stages=[STAGES[0], {**PAY, "retry": {"times": 1}}, STAGES[2]])
    work()
    allow(asked(task))
    row = current(task, "pay")

    assert (row.attempts, row.max_attempts) == (1, 2)


# -- Who may -----------------------------------------------------------------------------------------


def test_others_are_refused_and_so_is_the_end_of_a_ladder(
    database: Any, shop: Server, ana: Any, cleo: Any
) -> None:
    due = {"after": 60, "then": [{"end": "approve"}]}
    task = a_refund(shop, stages=[STAGES[0], {**PAY, "due": due}, STAGES[2]])
    work()
    for by in ("user:cleo", "agent:payment", "orchestrator:remind", "policy:refund"):
        with pytest.raises(Refused):
            allow(asked(task), by=by)

    clock.move(timedelta(hours=1))
    remind.remind(clock.now())

    assert asked(task).granted_until is None
    assert Decision.objects.count() == 0
    work()
    assert shop.asked == []


def test_the_stage_says_who_and_how_many(database: Any, shop: Server, ana: Any, ben: Any, admin: Any) -> None:
    rule = {"group": "operators", "count": 2}
    task = a_refund(shop, stages=[STAGES[0], {**PAY, "deciders": rule}, STAGES[2]])
    work()
    assert list(Notice.objects.filter(kind="escalation").values_list("recipient", flat=True)) == ["operators"]
    with pytest.raises(Refused, match="Only operators decide this review"):
        allow(asked(task))

    allow(asked(task), by="user:ben")
    work()
    assert (shop.asked, statuses(task)["pay"]) == ([], "waiting")
    allow(asked(task), by="user:admin")
    work()

    assert len(shop.asked) == 1
    told = Event.objects.get(kind="tool.granted")
    assert told.data["approved_by"] == ["user:admin", "user:ben"]


def test_one_of_two_approvals_is_none_where_the_agent_asks_again(
    database: Any, shop: Server, ben: Any, admin: Any
) -> None:
    task = a_refund(shop, stages=[STAGES[0], {**PAY, "deciders": {"group": "operators", "count": 2}}])
    work()
    allow(asked(task), by="user:ben")

    supervision.retry(task, by="user:ben", stage="pay")
    work()

    assert shop.asked == []
    assert asked(task).granted_until is None


# -- What is kept ------------------------------------------------------------------------------------


def test_a_call_is_no_work_and_no_later_agent_is_given_it(shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))
    work()
    hired(Definition(name="writer", role="llm", accepts=("note", "call")))

    [papers] = briefing.prepare(claim_all())

    assert isinstance(papers, briefing.Papers)
    assert [one.kind for one in papers.brief.artifacts] == ["note"]


def test_a_later_question_of_the_same_stage_is_not_about_the_call(shop: Server, ana: Any) -> None:
    task = a_refund(shop)
    work()
    allow(asked(task))
    [claimed] = claim_all()

    finish(claimed, Outcome(word="escalate", question="Which account?"))

    review = asked(task)
    assert review.artifact is not None
    assert (review.kind, review.artifact.kind) == ("escalation", "note")


def test_what_was_made_so_far_is_kept_beside_the_call(database: Any, ana: Any) -> None:
    a_workflow("refund", STAGES, key="REF")
    task = a_task(flow="refund")
    [claimed] = claim_all()
    call = Call(tool="mail", target="ana@example.org", arguments={"b": 1.5e300, "a": ["ü", None, "\u2028"]})

    finish(
        claimed, Outcome(word="escalate", question="May I?", call=call, made=(Made(kind="note", text="N"),))
    )

    review = asked(task)
    assert review.artifact is not None
    assert digest(review.artifact.text) == call.sha256
    assert grants.asked(review) == call
    assert set(task.artifacts.values_list("kind", flat=True)) == {"note", "call"}


def test_an_agent_asks_or_sends_and_not_both() -> None:
    call = Call(tool="http", target="POST https://pay.example/")
    for wrong in ({"word": "done"}, {"word": "escalate", "sends": ({"to": "bank", "type": "pay"},)}):
        with pytest.raises(ValueError, match="sends nothing with it"):
            Outcome(call=call, **wrong)
