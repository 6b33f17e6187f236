"""Every state of a stage x verb x role: the table of `people/rights.py` against the verbs themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction

from agents.contract import Call, Outcome, Refused
from clawbot import acts
from tasks import access, clock, lifecycle, log, machine, supervision
from tasks.models import Event, Review, Subtask, Task
from tasks.people import reviews, rights
from tasks.people.rights import NOTHING, REFUSED, STATES, STAYS, TELLS, State, effect
from tests.tasks.builders import a_task, a_workflow, claim_all, current, done, finish

S, K = Subtask.Status, Review.Kind
FIRST = {"name": "draft", "agent": "writer", "done_as": "drafted"}
LAST = {"name": "print", "agent": "formatter", "done_as": "printed"}
WRITE = {"name": "write", "agent": "writer", "needs": ["draft"], "done_as": "written"}
CHECK = {"name": "check", "agent": "human", "needs": ["draft"], "judges": "draft", "done_as": "checked"}
SECONDS_LEFT = 600
CALL = Call(tool="http", target="POST https://pay.example/refund", arguments={"total": 240})


def test_the_table_knows_every_verb_and_every_status() -> None:
    assert set(TELLS) == set(supervision.VERBS)
    assert {state.status for state in STATES} == set(S.values) - {S.SUPERSEDED}
    assert {state.kind for state in STATES} - {""} == set(K.values)


@pytest.fixture
def staff(person: Any) -> dict[str, str]:
    """One person of each group, and an operator to whom things are given."""
    person("boss", "operators")
    return {group: f"user:{person(f'of-{group}', group).username}" for group in access.GROUPS}


def a_stage(state: State) -> Subtask:
    """A stage in this state, brought there by the verbs."""
    row_of = CHECK if state.kind == K.GATE else WRITE
    a_workflow("cells", [FIRST, row_of, {**LAST, "needs": [row_of["name"]]}], key="CEL")
    task = a_task(flow="cells")
    finish(claim_all()[0], done("draft"))
    row = current(task, str(row_of["name"]))
    match state:
        case (S.BLOCKED, _):
            row = current(task, "print")
        case (S.READY, _):
            lifecycle.retry_later(claim_all()[0], why="The feed did not answer.", delay=timedelta(hours=1))
        case (S.DOING, _):
            claim_all()
        case (S.WAITING, K.TOOL):
            finish(claim_all()[0], Outcome(word="escalate", question="May I?", call=CALL))
        case (S.WAITING, kind) if kind != K.GATE:
            waiting = machine.move(Subtask.objects.filter(pk=row.pk), "escalate")
            opened = reviews.open_review(row, kind, "Why?", by="clawbot", now=clock.now())
            log.write(opened)
            assert waiting
        case (S.DONE, _):
            finish(claim_all()[0], done("draft", "Another text."))
        case (S.SKIPPED, _):
            supervision.skip(task, by="user:boss", stage="write", reason="Enough.")
        case (S.CANCELLED, _):
            supervision.cancel(task, by="user:boss", reason="Enough.")
    row.refresh_from_db()
    assert row.status == state.status
    return row


def prepare(row: Subtask, verb: str, by: str) -> None:
    """What a verb needs to be there: a hold to lift, an approval to undo, a review that one has taken."""
    if verb == "resume":
        supervision.pause("task", row.task.key, by="user:boss", why="Look.")
    review = Review.objects.filter(subtask=row, open=1).first()
    if verb == "undo" and review and review.kind in {K.GATE, K.TOOL}:
        supervision.approve(
            review, by="user:boss", request_id="undo", artifact_sha256=review.artifact_sha256,
            undo_seconds=SECONDS_LEFT,
        )  # fmt: skip
    if verb == "put_back" and review:
        until = clock.now() + timedelta(minutes=5)
        Review.objects.filter(pk=review.pk).update(owner=by, taken_until=until)


def do(row: Subtask, verb: str, by: str) -> Task:
    """The verb as every door calls it."""
    review = Review.objects.filter(subtask=row, open=1).first()
    words: dict[str, Any] = {
        "review": review.pk if review else None, "reason": "A reason.",
        "note": "A note.", "requests": [{"text": "More."}],
        "to": {"assign": "boss", "send_back": "", "approve": ""}.get(verb, row.stage), "text": f"By {by}.",
        "sha256": review.artifact_sha256 if review and verb == "approve" else None,
    }  # fmt: skip
    said = acts.Said(**{name: value for name, value in words.items() if name in acts.takes(verb)})
    return acts.act(row.task, verb, said, by=by, channel="test")


def everything() -> dict[str, list[Any]]:
    """Every row there is."""
    models = apps.get_app_config("tasks").get_models()
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


@contextmanager
def tried_and_forgotten() -> Iterator[None]:
    """What happens inside is rolled back: the next cell begins from the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def wrong(row: Subtask, verb: str, state: State, group: str, by: str) -> str:
    """What is not as the table says; empty where all is."""
    allowed = access.GROUPS.index(group) >= access.GROUPS.index(access.LEAST[verb])
    wanted = effect(verb, state) if allowed else REFUSED
    prepare(row, verb, by)
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True)[0]
    before = everything() if wanted in {REFUSED, NOTHING} else {}
    try:
        do(row, verb, by)
    except Refused as refused:
        if wanted != REFUSED:
            return f"refused: {refused}"
        if not str(refused).endswith(".") or len(str(refused).split()) < 4:
            return f"no sentence: {refused}"
        return "" if everything() == before else "it was refused and changed something"
    if wanted == REFUSED:
        return "it was not refused"
    if wanted == NOTHING:
        return "" if everything() == before else "it changed something"
    row.refresh_from_db()
    if row.status != (state.status if wanted == STAYS else wanted):
        return f"it is {row.status}"
    told = list(Event.objects.filter(pk__gt=newest, by=by, kind=TELLS[verb]))
    return "" if len(told) == 1 else f"{len(told)} events {TELLS[verb]}"


@pytest.mark.django_db
@pytest.mark.parametrize("state", STATES, ids="-".join)
def test_a_verb_does_what_its_cell_says_and_else_changes_nothing(state: State, staff: dict[str, str]) -> None:
    row = a_stage(state)

    found = {}
    for verb in supervision.VERBS:
        for group, by in staff.items():
            with tried_and_forgotten():
                if trouble := wrong(Subtask.objects.get(pk=row.pk), verb, state, group, by):
                    found[verb, group] = trouble

    assert found == {}


@pytest.mark.django_db
def test_a_stage_that_was_replaced_is_out_of_reach(staff: dict[str, str]) -> None:
    row = a_stage(State(S.DONE))
    supervision.rerun_from(row.task, by="user:boss", stage="write", reason="Once more.")
    old = Subtask.objects.values().get(pk=row.pk)
    assert old["status"] == S.SUPERSEDED

    for verb in supervision.VERBS:
        for by in staff.values():
            with tried_and_forgotten():
                fresh = Subtask.objects.get(pk=row.pk)
                prepare(fresh, verb, by)
                with suppress(Refused):
                    do(fresh, verb, by)
                assert Subtask.objects.values().get(pk=row.pk) == old, verb


HOLDS = [("all", ""), ("workflow", "cells"), ("agent", "writer"), ("task", "CEL-1")]


@pytest.mark.django_db
@pytest.mark.parametrize("group", access.GROUPS)
def test_holds_are_placed_and_lifted_by_operators_each_once(group: str, staff: dict[str, str]) -> None:
    from tests.tasks.builders import an_agent

    an_agent("writer")
    a_stage(State(S.DOING))
    may = access.GROUPS.index(group) >= access.GROUPS.index(access.LEAST["pause"])

    for scope, target in HOLDS:
        before = everything()
        if not may:
            with pytest.raises(Refused, match="Only operators may pause"):
                supervision.pause(scope, target, by=staff[group], why="Look.")
            assert everything() == before
        hold = supervision.pause(scope, target, by=staff[group] if may else "user:boss", why="Look.")
        placed = everything()
        assert supervision.pause(scope, target, by="user:boss", why="Again.").pk == hold.pk
        assert everything() == placed
        if may:
            assert supervision.resume(hold, by=staff[group]).open is None
            lifted = everything()
            supervision.resume(hold, by=staff[group])
            assert everything() == lifted
        else:
            with pytest.raises(Refused, match="Only operators may resume"):
                supervision.resume(hold, by=staff[group])
            assert everything() == placed


@pytest.mark.parametrize("verb", ["approve", "skip", "cancel"])
def test_the_cells_are_the_same_on_each_database(database: Any, staff: dict[str, str], verb: str) -> None:
    for state in (State(S.WAITING, K.ESCALATION), State(S.WAITING, K.TOOL)):
        with tried_and_forgotten():
            row = a_stage(state)
            for group, by in staff.items():
                with tried_and_forgotten():
                    assert wrong(Subtask.objects.get(pk=row.pk), verb, state, group, by) == ""


def test_the_page_is_what_the_code_says() -> None:
    from django.conf import settings

    assert (settings.ROOT / "docs" / "who_may_do_what.md").read_text(encoding="utf-8") == rights.page()
