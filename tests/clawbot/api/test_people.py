"""How people decide, for programs: the team, or the token's owner."""

from __future__ import annotations

from typing import Any

import pytest

from clawbot.api import schemas
from tests.tasks.answers import Answer, give

pytestmark = pytest.mark.django_db


def test_gives_the_team_together(as_cleo: Any) -> None:
    give(Answer(by=name, took=100) for name in ("ana", "dora", "eve"))

    answer = as_cleo.get("metrics/people").json()

    assert set(answer) == set(schemas.PeopleFigures.model_fields)
    assert set(answer["total"]) == set(schemas.Figures.model_fields)
    assert answer["total"]["decide_seconds"] == {"p50": 100, "p90": 100}
    assert [one["workflow"] for one in answer["workflows"]] == ["article"]
    assert len(answer["weeks"]) == 12


def test_gives_a_person_their_own_and_an_admin_nobodys(as_ana: Any, as_admin: Any) -> None:
    give([Answer("ana"), Answer("dora")])

    assert as_ana.get("metrics/people", whose="me").json()["total"]["decisions"] == 1
    assert as_admin.get("metrics/people").json()["total"] is None
    assert as_admin.get("metrics/people", whose="me").json()["total"]["decisions"] == 0
    assert as_admin.get("metrics/people", whose="user:ana").status_code == 422
