"""The question of an agent has a field for its answer, for everybody who is told to decide."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks.models import Decision
from tests.tasks.builders import claim_all
from tests.tasks.test_answering import _folder, asks  # noqa: F401

pytestmark = pytest.mark.django_db


def test_an_editor_answers_with_words_and_a_file(client: Any, ana: Any) -> None:
    review = asks()
    client.force_login(ana)
    page = client.get(f"/reviews/{review.pk}/").content.decode()

    notes = SimpleUploadedFile("notes.md", b"Redis is a store.")
    answer = client.post(f"/reviews/{review.pk}/answer/", {"answer": "Use these.", "file": notes})

    assert 'name="answer"' in page
    assert 'enctype="multipart/form-data"' in page
    assert answer.status_code == 302
    assert Decision.objects.get().verb == "answer"
    (claimed,) = claim_all()
    assert claimed.subtask.requests[0]["text"] == "Use these. Files: sources/notes.md."


def test_an_empty_answer_is_refused_in_a_sentence_and_what_was_typed_stays(client: Any, ana: Any) -> None:
    review = asks()
    client.force_login(ana)

    empty = client.post(f"/reviews/{review.pk}/answer/", {"answer": " "})
    long = client.post(f"/reviews/{review.pk}/answer/", {"answer": "Mine. " * 4_000})

    assert (empty.status_code, long.status_code) == (422, 422)
    assert "write a few words, or add a file" in empty.content.decode()
    assert "Mine. Mine. Mine." in long.content.decode()


def test_who_only_looks_has_no_field(client: Any, cleo: Any) -> None:
    review = asks()
    client.force_login(cleo)

    assert 'name="answer"' not in client.get(f"/reviews/{review.pk}/").content.decode()
    assert client.post(f"/reviews/{review.pk}/answer/", {"answer": "Mine."}).status_code == 422
