"""What agents have earned, for programs."""

from __future__ import annotations

from typing import Any

import pytest

from agents import staff
from agents.definition import Definition
from clawbot.api import schemas
from tasks.models import Trust
from tests.tasks.answers import judge
from tests.tasks.builders import a_task, work_until

pytestmark = pytest.mark.django_db
RAISE = {"verb": "raise", "workflow": "article", "kind": "tone"}


@pytest.fixture(autouse=True)
def record(ana: Any) -> None:
    staff.store(Definition(name="reviewer", role="reviewer"), by="clawbot", note="")
    task = a_task()
    work_until(task, "review")
    judge(task, 40)


def test_lists_the_record(as_cleo: Any) -> None:
    (one,) = as_cleo.get("agents/reviewer/trust").json()["items"]

    assert (one["kind"], one["judged"], one["agreed"], one["missing"]) == ("tone", 40, 40, None)
    assert set(one) == set(schemas.Trust.model_fields)
    assert as_cleo.get("agents/nobody/trust").status_code == 404


def test_an_admin_trusts_once_and_ends_it(as_admin: Any) -> None:
    for _ in range(2):
        (one,) = as_admin.post("agents/reviewer/trust", RAISE).json()["items"]
    assert (one["trusted"], one["given_by"]) == (True, "user:admin")
    as_admin.post("agents/reviewer/trust", RAISE | {"verb": "end", "why": "Enough."})

    assert [trust.ended_why for trust in Trust.objects.all()] == ["Enough."]


def test_nobody_else_may_and_odd_words_are_refused(as_ana: Any, as_admin: Any) -> None:
    assert as_ana.post("agents/reviewer/trust", RAISE).status_code == 403
    assert as_admin.post("agents/reviewer/trust", RAISE | {"kind": "rhyme"}).status_code == 404
    assert as_admin.post("agents/reviewer/trust", RAISE | {"verb": "leap"}).status_code == 422
    assert not Trust.objects.exists()
