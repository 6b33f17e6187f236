from datetime import date

import pytest

from agents.prose.days import days

WRITTEN = date(2026, 2, 17)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("by 1 March", date(2026, 3, 1)),
        ("on March 1st", date(2026, 3, 1)),
        ("due 2026-04-30", date(2026, 4, 30)),
        ("since 12 Jan.", date(2026, 1, 12)),
        ("on 20 December", date(2025, 12, 20)),
        ("on 1 July 2028", date(2028, 7, 1)),
    ],
)
def test_takes_a_day_without_a_year_for_the_nearest_one(text, day):
    assert [found for found, _ in days(text, WRITTEN)] == [day]


@pytest.mark.parametrize(
    "text", ["on 31 June", "29 February", "2026-13-40", "the 5th of nothing", "may be 3"]
)
def test_takes_nothing_for_a_day_that_is_none(text):
    assert [*days(text, WRITTEN)] == []
