"""The queue: what waits for whom, in which order, and what is announced."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tasks import clock, supervision
from tasks.models import Review
from tests.clawbot.dashboard import desk
from tests.tasks.builders import a_task, claim_all

pytestmark = pytest.mark.django_db


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
    html = editor.get(f"{reverse('reviews_news')}?tab=mine&seen={seen.pk}").content.decode()

    assert "1 new" in html
    assert "Second thing" not in html
    assert f"seen={seen.pk}" in html

    supervision.approve(seen, by="user:ben", request_id="b")
    assert (
        "Approved by ben" in editor.get(f"{reverse('reviews_news')}?tab=mine&seen={seen.pk}").content.decode()
    )


def test_counts_for_the_top_bar(editor: Client):
    desk.waiting()

    assert ">1<" in editor.get(reverse("reviews_count")).content.decode()


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
