"""Cron in a zone: each occurrence once, whatever clocks, stops and orchestrators do."""

from __future__ import annotations

import random
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from tasks import schedules
from tasks.models import Event, Occurrence, Schedule, Task, Workflow
from tasks.orchestrator import schedule
from tasks.schedules import cron as lines
from tests.tasks.builders import a_task, a_workflow, statuses

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
FOUR = MONDAY + 3 * HOUR  # 04:00 in Berlin, in winter


def a_schedule(
    cron: str = "0 4 * * 1-5", zone: str = "Europe/Berlin", *, since: datetime = MONDAY, injects: bool = False
) -> Schedule:
    flow = Workflow.objects.filter(slug="article").first() or a_workflow()
    return Schedule.objects.create(
        workflow=flow, name="default", cron=cron, zone=zone, input={} if injects else None,
        next_at=lines.after(cron, zone, since),
    )  # fmt: skip


def due() -> list[datetime]:
    return list(Occurrence.objects.order_by("due_at").values_list("due_at", flat=True))


def started(task: Task) -> bool:
    return statuses(task)["research"] == "ready"


# -- the day's backlog


@pytest.mark.django_db
def test_starts_the_backlog_at_four_in_its_zone_and_not_before() -> None:
    a_schedule()
    task = a_task(backlog=True)

    schedule.fire(FOUR - timedelta(seconds=1))
    before = started(task)
    schedule.fire(FOUR)

    assert (before, started(task)) == (False, True)
    occurrence = Occurrence.objects.get()
    assert occurrence.due_at == FOUR
    assert occurrence.started == [task.key]
    assert Event.objects.get(kind="schedule.fired").data["tasks"] == [task.key]
    assert Event.objects.get(kind="task.started").by == "orchestrator:schedule"


@pytest.mark.django_db
def test_starts_what_is_due_today_and_leaves_what_is_due_later() -> None:
    a_schedule()
    today = a_task("Today", backlog=True, due_on=date(2026, 11, 2))
    later = a_task("Later", backlog=True, due_on=date(2026, 11, 3))

    schedule.fire(FOUR)

    assert (started(today), started(later)) == (True, False)


@pytest.mark.django_db
@pytest.mark.parametrize(("said", "begun"), [({}, 1), ({"undated": 3}, 3), ({"undated": 0}, 0)])
def test_starts_only_so_many_tasks_that_have_no_day(said: dict[str, int], begun: int) -> None:
    a_workflow(schedule={"cron": "0 4 * * *", **said})
    a_schedule()
    tasks = [a_task(f"Some day {number}", backlog=True) for number in range(5)]
    urgent = a_task("Before the others", backlog=True, priority=5)
    due = a_task("Today", backlog=True, due_on=date(2026, 11, 2))

    schedule.fire(FOUR)

    assert started(due)
    expected = [urgent, *tasks][:begun]
    assert [task for task in [urgent, *tasks] if started(task)] == expected

    schedule.fire(FOUR + DAY)
    assert sum(map(started, [urgent, *tasks])) == 2 * begun


@pytest.mark.django_db
def test_starts_on_friday_what_is_due_on_the_weekend() -> None:
    a_schedule()
    sunday = a_task(backlog=True, due_on=date(2026, 11, 8))

    for day in range(4):
        schedule.fire(FOUR + day * DAY)
    on_thursday = started(sunday)
    schedule.fire(FOUR + 4 * DAY)

    assert (on_thursday, started(sunday)) == (False, True)


@pytest.mark.django_db
def test_leaves_the_backlog_of_other_workflows_alone() -> None:
    a_schedule()
    a_workflow("newsletter", key="NEWS")
    other = a_task(flow="newsletter", backlog=True)

    schedule.fire(FOUR)

    assert not started(other)


@pytest.mark.django_db
def test_starts_a_task_whose_own_time_has_come() -> None:
    task = a_task(starts_at=datetime(2036, 1, 1, 12, tzinfo=UTC))

    assert schedule.fire(datetime(2036, 1, 1, 11, 59, tzinfo=UTC)) == 0
    assert schedule.fire(datetime(2036, 1, 1, 12, tzinfo=UTC)) == 1
    assert schedule.fire(datetime(2036, 1, 1, 12, tzinfo=UTC)) == 0
    assert started(task)


# -- injecting


@pytest.mark.django_db
def test_injects_its_task_with_the_day_as_its_title() -> None:
    a_schedule(injects=True)

    schedule.fire(FOUR)

    task = Task.objects.get()
    assert task.title == "Article, 2026-11-02"
    assert task.created_by == "orchestrator:schedule"
    assert started(task)


@pytest.mark.django_db
def test_goes_on_with_the_next_occurrence_where_the_input_is_refused() -> None:
    plan = a_schedule(injects=True)
    definition = plan.workflow.active.definition | {"input": {"required": ["brief"]}}
    plan.workflow.versions.update(definition=definition)

    schedule.fire(FOUR)

    plan.refresh_from_db()
    assert Occurrence.objects.get().started == []
    assert plan.next_at == FOUR + DAY


# -- exactly once


@pytest.mark.django_db
def test_happens_once_when_asked_again() -> None:
    a_schedule(injects=True)

    assert [schedule.fire(FOUR), schedule.fire(FOUR), schedule.fire(FOUR + HOUR)] == [1, 0, 0]


@pytest.mark.django_db
def test_happens_once_though_the_next_time_was_set_back() -> None:
    plan = a_schedule()
    schedule.fire(FOUR)
    tomorrows = a_task(backlog=True)

    Schedule.objects.filter(pk=plan.pk).update(next_at=FOUR)
    schedule.fire(FOUR + MINUTE)

    plan.refresh_from_db()
    assert not started(tomorrows)
    assert Occurrence.objects.count() == Event.objects.filter(kind="schedule.fired").count() == 1
    assert plan.next_at == FOUR + DAY


@pytest.mark.django_db
@pytest.mark.parametrize("orchestrators", [2, 5])
def test_makes_one_task_per_occurrence_though_clocks_differ_by_90_seconds(orchestrators: int) -> None:
    a_schedule("* * * * *", "UTC", injects=True)
    dice = random.Random(6)
    skews = [timedelta(seconds=dice.uniform(-90, 90)) for _ in range(orchestrators)]

    for tick in range(1000):
        schedule.fire(MONDAY + tick * timedelta(seconds=3.6) + dice.choice(skews))

    made = due()
    assert made == [MONDAY + minute * MINUTE for minute in range(1, len(made) + 1)]
    assert Task.objects.count() == len(made) >= 59


def test_makes_one_task_per_occurrence_with_five_orchestrators_at_once(database: str) -> None:
    a_schedule("* * * * *", "UTC", injects=True)
    start, failed = threading.Barrier(5), []

    def orchestrator() -> None:
        try:
            for minute in range(1, 6):
                start.wait()
                schedule.fire(MONDAY + minute * MINUTE)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=orchestrator) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert due() == [MONDAY + minute * MINUTE for minute in range(1, 6)]
    assert Task.objects.count() == 5


# -- stops, pauses, wrong clocks


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cron", "stop", "newest"),
    [
        ("0 4 * * 1-5", 10 * DAY, MONDAY + 9 * DAY + 3 * HOUR),
        ("* * * * *", 10 * DAY, MONDAY + 10 * DAY),
        ("0 4 1 * *", 70 * DAY, datetime(2027, 1, 1, 3, tzinfo=UTC)),
        ("0 4 29 2 *", 1000 * DAY, datetime(2028, 2, 29, 3, tzinfo=UTC)),
    ],
)
def test_makes_up_only_for_the_newest_occurrence_after_a_long_stop(
    cron: str, stop: timedelta, newest: datetime
) -> None:
    plan = a_schedule(cron, injects=True)

    schedule.fire(MONDAY + stop)

    plan.refresh_from_db()
    assert due() == [newest]
    assert Task.objects.count() == 1
    assert plan.next_at > MONDAY + stop


@pytest.mark.django_db
def test_does_nothing_while_paused_and_makes_up_for_nothing_afterwards() -> None:
    plan = a_schedule(injects=True)
    Schedule.objects.update(paused_at=MONDAY, paused_by="user:ben")
    for day in range(3):
        schedule.fire(FOUR + day * DAY)

    Schedule.objects.update(paused_at=None, paused_by="")
    schedule.fire(FOUR + 2 * DAY + HOUR)
    schedule.fire(FOUR + 3 * DAY)

    plan.refresh_from_db()
    assert due() == [FOUR + 3 * DAY]


@pytest.mark.django_db
def test_comes_back_from_a_clock_that_was_ten_years_ahead() -> None:
    a_schedule(injects=True)
    schedule.fire(FOUR + 3650 * DAY)

    schedule.fire(FOUR - HOUR)
    schedule.fire(FOUR)

    assert FOUR in due()


# -- changes of the clocks


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cron", "start", "expected"),
    [
        # 29 March 2026: 02:00 to 03:00 is skipped in Berlin.
        ("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), [datetime(2026, 3, 29, 1, tzinfo=UTC)]),
        # 25 October 2026: 02:00 to 03:00 comes twice.
        ("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]),
        ("0 4 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), [datetime(2026, 3, 29, 2, tzinfo=UTC)]),
        ("0 4 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), [datetime(2026, 10, 25, 3, tzinfo=UTC)]),
        ("0 0 29 2 *", datetime(2028, 2, 28, 12, tzinfo=UTC), [datetime(2028, 2, 28, 23, tzinfo=UTC)]),
    ],
)
def test_runs_a_skipped_hour_right_after_and_a_repeated_one_once(
    cron: str, start: datetime, expected: list[datetime]
) -> None:
    a_schedule(cron, since=start, injects=True)

    for minutes in range(0, 24 * 60, 5):
        schedule.fire(start + minutes * MINUTE)

    assert due() == expected


# -- the schedule of a workflow's file


def own() -> Schedule:
    return Schedule.objects.get(name=schedules.OWN)


@pytest.mark.django_db
def test_makes_the_schedule_that_a_workflow_names_and_changes_it_with_the_file() -> None:
    flow = a_workflow()
    schedules.sync(flow, {"schedule": {"cron": "0 4 * * *", "zone": "UTC"}})
    first = own()
    Schedule.objects.update(next_at=MONDAY, paused_by="user:ben")

    schedules.sync(flow, {"schedule": {"cron": "0 4 * * *", "zone": "UTC"}})
    same = own()
    schedules.sync(flow, {"schedule": {"cron": "0 5 * * *", "zone": "UTC"}})
    changed = own()

    assert first.next_at.hour == 4
    assert (same.next_at, same.paused_by) == (MONDAY, "user:ben")
    assert (changed.pk, changed.next_at.hour) == (first.pk, 5)


@pytest.mark.django_db
def test_removes_the_schedule_that_a_file_no_longer_names_but_none_of_peoples_own() -> None:
    flow = a_workflow()
    schedules.sync(flow, {"schedule": {"cron": "0 4 * * *", "zone": "UTC"}})
    Schedule.objects.create(workflow=flow, name="weekly review", cron="0 9 * * 1", zone="UTC")

    schedules.sync(flow, {"schedule": None})

    assert list(Schedule.objects.values_list("name", flat=True)) == ["weekly review"]


@pytest.mark.django_db
def test_names_the_coming_occurrences() -> None:
    plan = a_schedule()

    assert schedules.coming(plan, 3) == [FOUR, FOUR + DAY, FOUR + 2 * DAY]
