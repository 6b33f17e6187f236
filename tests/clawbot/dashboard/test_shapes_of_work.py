"""The pages of work that is no straight line: branches, items, child tasks, answers, what is taken back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.contract import Outcome
from clawbot.dashboard import consequences
from tasks import clock, supervision
from tasks.models import Review, Subtask, Task
from tasks.orchestrator import children
from tasks.workflow import versions
from tests.tasks.builders import a_task, claim_all, current, done, finish
from tests.tasks.test_arrivals import ROUTED
from tests.tasks.test_why import ASKING, CHILD, ORDER, PARENT, SPREAD, STREAMS, a_new, a_workflow, do

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ben")]


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    from django.core.cache import cache

    cache.clear()
    versions.forget()
    yield
    clock.reset()
    versions.forget()


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def page(client: Any, person: Any, path: str) -> str:
    client.force_login(person)
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def head(client: Any, person: Any, task: Task) -> str:
    html = page(client, person, f"/tasks/{task.key}/")
    return words_of(html.partition('id="task-head"')[2].partition("</header>")[0])


def a_fan_out(files: int = 4, **more: Any) -> Task:
    task = a_new("spread", [SPREAD[0], {**SPREAD[1], **more}, SPREAD[2]])
    do(task, "list", done("note", fields={"files": [f"{number}.txt" for number in range(1, files + 1)]}))
    return task


def an_order() -> Task:
    task = a_new("order", ORDER)
    do(task, "reserve")
    return task


# -- The task page -------------------------------------------------------------------------------------


def test_shows_the_way_that_was_taken_and_why_others_were_not(client, cleo):
    task = a_new("routed", ROUTED)
    do(task, "route", done("note", fields={"topic": "sales"}))

    html = page(client, cleo, f"/tasks/{task.key}/")
    line, _, passed = html.partition('id="passed-over"')

    assert re.findall(r'stepper__title">([^<]+)<', line) == ["Route", "Sales", "Reply"]
    assert "2 stages passed over" in words_of(passed)
    assert "It runs only where route topic is billing." in passed
    assert "No way that leads here was taken." in passed


def test_shows_branches_side_by_side(client, cleo):
    task = a_new("streams", STREAMS)

    html = page(client, cleo, f"/tasks/{task.key}/").partition('class="stepper ')[2]

    branches = html.partition('class="stepper__branches"')[2].partition("</ol>")[0]
    assert re.findall(r'stepper__title">([^<]+)<', branches) == ["Market", "History", "Rivals"]


def test_a_fan_out_is_one_step_with_its_progress(client, cleo):
    task = a_fan_out()
    finish(claim_all()[0], done("note"))

    html = page(client, cleo, f"/tasks/{task.key}/")

    assert html.count("stepper__dot") == 3
    assert "Read 1 of 4" in words_of(html)
    assert f'href="/tasks/{task.key}/stages/read/"' in html


def test_the_runs_of_all_items_are_one_bar(client, cleo):
    task = a_fan_out()
    for claimed in claim_all():
        finish(claimed, done("note"))

    html = (
        page(client, cleo, f"/tasks/{task.key}/")
        .partition('class="waterfall__rows"')[2]
        .partition("</ol>")[0]
    )

    assert html.count("bar--working") == 2
    assert "×4" in html


def test_a_parent_and_its_child_lead_to_each_other(client, cleo):
    a_workflow("child", CHILD, "CHI")
    task = a_new("parent", PARENT)
    children.inject(clock.now())
    child = Task.objects.get(workflow__slug="child")

    mine, theirs = head(client, cleo, task), head(client, cleo, child)

    assert f"Write injected {child.key}" in mine
    assert "Ready for work" in theirs
    assert f"injected by {task.key} for write" in theirs


def test_says_since_when_and_until_when_it_waits_for_an_answer(client, cleo):
    task = a_new("asking", ASKING)
    do(task, "ask", Outcome(word="await", summary="Asked for the stock.", after_seconds=600))

    said = head(client, cleo, task)

    assert "Waits for an answer" in said
    assert "Ask waits for an answer" in said
    assert "until" in said


def test_what_is_taken_back_has_its_own_section_with_the_reason(client, cleo):
    task = an_order()
    do(task, "pay", Outcome(word="fail", why="The card was declined."))
    do(task, "pay.undo")

    said = head(client, cleo, task)

    assert "Taking back, 1 left" in said
    assert "The card was declined." in said
    assert re.search(r"Pay by bank .*Reserve by stock", said)
    assert "pay.undo" not in said


def test_a_task_that_was_taken_back_stays_readable(client, cleo):
    task = an_order()
    supervision.cancel(task, by="user:ben", reason="Called off.")
    do(task, "reserve.undo")

    assert "Taken back" in head(client, cleo, task)


# -- Items ---------------------------------------------------------------------------------------------


def numbers(html: str) -> list[str]:
    return re.findall(r'<span class="quiet key">(\d+)</span>', html)


def test_items_that_wait_for_a_person_come_first(client, ben):
    task = a_fan_out()
    first, _, third, _ = claim_all()
    finish(first, done("note"))
    finish(third, Outcome(word="fail", why="It is no text."))

    html = page(client, ben, f"/tasks/{task.key}/stages/read/")

    assert numbers(html) == ["3", "2", "4", "1"]
    assert "3.txt" in html
    assert "It is no text." in html
    assert "1 of 4 items has passed; 1 waits for a person." in words_of(html)


def test_ten_thousand_items_are_shown_a_page_at_a_time(client, cleo):
    task = a_fan_out(3000)
    with CaptureQueriesContext(connection) as seen:
        html = page(client, cleo, f"/tasks/{task.key}/stages/read/?from=100")

    assert len(numbers(html)) == 50
    assert "101 to 150" in words_of(html)
    assert len(seen) < 36
    assert len(page(client, cleo, f"/tasks/{task.key}/")) < 60_000
    assert len(page(client, cleo, "/?workflow=spread")) < 60_000


def test_one_item_is_retried_and_another_skipped(client, ben):
    task = a_fan_out()
    first, second, *_ = claim_all()
    for claimed in (first, second):
        finish(claimed, Outcome(word="fail", why="It is no text."))
    client.force_login(ben)

    client.post(f"/tasks/{task.key}/retry/", {"stage": "read", "item": "00001"})
    client.post(f"/tasks/{task.key}/skip/", {"stage": "read", "item": "00002", "reason": "no text"})

    rows = dict(Subtask.objects.filter(task=task, stage="read", live=1).values_list("item", "status"))
    assert (rows["00001"], rows["00002"]) == ("ready", "skipped")


def test_a_review_says_which_item_it_is_about_and_means_only_that_one(client, ben):
    task = a_fan_out()
    for claimed in claim_all()[:2]:
        finish(claimed, Outcome(word="fail", why="It is no text."))
    review = Review.objects.filter(task=task, open=1).order_by("id").first()

    html = page(client, ben, f"/reviews/{review.pk}/")
    client.post(f"/reviews/{review.pk}/retry/", {"review_version": review.version})

    assert "Item 1 of read" in html
    assert "1.txt" in html
    assert Subtask.objects.filter(task=task, status="waiting").get().item == "00002"


# -- The board -----------------------------------------------------------------------------------------


def card_of(html: str, task: Task) -> str:
    return words_of(html.partition(f'id="card-{task.key}"')[2].partition("</li>")[0])


def lane_of(html: str, name: str) -> str:
    return html.partition(f'aria-labelledby="lane-{name}"')[2].partition("</section>")[0]


def test_a_task_in_several_branches_stands_once_at_the_one_furthest_back(client, cleo):
    task = a_new("streams", STREAMS)
    do(task, "market")

    html = page(client, cleo, "/")

    assert html.count(f'id="card-{task.key}"') == 1
    assert f'id="card-{task.key}"' in lane_of(html, "history")
    assert "+1 other stages: Rivals" in card_of(html, task)


def test_a_card_says_how_many_items_are_done(client, cleo):
    task = a_fan_out()
    finish(claim_all()[0], done("note"))

    html = page(client, cleo, "/")

    assert "1 of 4" in card_of(html, task)
    assert f'id="card-{task.key}"' in lane_of(html, "read")


def test_what_is_taken_back_stands_where_it_was_done_and_is_counted(client, cleo):
    task = an_order()
    supervision.cancel(task, by="user:ben", reason="Called off.")

    html = page(client, cleo, "/")

    assert "Taking back" in card_of(lane_of(html, "reserve"), task)
    assert "1 being taken back" in words_of(html)
    assert f'id="card-{task.key}"' in page(client, cleo, "/?workflow=order&is=undoing")
    assert f'id="card-{task.key}"' not in page(client, cleo, "/?workflow=order&is=outside")


def test_all_workflows_together_have_conditions_as_lanes(client, cleo):
    one, other = a_task(), a_new("streams", STREAMS)
    claim_all()

    html = page(client, cleo, "/")

    assert re.findall(r'aria-labelledby="lane-([\w-]+)"', html) == [
        "is-queued", "is-running", "is-waiting", "is-stalled",
    ]  # fmt: skip
    assert "Market Streams" in card_of(lane_of(html, "is-running"), other)
    assert (
        client.get(f"/board/cards/{one.key}/?lane=is-running", headers={"HX-Request": "true"}).status_code
        == 200
    )
    assert (
        client.get(f"/board/cards/{one.key}/?lane=is-queued", headers={"HX-Request": "true"}).status_code
        == 204
    )


# -- What a cancel does --------------------------------------------------------------------------------


def test_a_cancel_says_first_what_it_takes_back(client, ben):
    task = an_order()
    claim_all()

    asked = words_of(page(client, ben, f"/tasks/{task.key}/cancel/"))

    assert "What it did in the world is taken back first, newest first: Pay, Reserve." in asked


def test_a_second_cancel_says_that_it_gives_the_taking_back_up():
    task = an_order()
    supervision.cancel(task, by="user:ben", reason="Called off.")
    task.refresh_from_db()

    assert "1 part is left. Cancelling it once more gives that up" in consequences.cancel(task)


def test_a_cancel_names_the_tasks_that_it_concerns():
    a_workflow("child", CHILD, "CHI")
    task = a_new("parent", PARENT)
    children.inject(clock.now())
    child = Task.objects.get(workflow__slug="child")

    assert f"{child.key}, which it waits for, is cancelled with it." in consequences.cancel(task)
    assert f"{task.key} waits for it at Write and then asks a person." in consequences.cancel(child)


def test_without_effects_a_cancel_just_ends_it():
    assert consequences.cancel(a_task()).startswith("It ends for good")


def test_undone_stages_are_no_stages_anywhere(client, cleo):
    task = an_order()
    supervision.cancel(task, by="user:ben", reason="Called off.")
    do(task, "reserve.undo")

    for path in (
        f"/tasks/{task.key}/?tab=overview",
        f"/tasks/{task.key}/?tab=timeline",
        "/?view=list&is=done",
    ):
        assert "reserve.undo" not in words_of(page(client, cleo, path)), path
    assert current(task, "reserve").status == "done"
