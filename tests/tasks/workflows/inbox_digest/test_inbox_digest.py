"""One agent, one stage: from a mailbox to a file and a notice."""

from __future__ import annotations

import pytest

from tasks.models import Notice
from tests.tasks.workflows import journey

pytestmark = pytest.mark.usefixtures("house")


def test_turns_a_mailbox_into_one_page_and_tells_the_editors():
    digest = journey.inject("inbox_digest", "--sample", "default")

    assert digest.code == journey.DONE
    page = digest.file(".md")
    assert page.startswith("# Inbox of Tuesday, 17 February\n\n14 messages from 8 people;")
    assert page == digest.text("digest")
    notice = Notice.objects.get(task=digest.task, kind="completion")
    assert notice.recipient == "editors"
    assert "7 conversations want an answer" in str(notice.content)
    assert ".md" in str(notice.content)


def test_says_that_nothing_is_asked_on_a_quiet_day():
    assert "None of them asks for an answer." in journey.inject("inbox_digest", "--sample", "quiet_day").file(
        ".md"
    )


def test_asks_where_there_is_no_message(tmp_path):
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\0\0")

    digest = journey.inject("inbox_digest", "--title", "Today", "--set", f"sources={tmp_path / 'logo.png'}")

    assert digest.code == journey.WAITS
    assert "Which mailbox, mails or notes should be read?" in digest.said
