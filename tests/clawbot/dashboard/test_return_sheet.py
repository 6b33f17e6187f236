"""What goes back with a draft, in the order of its text."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tasks import supervision
from tasks.models import Comment, Review
from tests.clawbot.dashboard import desk

pytestmark = pytest.mark.django_db
TEXT = "# Why\n\nThe first words stand here.\n\nThe last words stand there.\n"


@pytest.fixture
def remarked(ana) -> Review:
    """A draft with three comments, written from its end to its start."""
    review = desk.waiting(TEXT)
    for text, quote in [("About all.", ""), ("Later.", "last words"), ("Sooner.", "first words")]:
        supervision.comment(review.artifact, by="user:ana", text=text, quote=quote)
    return review


def test_requests_are_numbered_as_their_words_stand_and_what_is_about_the_whole_comes_last(remarked: Review):
    supervision.send_back(remarked, by="user:ana", request_id="quagga", requests=[{"text": "Shorter."}])

    sent = Comment.objects.filter(task=remarked.task).order_by("number").values_list("text", flat=True)
    assert list(sent) == ["Sooner.", "Later.", "About all.", "Shorter."]


def test_the_sheet_numbers_them_the_same(client: Client, ana, remarked: Review):
    client.force_login(ana)
    html = client.get(reverse("review", args=[remarked.pk]) + "?sheet=return").content.decode()

    letter = html.split("data-preview")[1]
    numbered = ["1. About “first words”: Sooner.", "2. About “last words”: Later.", "3. About all."]
    places = [letter.index(one) for one in numbered]
    assert places == sorted(places)


def test_a_preview_of_an_edit_shows_citations_as_links(client: Client, ana, remarked: Review):
    client.force_login(ana)
    form = desk.bound(remarked, text=f"{TEXT}\nSo they say [1].\n", do="preview")
    html = client.post(reverse("review_edit", args=[remarked.pk]), form).content.decode()

    assert "[1]" not in html.split("How it would read")[1]
    assert 'class="cite"' in html.split("How it would read")[1]
