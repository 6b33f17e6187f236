"""An agent's question is answered through the API and the command line as on the page."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tasks import workspace
from tests.tasks.builders import claim_all
from tests.tasks.test_answering import _folder, asks  # noqa: F401

pytestmark = pytest.mark.django_db


def test_the_api_takes_words_and_files(as_ana: Any) -> None:
    review = asks()
    files = [
        {"name": "a.md", "text": "Redis is a store."},
        {"name": "b.bin", "base64": b64encode(b"\0\1").decode()},
    ]

    reply = as_ana.post(
        f"reviews/{review.pk}/decide", {"verb": "answer", "note": "Use these.", "files": files}
    )

    assert reply.status_code == 200
    assert workspace.names(review.task.key) == ("sources/a.md", "sources/b.bin")
    assert claim_all()[0].subtask.requests[0]["text"].startswith("Use these.")


@pytest.mark.parametrize("file", [{"name": "a"}, {"name": "a", "text": "x", "base64": "eA=="}])
def test_a_file_is_a_text_or_bytes(as_ana: Any, file: dict[str, str]) -> None:
    review = asks()

    reply = as_ana.post(f"reviews/{review.pk}/decide", {"verb": "answer", "files": [file]})

    assert reply.status_code == 422


def test_so_does_the_command_line(ana: Any, tmp_path: Path) -> None:
    from django.core.management import call_command

    review = asks()
    (tmp_path / "notes.md").write_text("Redis is a store.")

    call_command(
        "act", review.task.key, "answer", note="Use it.", file=[str(tmp_path / "notes.md")], by="ana"
    )

    assert claim_all()[0].subtask.requests[0]["text"] == "Use it. Files: sources/notes.md."
