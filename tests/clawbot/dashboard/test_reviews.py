"""The queue: what waits for whom, in which order, and what is announced."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from agents.contract import Outcome
from clawbot.dashboard import reviews
from tasks import clock, supervision
from tasks.models import Event, Review
from tests.clawbot.dashboard import desk
from tests.tasks.builders import a_task, claim_all, done, finish
from tests.tasks.test_why import SPREAD, a_new, do

pytestmark = pytest.mark.django_db
PIECE = {"HX-Request": "true"}


@pytest.fixture
def editor(client: Client, ana) -> Client:
    client.force_login(ana)
    return client


def queue(client: Client, query: str = "") -> str:
    answer = client.get(reverse("reviews") + query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-row="(\d+)"', html)]


def test_ranks_by_due_time_and_then_by_age(editor: Client):
    first, second, third = (
        desk.waiting(),
        desk.waiting(title="Second thing"),
        desk.waiting(title="Third thing"),
    )
    Review.objects.filter(pk=third.pk).update(due_at=clock.now() + timedelta(minutes=5))
    Review.objects.filter(pk=second.pk).update(due_at=None)

    assert rows(queue(editor)) == [third.pk, first.pk, second.pk]


def test_shows_the_draft_of_the_selected_row_beside_the_list(editor: Client):
    desk.waiting()
    second = desk.waiting("The other draft reads like this.\n", title="Second thing")

    assert "The other draft reads like this." in queue(editor, f"?sel={second.pk}")


def test_says_how_many_findings_are_open_and_how_many_words_changed(editor: Client, ana):
    review = desk.waiting(desk.FIRST, desk.DOUBT)
    assert "1 open" in queue(editor)

    supervision.send_back(
        review, by="user:ana", request_id="r", requests=[{"text": "Since when?"}], to="write"
    )
    desk.write(review.task, desk.SECOND)
    desk.review(review.task)
    desk.render(review.task)
    html = queue(editor)
    assert "No open findings" in html
    assert "5 words changed" in html


def test_keeps_what_only_operators_decide_out_of_an_editors_own_tab(editor: Client):
    review = desk.given_up()

    assert rows(queue(editor)) == []
    assert rows(queue(editor, "?tab=anyone")) == [review.pk]


def test_leaves_to_its_reader_what_somebody_has_taken_until_the_half_hour_is_over(editor: Client, ben):
    review = desk.waiting()
    supervision.take(review, by="user:ben")
    assert rows(queue(editor)) == []

    clock.move(timedelta(minutes=31))
    assert rows(queue(editor)) == [review.pk]


def test_says_when_nothing_waits_and_what_is_on_its_way(editor: Client):
    task = a_task()
    claim_all()
    html = queue(editor)

    assert "Nothing is waiting for you" in html
    assert "1 task is in work" in html
    assert task.key in html.split("On their way to you")[1]


def test_predicts_the_next_review_from_what_stages_usually_take(editor: Client):
    desk.waiting()
    a_task("A later thing")
    claim_all()

    assert "Next expected about" in queue(editor)


def test_offers_the_sample_where_there_was_never_anything(editor: Client):
    assert "sample=default" in queue(editor)


def test_lists_what_i_decided_today(editor: Client, ana):
    supervision.approve(desk.waiting(), by="user:ana", request_id="a")
    html = queue(editor, "?tab=decided")

    assert "Approved by" in html
    assert "Why agents need a manager" in html


def test_greys_out_what_somebody_else_just_decided(editor: Client, ben):
    supervision.approve(desk.waiting(), by="user:ben", request_id="b", channel="slack")

    assert "Approved by ben in Slack" in queue(editor)


def test_announces_new_rows_and_does_not_insert_them(editor: Client, ben):
    seen = desk.waiting()
    desk.waiting(title="Second thing")
    news = f"{reverse('reviews_news')}?tab=mine&seen={seen.pk}"
    html = editor.get(news, headers=PIECE).text

    assert "1 new" in html
    assert "Second thing" not in html
    assert f"seen={seen.pk}" in html

    supervision.approve(seen, by="user:ben", request_id="b")
    assert "Approved by ben" in editor.get(news, headers=PIECE).text


def test_counts_for_the_top_bar(editor: Client):
    desk.waiting()

    assert ">1<" in editor.get(reverse("reviews_count"), headers=PIECE).text


def test_lists_a_hundred_reviews_in_a_bounded_number_of_queries(
    editor: Client, django_assert_max_num_queries
):
    first = desk.waiting()
    desk.waiting(title="Second thing")
    with django_assert_max_num_queries(90) as few:
        queue(editor)
    assert first.pk
    for number in range(5):
        desk.waiting(title=f"Thing number {number}")
    with django_assert_max_num_queries(len(few.captured_queries) + 6):
        queue(editor)


def test_asks_a_stranger_to_sign_in(client: Client):
    assert client.get(reverse("reviews")).status_code == 302


def test_a_row_says_with_which_verbs_its_reader_may_answer_where_these_are_not_the_usual_ones(
    client: Client, editor: Client, ben, cleo
):
    desk.waiting()
    assert "Approve, return" not in queue(editor)

    client.force_login(ben)
    desk.given_up()
    assert "Retry, go on without it or stop the task<" in queue(client)

    client.force_login(cleo)
    assert "queue-row__title" in queue(client, "?tab=anyone")
    assert "Approve, return" not in queue(client, "?tab=anyone")


# -- Many items of one stage ---------------------------------------------------------------------------


@pytest.fixture
def operator(client: Client, ben) -> Client:
    client.force_login(ben)
    return client


@pytest.fixture
def failed(ben) -> list[Review]:
    """Of five files two were read; three wait for a person."""
    task = a_new("spread", SPREAD)
    do(task, "list", done("note", fields={"files": [f"{name}.txt" for name in "abcde"]}))
    for number, claimed in enumerate(claim_all()):
        finish(claimed, Outcome(word="fail", why="It is no text.") if number < 3 else done("note"))
    return list(Review.objects.filter(task=task, open=1).order_by("id"))


def items_of(task) -> list[str]:
    rows = task.subtasks.filter(live=1, stage="read").exclude(item="").order_by("item")
    return list(rows.values_list("status", flat=True))


def form_of(reviews: list[Review], **more: str) -> dict[str, object]:
    return {"pick": [review.pk for review in reviews], **more}


def test_items_that_wait_for_the_same_reason_are_one_row_that_opens_to_them(operator: Client, failed):
    html = queue(operator)

    assert rows(html) == [failed[0].pk]
    assert "3 items are out of attempts at read" in html
    group = html.partition('class="disclosure queue-group"')[2].partition("</details>")[0]
    assert [one for one in ("a.txt", "b.txt", "c.txt", "d.txt") if one in group] == [
        "a.txt",
        "b.txt",
        "c.txt",
    ]
    assert all(f"/reviews/{review.pk}/" in group for review in failed)
    assert ">3<" in operator.get(reverse("reviews_count"), headers=PIECE).text


def test_lists_what_happens_to_each_before_anything_does(operator: Client, failed):
    answer = operator.get(reverse("bulk_items", args=[failed[0].pk, "retry"]))
    html = answer.content.decode()

    assert [f"Item {number} of Read tries again now." in html for number in (1, 2, 3, 4)] == [True] * 3 + [
        False
    ]
    assert items_of(failed[0].task)[:3] == ["waiting"] * 3


def test_retries_each_that_is_ticked_with_a_line_of_its_own(operator: Client, failed):
    operator.post(reverse("bulk_items", args=[failed[0].pk, "retry"]), form_of(failed[:2]))

    assert items_of(failed[0].task) == ["ready", "ready", "waiting", "done", "done"]
    told = Event.objects.filter(kind="subtask.retry").order_by("id")
    assert [event.data["item"] for event in told] == [review.subtask.item for review in failed[:2]]
    assert {event.by for event in told} == {"user:ben"}


def test_goes_on_without_all_of_them_and_joins_the_others(operator: Client, failed):
    address = reverse("bulk_items", args=[failed[0].pk, "skip"])
    silent = operator.post(address, form_of(failed))
    assert silent.status_code == 422
    assert "Say why in a few words" in silent.content.decode()
    assert items_of(failed[0].task)[:3] == ["waiting"] * 3

    operator.post(address, form_of(failed, reason="Broken since the export"))

    assert items_of(failed[0].task) == ["skipped", "skipped", "skipped", "done", "done"]
    assert failed[0].task.subtasks.get(live=1, stage="join").status == "ready"
    assert Event.objects.filter(kind="subtask.skipped").count() == 3


def test_what_somebody_answered_meanwhile_is_refused_by_itself(operator: Client, failed):
    first, *others = failed
    supervision.retry(first.task, by="user:ben", stage="read", item=first.subtask.item)

    html = operator.post(
        reverse("bulk_items", args=[first.pk, "skip"]), form_of(failed, reason="Broken")
    ).content.decode()

    assert "2 left out, 1 refused" in html
    assert "it was answered meanwhile" in html
    assert items_of(first.task) == ["ready", "skipped", "skipped", "done", "done"]
    assert others


def test_refuses_all_of_them_to_who_may_not(editor: Client, failed):
    assert "/together/" not in queue(editor, "?tab=anyone")
    address = reverse("bulk_items", args=[failed[0].pk, "retry"])
    assert "Only operators may retry" in editor.get(address).content.decode()

    assert "3 refused" in editor.post(address, form_of(failed)).content.decode()
    assert items_of(failed[0].task)[:3] == ["waiting"] * 3
    assert editor.get(reverse("bulk_items", args=[failed[0].pk, "cancel"])).status_code == 404


def test_says_of_every_kind_of_review_why_several_items_wait():
    assert set(reviews.TOGETHER) == set(Review.Kind.values)
