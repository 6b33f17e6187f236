"""A text of two megabytes costs a page no more than a text of forty kilobytes: every page is bounded.

Times are printed (`pytest -s`) and not asserted. What is asserted is how much of a text each page handles,
and that none keeps a reader busy without end.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from django.urls import reverse

from clawbot import diff, draft, render
from tasks import supervision
from tests.clawbot.dashboard import desk
from tests.databases import ROOT
from tests.faults.large import MEGABYTES, TEXTS

#: What a page may weigh beside the text: its frame, and marks around each of a few thousand sentences.
MOST_HTML = 4_000_000

READS_ALL = """
import faulthandler, django
django.setup()
from agents.prose import article, sentences, words
from clawbot import diff, draft, render
from tests.faults.large import TEXTS

for name, made in TEXTS.items():
    print(name, flush=True)
    faulthandler.dump_traceback_later(60, exit=True)
    text = made(200_000)
    draft.reading(draft.read(text), draft.read(text[::-1]), (), lambda number, at: "/x")
    draft.length(text), diff.changed_words(text, text[::-1]), render.rest(text)
    article.spots(text), article.word_count(text), sentences.split(text), words.plain(text)
"""


def test_no_text_keeps_a_reader_busy_without_end():
    """In a process of its own: what never ends cannot be stopped from inside."""
    done = subprocess.run(
        [sys.executable, "-c", READS_ALL], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )

    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert done.stdout.split("\n")[:-1] == list(TEXTS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_page_handles_no_more_than_the_beginning(name):
    text = TEXTS[name](MEGABYTES)

    read = draft.read(text)

    assert sum(len(block.text) for block in read.blocks) <= 2 * render.MOST_SHOWN
    assert (
        read.rest == f"Only the first {len(render.first(text)):,} of {len(text):,} characters are shown here."
    )
    assert len(render.markdown(text)) <= MOST_HTML


def test_says_no_figure_about_the_part_that_nobody_compared():
    text = TEXTS["prose"](MEGABYTES)

    assert diff.changed_words(text, text + " more") is None
    assert draft.length(text) == f"{len(text):,} characters"


def test_pairs_what_begins_and_ends_alike_whatever_lies_between():
    old, new = ["a", *map(str, range(900)), "z"], ["a", *map(str, range(1000, 1900)), "z"]

    found = diff.pairs(old, new)

    assert (found[0], found[-1]) == ((0, 0), (901, 901))
    assert len(found) == 2 + 900 + 900


PAGES = [
    "/reviews/{review}/", "/reviews/{review}/?view=clean", "/reviews/{review}/?view=changes&from=1",
    "/reviews/{review}/?view=output", "/reviews/{review}/?sheet=edit", "/reviews/{review}/?sheet=return",
    "/reviews/?sel={review}", "/reviews/?tab=anyone", "/reviews/approve/", "/tasks/{key}/",
    "/tasks/{key}/?tab=overview", "/tasks/{key}/?tab=drafts", "/tasks/{key}/?tab=handoffs",
    "/tasks/{key}/?tab=files", "/tasks/{key}/?tab=log", "/",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["prose", "table", "brackets", "headings", "citations"])
def test_every_page_answers_about_two_large_drafts(client, ana, name):
    client.force_login(ana)
    first = desk.waiting(TEXTS[name](MEGABYTES))
    supervision.send_back(first, by="user:ana", request_id="r", requests=[{"text": "Add more."}])
    desk.write(first.task, TEXTS["prose"](MEGABYTES) + TEXTS[name](MEGABYTES)[:1_000])
    desk.review(first.task)
    desk.render(first.task)
    review = desk.open_review(first.task)

    for page in PAGES:
        address = page.format(review=review.pk, key=review.task.key)
        began = time.perf_counter()
        answer = client.get(address)
        print(
            f"{name:10} {len(answer.content) / 1e6:6.2f} MB {time.perf_counter() - began:6.2f} s  {address}"
        )
        assert answer.status_code == 200
        most = MOST_HTML + (MEGABYTES if "sheet=edit" in page else 0)  # the editor holds the whole text
        assert len(answer.content) <= most

    read = client.get(f"/reviews/{review.pk}/").content.decode()
    assert f"of {len(review.artifact.text):,} characters are shown here." in read
    whole = client.get(reverse("task_text", args=[review.task.key, review.artifact.pk]))
    assert whole.content.decode() == review.artifact.text
    assert whole["Content-Disposition"].startswith("attachment; ")
