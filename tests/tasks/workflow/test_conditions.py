"""A condition is data: it compares small facts of earlier stages, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.workflow import conditions

FACTS: dict[str, dict[str, Any]] = {
    "route": {"topic": "billing", "sure": True, "score": 0.82},
    "read": {"total": "8,412.50"},
    "input": {"amount": 120},
}


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (None, True),
        ({"route.topic": "billing"}, True),
        ({"route.topic": "sales"}, False),
        ({"route.topic": ["sales", "billing"]}, True),
        ({"route.topic": {"not": "sales"}}, True),
        ({"route.sure": "true"}, True),  # YAML brings every scalar as text
        ({"route.sure": "no"}, False),
        ({"route.score": "0.82"}, True),
        ({"input.amount": {"over": "100"}}, True),
        ({"input.amount": {"under": "100"}}, False),
        ({"read.total": {"over": "1000"}}, True),  # "8,412.50", as it stood in an invoice
        ({"route.topic": {"over": "1"}}, False),  # a word is neither over nor under a number
        ({"route.topic": "billing", "route.sure": "no"}, False),  # several keys mean all of them
        ({"any": [{"route.topic": "sales"}, {"input.amount": {"over": "100"}}]}, True),
        ({"all": [{"route.topic": "billing"}, {"any": [{"route.sure": "yes"}]}]}, True),
        ({"absent.topic": "billing"}, False),
        ({"absent.topic": {"not": "billing"}}, False),  # who did not run says nothing at all
    ],
)
def test_holds_or_not(condition: Any, met: bool) -> None:
    assert conditions.holds(condition, FACTS) is met


def test_names_every_field_it_reads() -> None:
    condition = {"any": [{"a.x": "1"}, {"all": [{"b.y": "2"}, {"input.z": "3"}]}]}

    assert list(conditions.references(condition)) == ["a.x", "b.y", "input.z"]


def test_reads_as_a_sentence() -> None:
    condition = {"any": [{"route.topic": ["billing", "sales"]}, {"input.amount": {"over": 100}}]}

    assert conditions.words(condition) == "route topic is billing or sales, or input amount is over 100"
