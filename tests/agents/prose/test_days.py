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
        ("29 February 2028", date(2028, 2, 29)),
        ("by 12 May", date(2026, 5, 12)),
        ("May 12th, 2027", date(2027, 5, 12)),
        ("12.05.2027.", date(2027, 5, 12)),
        ("am 12. Mai", date(2026, 5, 12)),
        ("am 3. Dezember 2026 um 10:00", date(2026, 12, 3)),
        ("le 12 mars", date(2026, 3, 12)),
        ("1er mars 2026", date(2026, 3, 1)),
        ("13 de mayo de 2026", date(2026, 5, 13)),
        ("the 12th of May", date(2026, 5, 12)),
        ("12-May-2027", date(2027, 5, 12)),
        ("05/23/2027", date(2027, 5, 23)),
        ("23/05/2027", date(2027, 5, 23)),
        ("2026-05-12T10:00", date(2026, 5, 12)),
    ],
)
def test_takes_a_day_without_a_year_for_the_nearest_one(text, day):
    assert [found for found, _ in days(text, WRITTEN)] == [day]


@pytest.mark.parametrize(
    "text",
    [
        "on 31 June",
        "29 February",
        "2026-13-40",
        "the 5th of nothing",
        "may be 3",
        "Junction 12",
        "5 Marketing",
        "Decision 4",
        "Section 9",
        "you may 5 times",
        "May 5 people come?",
        "May 2027",
        "Mars 5",
        "set 7",
        "5/12/2027",
        "192.168.12.05.2027",
        "May 12:30",
        "12 Maiden Lane",
        "14 Junior staff",
        "Section 5 March",
    ],
)
def test_takes_nothing_for_a_day_that_is_none(text):
    assert [*days(text, WRITTEN)] == []


def test_knows_the_day_that_only_some_years_have():
    assert [*days("on 29 February", date(2028, 2, 1))] == [(date(2028, 2, 29), "29 February")]
