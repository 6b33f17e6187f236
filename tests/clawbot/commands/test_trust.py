"""`./manage.py trust`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents import staff
from agents.definition import Definition
from tasks.models import Trust
from tests.tasks.answers import judge
from tests.tasks.builders import a_task, work_until

pytestmark = pytest.mark.django_db
TONE = ("article", "reviewer", "tone")


@pytest.fixture(autouse=True)
def record(ana: Any) -> None:
    staff.store(Definition(name="reviewer", role="reviewer"), by="clawbot", note="")
    task = a_task()
    work_until(task, "review")
    judge(task, 40)
    judge(task, 3, 1, kind="spelling")


def test_lists_the_record_and_what_is_missing(manage: Any) -> None:
    said = manage("trust", "list", "reviewer").out

    assert "article  reviewer  tone  40 of 40 agreed (91% to 100%)\n  enough for an admin" in said
    assert "4 of at least 20 judgements so far." in said
    assert [one["trusted"] for one in json.loads(manage("trust", "list", "--json").out)] == [False, False]


def test_an_admin_trusts_and_ends_it(manage: Any, admin: Any) -> None:
    assert manage("trust", "raise", *TONE).out == "reviewer is trusted with tone in article.\n"
    assert "trusted by admin" in manage("trust", "list").out
    manage("trust", "end", *TONE, "--why", "Tone is a matter of taste.")
    again = manage("trust", "end", *TONE, "--why", "Once more.")

    assert "It was so already." in again.out
    assert Trust.objects.get().ended_why == "Tone is a matter of taste."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("raise", "article", "reviewer", "spelling"), "4 of at least 20"),
        (("raise", *TONE, "--by", "ana"), "Only admins"),
        (("raise", "poem", "reviewer", "tone"), "There is no workflow 'poem'"),
        (("list", "nobody"), "There is no agent 'nobody'"),
    ],
)
def test_refuses_in_a_sentence(manage: Any, admin: Any, words: tuple[str, ...], sentence: str) -> None:
    said = manage("trust", *words)

    assert said.code == 1
    assert sentence in said.err
    assert not Trust.objects.exists()
