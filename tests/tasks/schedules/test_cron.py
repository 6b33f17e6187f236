"""A cron line in a zone, in words and through both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tasks import clock
from tasks.schedules import cron

BERLIN = "Europe/Berlin"
SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)


def noticed(line: str, zone: str = BERLIN) -> list[str]:
    return [change.sentence for change in cron.changes(line, zone, SEPTEMBER)]


def test_says_the_line_in_words() -> None:
    assert cron.in_words("0 4 * * 1-5") == "At 04:00 on Monday through Friday"


@pytest.mark.parametrize("line", ["", "4 o'clock", "61 * * * *", "0 4 * *", "0 0 4 * * *", "@daily"])
def test_says_what_a_line_should_look_like(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a cron line .*0 4 \* \* 1-5"):
        cron.readable(line)


@pytest.mark.parametrize("zone", ["Berlin time", "Europe", "America/Argentina", "", "../UTC", "/etc"])
def test_says_what_a_zone_should_look_like(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone. Use a name like Europe/Berlin or UTC"):
        clock.zone(zone)


def test_says_that_a_skipped_hour_runs_right_after_and_a_repeated_one_once() -> None:
    assert noticed("30 2 * * *") == [
        "On 25 Oct 2026 the clocks go back from 03:00 to 02:00: 02:30 comes twice and runs once.",
        "On 28 Mar 2027 the clocks go forward from 02:00 to 03:00: 02:30 is skipped, so it runs right after, "
        "at 03:00.",
    ]


@pytest.mark.parametrize(
    ("line", "first", "last", "expected"),
    [
        ("30 2 * * *", datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC), ["00:30"]),
        ("30 2 * * *", datetime(2027, 3, 28, tzinfo=UTC), datetime(2027, 3, 28, 3, tzinfo=UTC), ["01:00"]),
        (
            "*/30 * * * *", datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            ["00:00", "00:30", "01:00", "01:30"],
        ),
    ],
)  # fmt: skip
def test_what_it_says_of_the_clocks_is_what_happens(
    line: str, first: datetime, last: datetime, expected: list[str]
) -> None:
    assert [f"{one:%H:%M}" for one in cron.between(line, BERLIN, first, last)] == expected


def test_says_where_a_line_that_follows_the_clock_runs_in_both_hours() -> None:
    back, forward = noticed("*/30 * * * *")

    assert back.endswith("02:00 and 02:30 come twice and run both times.")
    assert forward.endswith("02:00 and 02:30 fall away that day.")


def test_says_nothing_of_clocks_that_do_not_matter() -> None:
    assert noticed("0 4 * * 1-5") == []
    assert noticed("30 2 * * *", "UTC") == []
    assert not cron.has_changes("UTC", SEPTEMBER)


def test_knows_clocks_that_move_by_half_an_hour() -> None:
    assert "from 02:00 to 02:30: 02:15 is skipped" in noticed("15 2 * * *", "Australia/Lord_Howe")[0]


def test_refuses_a_day_that_never_comes() -> None:
    with pytest.raises(ValueError, match="day-of-month"):
        cron.readable("0 0 30 2 *")
