"""`./manage.py rollback`."""

from __future__ import annotations

import pytest

from agents import staff
from agents.definition import Definition
from tasks.models import Workflow
from tests.tasks.builders import ARTICLE, a_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_versions(admin):
    for name in {stage["agent"] for stage in ARTICLE} - {"human"}:
        staff.store(Definition(name=name, role="llm"), by="user:admin")
    a_workflow()
    a_workflow()


def active() -> int:
    return Workflow.objects.get().active.number


def test_goes_back_to_the_version_before_and_forward_to_a_named_one(manage) -> None:
    back = manage("rollback", "article")
    was = active()
    forth = manage("rollback", "article", "--to", "2")

    assert (back.code, forth.code, was, active()) == (0, 0, 1, 2)
    assert back.out.strip() == "New tasks of article run under v1. Running ones keep theirs."


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("article", "--to", "9"), "it has v1, v2"),
        (("articel",), "There are: article"),
        (("article", "--by", "ben"), "Only admins"),
    ],
)
def test_refuses_with_what_would_work(manage, ben, words, says) -> None:
    said = manage("rollback", *words)

    assert said.code == 1
    assert says in said.err
    assert active() == 2


def test_says_where_nothing_is_before(manage) -> None:
    manage("rollback", "article")

    assert "oldest version" in manage("rollback", "article").err
