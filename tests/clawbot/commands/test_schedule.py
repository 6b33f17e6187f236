"""`./manage.py schedule`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tasks import clock
from tasks.models import Schedule, Task
from tests.tasks.builders import a_workflow

pytestmark = pytest.mark.django_db

BY = ("--by", "ben")


@pytest.fixture(autouse=True)
def flow():
    return a_workflow()


@pytest.fixture
def weekly(manage, ben):
    said = manage(
        "schedule", "add", "article", "weekly", "--cron", "30 2 * * *", "--zone", "Europe/Berlin",
        "--title", "The week", *BY,
    )  # fmt: skip
    assert said.code == 0
    return said


def test_adds_one_and_says_it_in_words(weekly) -> None:
    assert weekly.out.startswith("article/weekly: At 02:30 every day, Europe/Berlin; next ")
    assert Schedule.objects.get().input == {"title": "The week"}


def test_lists_words_next_times_and_what_the_clocks_do(manage, weekly) -> None:
    (one,) = json.loads(manage("schedule", "list", "--json").out)
    said = manage("schedule", "list").out

    assert (one["words"], len(one["next"])) == ("At 02:30 every day", 5)
    assert "comes twice and runs once" in said
    assert "runs right after, at 03:00" in said


def test_lists_nothing_with_the_way_to_add_one(manage) -> None:
    assert "schedule add --help" in manage("schedule", "list").out


def test_pauses_resumes_and_removes(manage, weekly) -> None:
    paused = manage("schedule", "pause", "article", "weekly", "--why", "Lunch", *BY)
    listed = manage("schedule", "list").out
    resumed = manage("schedule", "resume", "article", "weekly", *BY)
    removed = manage("schedule", "remove", "article", "weekly", *BY)

    assert (paused.code, resumed.code, removed.code) == (0, 0, 0)
    assert "paused by ben: Lunch" in listed
    assert not Schedule.objects.exists()


def test_changes_the_line_and_keeps_what_was_not_named(manage, weekly) -> None:
    said = manage("schedule", "change", "article", "weekly", "--cron", "0 9 * * 1", *BY)

    one = Schedule.objects.get()
    assert said.code == 0
    assert (one.cron, one.zone, one.input) == ("0 9 * * 1", "Europe/Berlin", {"title": "The week"})


def test_runs_now_and_says_so_the_second_time(manage, weekly) -> None:
    clock.move(datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC) - clock.now())
    first = manage("schedule", "run", "article", "weekly", *BY)
    second = manage("schedule", "run", "article", "weekly", *BY)

    assert first.out.strip() == Task.objects.get().key
    assert second.out.startswith("It ran in this minute already: ART-1")


def test_shows_a_backfill_before_it_starts_it(manage, weekly) -> None:
    clock.move(datetime(2026, 11, 21, 12, tzinfo=UTC) - clock.now())
    words = ("schedule", "backfill", "article", "weekly", "--from", "2026-10-24", "--to", "2026-10-26", *BY)
    shown = manage(*words)
    before = Task.objects.count()
    started = manage(*words, "--yes")
    again = manage(*words, "--yes")

    assert before == 0
    assert "Sun 25 Oct, 02:30  would inject 'The week'" in shown.out
    assert "Add --yes" in shown.out
    assert started.out.endswith("3 of 3 times were new.\n")
    assert again.out.endswith("0 of 3 times were new.\n")
    assert Task.objects.count() == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "article", "daily"), "There is no schedule 'daily' of 'article'. There are: weekly."),
        (("backfill", "article", "weekly", "--from", "soon"), "write 2026-11-01"),
        (("add", "article", "other"), "Say when"),
        (("add", "article", "other", "--cron", "daily"), "Five fields"),
    ],
)
def test_refuses_with_what_would_work(manage, weekly, words, says) -> None:
    said = manage("schedule", *words, *BY)

    assert said.code == 1
    assert says in said.err


def test_asks_who_before_it_changes_anything(manage, weekly, cleo) -> None:
    assert "Only operators" in manage("schedule", "remove", "article", "weekly", "--by", "cleo").err


@pytest.mark.parametrize("words", [("--title", "x"), ("--set", "brief=x")])
def test_refuses_an_input_for_a_schedule_that_injects_nothing(manage, ben, words) -> None:
    said = manage("schedule", "add", "article", "weekly", "--cron", "30 2 * * *", "--backlog", *words, *BY)

    assert said.code == 1
    assert f"{words[0]} says what to inject, and --backlog injects nothing" in said.err


@pytest.mark.parametrize(
    ("line", "zone", "sentence"),
    [
        ("*/10 * * * * *", "Europe/Berlin", "it has 6 fields). Five fields, e.g. 0 4 * * 1-5"),
        ("0 4 * * *", "Europe", "'Europe' is not a time zone. Use a name like Europe/Berlin or UTC"),
    ],
)
def test_refuses_six_fields_and_a_zone_that_is_a_folder(manage, ben, line, zone, sentence) -> None:
    said = manage("schedule", "add", "article", "weekly", "--cron", line, "--zone", zone, *BY)

    assert said.code == 1
    assert sentence in said.err
