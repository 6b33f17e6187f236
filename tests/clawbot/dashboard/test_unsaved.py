"""What was typed into the editor is kept until its person saves it or discards it, which can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tasks import supervision
from tasks.models import Artifact, Review, UnsavedEdit
from tests.clawbot.dashboard import desk

pytestmark = pytest.mark.django_db

TYPED = "Agents work at night, and ana wrote this."


@pytest.fixture
def editor(client: Client, ana) -> Client:
    client.force_login(ana)
    return client


def keep(client: Client, review: Review, text: str = TYPED) -> Any:
    form = {"text": text, "artifact_sha256": review.artifact_sha256}
    return client.post(reverse("keep_edit", args=[review.pk]), form)


def opened(client: Client, review: Review) -> str:
    return str(client.get(reverse("review", args=[review.pk]), {"sheet": "edit"}).text)


def read(client: Client, review: Review) -> str:
    return str(client.get(reverse("review", args=[review.pk])).text)


def test_what_was_typed_is_there_again_on_every_machine(editor: Client, ana):
    review = desk.waiting()
    assert keep(editor, review).status_code == 204
    other = Client()
    other.force_login(ana)

    assert TYPED in opened(other, review)
    html = read(other, review)
    assert "Your unsaved edit of draft 1 is kept" in html
    assert "Go on editing" in html


def test_nobody_else_sees_it(editor: Client, ben):
    review = desk.waiting()
    keep(editor, review)
    other = Client()
    other.force_login(ben)
    assert TYPED not in opened(other, review)
    assert "unsaved edit" not in read(other, review)


def test_a_new_draft_takes_nothing_away_and_is_named(editor: Client, ben):
    review = desk.waiting()
    keep(editor, review)
    supervision.edit(review.task, by="user:ben", text=desk.SECOND)

    html = opened(editor, review)
    assert TYPED in html
    assert "You began this on draft 1; draft 2 arrived since and is not in it." in html


def test_it_outlives_the_review_it_was_typed_in(editor: Client, ben):
    review = desk.waiting()
    keep(editor, review)
    supervision.send_back(review, by="user:ben", request_id="r", to="write", requests=[{"text": "Shorter."}])
    assert TYPED in read(editor, review)  # closed: there to be read

    desk.write(review.task, desk.SECOND)
    desk.review(review.task)
    desk.render(review.task)
    assert TYPED in opened(editor, desk.open_review(review.task))


def test_a_preview_and_a_refusal_keep_it_too(editor: Client, ben):
    review = desk.waiting()
    address = reverse("review_edit", args=[review.pk])
    editor.post(address, desk.bound(review, text=TYPED, do="preview"))
    assert TYPED in opened(editor, review)
    read_before = desk.bound(review, text=f"{TYPED} More.", do="save")
    supervision.edit(review.task, by="user:ben", text=desk.SECOND)
    assert editor.post(address, read_before).status_code == 409
    assert f"{TYPED} More." in opened(editor, review)


def test_saving_leaves_nothing_unsaved_and_the_browser_is_told(editor: Client):
    review = desk.waiting()
    keep(editor, review)
    form = desk.bound(review, text=TYPED, do="save", chosen="yes", request_id="form-1")
    editor.post(reverse("review_edit", args=[review.pk]), form)

    assert Artifact.objects.filter(task=review.task, kind="draft").count() == 2
    assert "unsaved edit" not in read(editor, review)
    assert 'data-settled="form-1"' in opened(editor, review)

    keep(editor, review)  # what the page sent as it left arrives after its saving
    supervision.edit(review.task, by="user:ana", text=desk.SECOND)
    assert TYPED not in opened(editor, review)
    keep(editor, review, f"{TYPED} And more.")
    assert f"{TYPED} And more." in opened(editor, review)


def test_discarding_is_a_press_of_its_own_and_can_be_undone(editor: Client):
    review = desk.waiting()
    keep(editor, review)
    html = editor.post(reverse("discard_edit", args=[review.pk]), follow=True).text
    assert "You discarded your edit" in html
    assert TYPED not in opened(editor, review)

    assert TYPED in editor.post(reverse("bring_back_edit", args=[review.pk]), follow=True).text


def test_an_emptied_field_throws_nothing_away(editor: Client):
    review = desk.waiting()
    keep(editor, review)
    keep(editor, review, "  ")
    assert TYPED in opened(editor, review)


def test_who_may_not_edit_keeps_nothing(client: Client, cleo):
    client.force_login(cleo)
    assert keep(client, desk.waiting()).status_code == 422
    assert not UnsavedEdit.objects.exists()


def test_an_edit_says_whose_approval_it_voids(editor: Client, ben):
    review = desk.waiting()
    Review.objects.filter(pk=review.pk).update(deciders={"group": "editors", "count": 2, "four_eyes": False})
    supervision.approve(review, by="user:ben", request_id="b", undo_seconds=0)
    review.refresh_from_db()
    form = desk.bound(review, text=TYPED, do="save", chosen="yes")
    html = editor.post(reverse("review_edit", args=[review.pk]), form, follow=True).text
    assert "ben approved draft 1: that no longer counts." in html
    assert "Ben approved an earlier draft; for this one two editors are needed." in html


def test_who_signs_in_again_after_pressing_save_comes_back_to_the_editor(editor: Client):
    review = desk.waiting()
    answer = editor.get(reverse("review_edit", args=[review.pk]))
    assert answer.headers["Location"] == f"{reverse('review', args=[review.pk])}?sheet=edit"
