"""One place writes a moment: in its reader's zone on a page, else in the site's zone with its name."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from tasks import moments
from tests.databases import ROOT

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
YESTERDAY, LAST_YEAR = NOW - timedelta(days=1), NOW - timedelta(days=400)
#: Formats of their own: texts of agents, a form's field, an axis, the title of a `<time>`, a cron line.
OWN = {
    "agents/roles/digest.py", "agents/outside/circuit.py", "clawbot/dashboard/me.py",
    "clawbot/dashboard/timeline.py", "clawbot/templatetags/clawbot.py", "tasks/schedules/cron.py",
}  # fmt: skip
#: A format with the hour, or with the name of a month.
FORMAT = re.compile(r":[^\"']*%(?:H:%M|b)|strftime")


def test_says_the_date_unless_it_is_today():
    with timezone.override("UTC"):
        assert moments.clock(NOW, NOW) == "12:00"
        assert moments.clock(YESTERDAY, NOW) == "20 Nov, 12:00"
        assert moments.clock(LAST_YEAR, NOW) == "17 Oct 2025, 12:00"
        assert moments.to_the_second(NOW, NOW) == "12:00:00"


def test_a_page_shows_the_readers_zone():
    with timezone.override("Asia/Tokyo"):
        assert moments.clock(NOW, NOW) == "21:00"
        assert moments.day(NOW + timedelta(hours=4), NOW) == "22 Nov"


@pytest.mark.parametrize(
    "zone, words", [("Europe/Berlin", "13:00 CET"), ("UTC", "12:00 UTC"), ("Asia/Tokyo", "21:00 JST")]
)
def test_a_message_names_the_sites_zone(settings, zone, words):
    settings.SITE_ZONE = zone

    with timezone.override("America/Lima"):  # whoever happens to be the reader of a page
        assert moments.named(NOW, NOW) == words


def test_a_terminal_reads_the_sites_zone(settings):
    settings.SITE_ZONE = "Europe/Berlin"

    assert moments.exact(NOW) == "2026-11-21 13:00:00 CET"
    assert moments.line(NOW) == "13:00:00"
    assert moments.named(YESTERDAY, NOW) == "20 Nov, 13:00 CET"


def test_a_calendar_says_the_weekday_in_its_own_zone():
    there = NOW.astimezone(ZoneInfo("Asia/Tokyo"))

    assert moments.with_weekday(there, there) == "Sat 21 Nov, 21:00"


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30T10:00", "9" * 5_000])
def test_what_is_no_moment_is_none(text):
    assert moments.read(text) is None


def test_reads_a_moment_as_a_browser_writes_it():
    assert moments.read(" 2026-11-21T14:00 ") == datetime(2026, 11, 21, 14)


def test_nothing_else_writes_a_moment_for_people():
    found = {
        str(file.relative_to(ROOT))
        for folder in ("agents", "tasks", "clawbot")
        for file in (ROOT / folder).rglob("*.py")
        if FORMAT.search(file.read_text("utf-8")) and "/migrations/" not in str(file)
    }

    assert found - OWN == {"tasks/moments.py"}
