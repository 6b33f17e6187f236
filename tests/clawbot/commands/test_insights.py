"""`./manage.py insights`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clawbot.management.commands.insights import Command as Insights
from tests.tasks.answers import Answer, give

pytestmark = pytest.mark.django_db


def test_answers_for_everybody_together(manage: Any) -> None:
    give(Answer(by=name, seen=120) for name in ("ana", "dora", "eve"))

    said = manage("insights").out

    assert "What waits for people?\n  Nothing waits for a person." in said
    assert "How long until somebody looks?\n  Nine of ten reviews are opened within 2 min." in said
    shape = json.loads(manage("insights", "--json").out)
    assert (shape["whose"], shape["total"]["decisions"], shape["waiting"]) == ("team", 3, [])


def test_tells_nothing_of_two_and_knows_no_way_to_ask_for_one(manage: Any) -> None:
    give([Answer("ana"), Answer("dora")])

    assert "Fewer than three people decided." in manage("insights").out
    assert json.loads(manage("insights", "--json").out)["total"] is None
    assert "--by" not in str(Insights().create_parser("manage.py", "insights").format_help())
