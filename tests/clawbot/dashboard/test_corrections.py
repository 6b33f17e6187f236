"""What a reviewer corrected by itself: shown word by word, and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from agents.contract import Finding as Remark
from tasks import artifacts, supervision
from tasks.models import Finding, Review
from tests.clawbot.dashboard import desk

pytestmark = pytest.mark.django_db

MENDED = Remark(
    kind="banned_word", text="The house says use.", severity="minor", state="corrected",
    quote="Agents often work at night [1].", before="Agents frequently labour at night [1].",
)  # fmt: skip


@pytest.fixture
def review(ana: Any) -> Review:
    return desk.waiting(desk.FIRST, MENDED)


def take_back(client: Any, review: Review, **more: Any) -> Any:
    finding = Finding.objects.get(task=review.task)
    return client.post(f"/reviews/{review.pk}/take-back/", {"finding": finding.pk} | more, follow=True)


def test_shows_which_words_the_reviewer_changed(client: Any, review: Review, ana: Any) -> None:
    client.force_login(ana)

    page = client.get(f"/reviews/{review.pk}/").text

    assert '<del><span class="hidden-text">removed: </span>frequently labour</del>' in page
    assert '<ins><span class="hidden-text">added: </span>often work</ins>' in page
    assert "Take back" in page


def test_taking_it_back_puts_the_words_back_as_a_new_draft(client: Any, review: Review, ana: Any) -> None:
    client.force_login(ana)

    page = take_back(client, review).text

    draft = artifacts.latest(review.task, "draft")
    assert draft is not None
    assert "frequently labour" in draft.text
    assert draft.made_by == "user:ana"
    assert Finding.objects.get().state == "disputed"
    assert "Take back<" not in page


def test_says_why_it_cannot_where_the_sentence_changed_since(client: Any, review: Review, ana: Any) -> None:
    client.force_login(ana)
    supervision.edit(review.task, by="user:ana", text="Quite another text.")

    page = take_back(client, review)

    assert "its sentence was changed since. Edit the text." in page.text
    assert Finding.objects.get().state == "corrected"


def test_whoever_only_looks_has_no_such_button_and_is_refused(client: Any, review: Review, cleo: Any) -> None:
    client.force_login(cleo)

    assert "Take back" not in client.get(f"/reviews/{review.pk}/").text
    assert "Only editors may judge" in take_back(client, review).text
    assert Finding.objects.get().state == "corrected"


@pytest.mark.parametrize("number", ["", "x", "999999"])
def test_knows_only_findings_of_that_task(client: Any, review: Review, ana: Any, number: str) -> None:
    client.force_login(ana)

    assert take_back(client, review, finding=number).status_code == 404


def test_opening_the_page_is_the_first_look(client: Any, review: Review, ana: Any, cleo: Any) -> None:
    client.force_login(cleo)
    client.get(f"/reviews/{review.pk}/")
    assert Review.objects.get().first_seen_at is None
    client.force_login(ana)
    client.get(f"/reviews/{review.pk}/")

    assert Review.objects.get().first_seen_at is not None
