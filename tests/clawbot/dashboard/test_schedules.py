"""The schedules pages: words and both clocks, every verb with who and why, nothing for lookers."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tasks import clock, schedules
from tasks.models import Schedule, Task
from tasks.schedules import occurrences
from tests.tasks.builders import a_workflow

SATURDAY = datetime(2026, 10, 24, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _a_saturday_before_the_clocks_go_back():
    clock.move(SATURDAY - clock.now())
    yield
    clock.reset()


@pytest.fixture
def flow():
    found = a_workflow()
    found.active.definition["input"] = {
        "required": ["brief"],
        "properties": {
            "brief": {"type": "string"},
            "words": {"type": "integer"},
            "sources": {"type": "array"},
        },
    }
    found.active.save()
    return found


@pytest.fixture
def weekly(flow, ben):
    return schedules.add(
        "article", name="weekly", line="30 2 * * *", zone="America/New_York", by="user:ben",
        input={"brief": "What happened?"},
    )  # fmt: skip


@pytest.fixture
def own(flow):
    schedules.sync(flow, {"schedule": {"cron": "30 2 * * *", "zone": "Europe/Berlin"}})
    return schedules.find("article")


def page(client, who, path="/schedules/"):
    client.force_login(who)
    answer = client.get(path)
    assert answer.status_code in {200, 422}
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def post(client, who, path, **data):
    client.force_login(who)
    return client.post(path, data)


# -- reading


def test_lists_what_runs_by_itself_in_words(client, cleo, weekly):
    text = page(client, cleo)

    assert "At 02:30 every day" in text
    assert "New York time" in text
    assert "Injects a task named after the day" in text


def test_says_how_to_begin_where_nothing_is_scheduled(client, ben, flow):
    assert "Nothing is scheduled" in page(client, ben)


def test_shows_the_next_times_on_both_clocks_and_what_the_change_does(client, cleo, weekly):
    text = page(client, cleo, f"/schedules/{weekly.pk}/")

    # The reader is in Berlin; from 25 October until 1 November it is five hours away, not six.
    assert "Sat 24 Oct, 08:30 Sat 24 Oct, 02:30 there" in text
    assert "Sun 25 Oct, 07:30 Sun 25 Oct, 02:30 there" in text
    assert "On 14 Mar 2027 the clocks go forward from 02:00 to 03:00: 02:30 is skipped" in text


def test_says_that_an_hour_which_comes_twice_runs_once(client, cleo, own):
    text = page(client, cleo, f"/schedules/{own.pk}/")

    assert "On 25 Oct 2026 the clocks go back from 03:00 to 02:00: 02:30 comes twice and runs once." in text
    assert text.count("Sun 25 Oct, 02:30") == 1


def test_says_where_the_schedule_of_a_file_is_changed(client, ben, own):
    text = page(client, ben, f"/schedules/{own.pk}/")

    assert "article/workflow.yaml" in text
    assert "Edit" not in text
    assert "Remove" not in text


def test_a_viewer_reads_and_is_told_who_may_change(client, cleo, weekly):
    text = page(client, cleo, f"/schedules/{weekly.pk}/")
    answer = post(client, cleo, f"/schedules/{weekly.pk}/run/")

    assert "Only operators may schedule" in text
    assert answer.status_code == 422
    assert not Task.objects.exists()


# -- verbs


def test_runs_now_and_shows_what_it_started(client, ben, weekly):
    post(client, ben, f"/schedules/{weekly.pk}/run/")
    post(client, ben, f"/schedules/{weekly.pk}/run/")

    text = page(client, ben, f"/schedules/{weekly.pk}/")
    assert Task.objects.count() == 1
    assert re.search(r"24 Oct|08:00", text)
    assert "ART-1 Ben" in text or "ART-1 ben" in text


def test_pauses_with_a_reason_that_everybody_reads(client, ben, weekly):
    refused = post(client, ben, f"/schedules/{weekly.pk}/pause/", reason=" ")
    post(client, ben, f"/schedules/{weekly.pk}/pause/", reason="Legal reads first")
    paused = page(client, ben, f"/schedules/{weekly.pk}/")
    post(client, ben, f"/schedules/{weekly.pk}/resume/")

    assert "say why" in refused.content.decode()
    assert "“Legal reads first”" in paused
    assert "Paused" in paused
    assert Schedule.objects.get().paused_at is None


def test_shows_the_times_of_a_backfill_and_injects_exactly_those(client, ben, weekly):
    path = f"/schedules/{weekly.pk}/"
    text = page(client, ben, f"{path}?from=2026-10-20&to=2026-10-23")
    before = Task.objects.count()
    span = schedules_range(weekly)
    seen = occurrences.seal(weekly, occurrences.plan(weekly, *span))
    stale = post(
        client, ben, f"{path}backfill/", **{"from": "2026-10-20", "to": "2026-10-23", "seen": "other"}
    )
    done = post(client, ben, f"{path}backfill/", **{"from": "2026-10-20", "to": "2026-10-23", "seen": seen})

    assert before == 0
    assert "Article, 2026-10-20" in text
    assert "Inject 4 tasks" in text
    assert "changed since you looked" in stale.content.decode()
    assert done.status_code == 302
    assert Task.objects.count() == 4
    assert "has ART-1" in page(client, ben, f"{path}?from=2026-10-20&to=2026-10-23")


def schedules_range(schedule):
    from clawbot.dashboard.schedules import _range

    return _range(schedule, "2026-10-20", "2026-10-23")


@pytest.mark.parametrize(
    "days", ["from=soon&to=2026-10-23", "from=2026-10-20&to=2027-10-20", "from=9999-12-31"]
)
def test_refuses_a_range_that_it_cannot_backfill(client, ben, weekly, days):
    assert "Cannot backfill" in page(client, ben, f"/schedules/{weekly.pk}/?{days}")


def test_removes_and_says_so_the_second_time(client, ben, weekly):
    first = post(client, ben, f"/schedules/{weekly.pk}/remove/")
    second = post(client, ben, f"/schedules/{weekly.pk}/remove/")

    assert [answer.status_code for answer in (first, second)] == [302, 302]
    assert not Schedule.objects.exists()


# -- the form

FORM = {
    "schedule-name": "monday", "schedule-cron": "0 9 * * 1", "schedule-zone": "Europe/Berlin",
    "schedule-misfire": "all", "schedule-starts": "task", "title": "The week", "brief": "What happened?",
}  # fmt: skip


def test_adds_a_schedule_with_an_input_that_fits_the_workflow(client, ben, flow):
    answer = post(
        client, ben, "/schedules/new/?workflow=article", **FORM, words="900", sources="https://a.example/"
    )

    made = Schedule.objects.get()
    assert answer.status_code == 302
    assert made.input == {
        "title": "The week", "brief": "What happened?", "words": 900, "sources": ["https://a.example/"]
    }  # fmt: skip
    assert (made.name, made.cron, made.misfire) == ("monday", "0 9 * * 1", "all")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"brief": ""}, "`brief` is missing"),
        ({"words": "many"}, "is not a number"),
        ({"schedule-cron": "monday"}, "Five fields"),
        ({"schedule-zone": "Berlin"}, "Europe/Berlin"),
        ({"sources": "study.txt"}, "study.txt"),
    ],
)
def test_says_what_is_wrong_and_loses_nothing(client, ben, flow, wrong, says):
    answer = post(client, ben, "/schedules/new/?workflow=article", **{**FORM, **wrong})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert says in html
    assert 'value="The week"' in html
    assert 'value="monday"' in html
    assert not Schedule.objects.exists()


def test_starts_the_backlog_where_no_task_is_asked_for(client, ben, flow):
    post(
        client, ben, "/schedules/new/?workflow=article", **{**FORM, "schedule-starts": "backlog", "brief": ""}
    )

    assert Schedule.objects.get().input is None


def test_edits_what_a_person_made_and_not_what_the_file_says(client, ben, weekly, own):
    shown = page(client, ben, f"/schedules/{weekly.pk}/edit/")
    post(client, ben, f"/schedules/{weekly.pk}/edit/", **FORM)
    refused = post(client, ben, f"/schedules/{own.pk}/edit/", **FORM)

    weekly.refresh_from_db()
    assert "What happened?" in shown
    assert (weekly.name, weekly.cron, weekly.zone) == ("weekly", "0 9 * * 1", "Europe/Berlin")
    assert refused.status_code == 422
    assert Schedule.objects.get(pk=own.pk).cron == "30 2 * * *"


@pytest.mark.parametrize(
    ("line", "zone", "says"),
    [
        ("0 4 * * 1-5", "Europe/Berlin", "At 04:00 on Monday through Friday"),
        ("at four", "Europe/Berlin", "Five fields"),
        ("0 4 * * *", "Nowhere", "not a time zone"),
    ],
)
def test_reads_the_line_back_while_it_is_written(client, ben, flow, line, zone, says):
    client.force_login(ben)
    answer = client.get(
        "/schedules/words/", {"schedule-cron": line, "schedule-zone": zone}, headers={"HX-Request": "true"}
    )

    assert says in answer.content.decode()
