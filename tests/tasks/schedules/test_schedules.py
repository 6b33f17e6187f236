"""What people do with schedules: each verb once, with who and why, and never against the file."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from agents.contract import Refused
from tasks import clock, schedules
from tasks.models import Event, Occurrence, Schedule, Task
from tasks.orchestrator import schedule as orchestrator
from tasks.schedules import occurrences
from tests.tasks.builders import a_task, a_workflow, statuses

BEN, DAY = "user:ben", timedelta(days=1)


@pytest.fixture(autouse=True)
def _real_time():
    yield
    clock.reset()


@pytest.fixture
def flow():
    found = a_workflow()
    found.active.definition["input"] = {
        "required": ["brief"],
        "properties": {"brief": {"type": "string"}, "sources": {"type": "array"}},
    }
    found.active.save()
    return found


def at(moment: datetime) -> None:
    """Move the clock there."""
    clock.move(moment - clock.now())


def add(name: str = "weekly", **more):
    return schedules.add(
        "article", **{"name": name, "line": "0 9 * * *", "zone": "Europe/Berlin", "by": BEN,
                      "input": {"brief": "What happened?"}, **more},
    )  # fmt: skip


def events(kind: str) -> list[str]:
    return list(Event.objects.filter(kind=kind).values_list("by", flat=True))


# -- add, change, remove


def test_an_operator_adds_one_and_the_log_says_who(flow, ben) -> None:
    made = add()

    assert made.next_at > clock.now()
    assert events("schedule.added") == [BEN]


def test_adding_the_same_again_is_the_one_that_is_there(flow, ben) -> None:
    assert add().pk == add().pk
    assert events("schedule.added") == [BEN]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"line": "at four"}, "Five fields"),
        ({"line": "*/10 * * * * *"}, "Five fields"),
        ({"zone": "Mars/Base"}, "Europe/Berlin"),
        ({"zone": "Europe"}, "is not a time zone"),
        ({"input": {"brief": "Read it", "titel": "x"}}, "Did you mean `title`"),
        ({"name": "default"}, "workflow's own file"),
        ({"name": "No Way"}, "small letters"),
        ({"misfire": "some"}, "newest, all, skip"),
        ({"input": {}}, "`brief` is missing"),
        ({"input": {"brief": "Read it", "sources": ["study.txt"]}}, "study.txt"),
    ],
)
def test_refuses_what_could_never_run(flow, ben, wrong, says) -> None:
    with pytest.raises(Refused, match=says):
        add(**wrong)

    assert not Schedule.objects.exists()


def test_refuses_a_taken_name_with_another_line(flow, ben) -> None:
    add()

    with pytest.raises(Refused, match="another name"):
        add(line="0 10 * * *")


def test_neither_viewers_nor_editors_change_schedules(flow, ana, cleo) -> None:
    for person in ("user:ana", "user:cleo"):
        with pytest.raises(Refused, match="Only operators"):
            add(by=person)


def test_a_changed_line_starts_anew_and_an_unchanged_one_keeps_its_next_time(flow, ben) -> None:
    one = add()
    Schedule.objects.update(next_at=datetime(2030, 1, 1, tzinfo=UTC))
    same = {"line": one.cron, "zone": one.zone, "misfire": one.misfire}

    one.refresh_from_db()
    schedules.change(one, by=BEN, input={"brief": "Something else"}, **same)
    kept = Schedule.objects.get().next_at
    schedules.change(one, by=BEN, input={"brief": "Something else"}, **same | {"line": "0 10 * * *"})

    assert kept == datetime(2030, 1, 1, tzinfo=UTC)
    assert Schedule.objects.get().next_at < kept
    assert len(events("schedule.changed")) == 2


def test_the_schedule_of_the_file_is_changed_in_the_file(flow, ben) -> None:
    schedules.sync(flow, {"schedule": {"cron": "0 4 * * *", "zone": "UTC"}})
    own = schedules.find("article")

    with pytest.raises(Refused, match=r"article/workflow.yaml.*./manage.py sync"):
        schedules.change(own, by=BEN, line="0 5 * * *", zone="UTC", input=None, misfire="newest")
    with pytest.raises(Refused, match=r"article/workflow.yaml"):
        schedules.remove(own, by=BEN)


def test_removes_once_and_keeps_the_tasks(flow, ben) -> None:
    one = add()
    occurrences.run(one, by=BEN)

    schedules.remove(one, by=BEN)
    schedules.remove(one, by=BEN)

    assert (Schedule.objects.count(), Task.objects.count()) == (0, 1)
    assert events("schedule.removed") == [BEN]


# -- pause and resume


def test_a_pause_says_who_and_why_and_ends_without_making_up(flow, ben) -> None:
    at(datetime(2026, 11, 2, 6, tzinfo=UTC))
    one = add()

    schedules.pause(one, by=BEN, why="Legal  reads first")
    schedules.pause(one, by=BEN, why="Again")
    said = (one.paused_by, one.paused_why)
    at(datetime(2026, 11, 5, 12, tzinfo=UTC))
    orchestrator.fire(clock.now())
    schedules.resume(one, by=BEN)
    schedules.resume(one, by=BEN)
    orchestrator.fire(clock.now())

    assert said == (BEN, "Legal reads first")
    assert one.next_at == datetime(2026, 11, 6, 8, tzinfo=UTC)
    assert not Task.objects.exists()
    assert events("schedule.paused") == events("schedule.resumed") == [BEN]


def test_a_pause_needs_a_reason(flow, ben) -> None:
    with pytest.raises(Refused, match="say why"):
        schedules.pause(add(), by=BEN, why=" ")


# -- run now


def test_runs_now_once_however_often_the_button_is_pressed(flow, ben) -> None:
    at(datetime(2026, 11, 2, 6, 0, 10, tzinfo=UTC))
    one = add()

    first, new = occurrences.run(one, by=BEN)
    again, twice = occurrences.run(one, by=BEN)

    assert (new, twice, first.pk) == (True, False, again.pk)
    assert first.started == [Task.objects.get().key]
    assert (first.by, Task.objects.get().created_by) == (BEN, BEN)


def test_a_line_that_comes_due_in_the_same_minute_finds_it_done(flow, ben) -> None:
    at(datetime(2026, 11, 2, 7, 59, 50, tzinfo=UTC))
    one = add()
    at(datetime(2026, 11, 2, 8, 0, 5, tzinfo=UTC))

    occurrences.run(one, by=BEN)
    orchestrator.fire(clock.now())

    assert Task.objects.count() == Occurrence.objects.count() == 1


def test_runs_now_while_it_is_paused_and_starts_the_backlog_where_it_injects_nothing(flow, ben) -> None:
    one = add(input=None)
    task = a_task(backlog=True, input={"brief": "Wait for it"})
    schedules.pause(one, by=BEN, why="Lunch")

    occurrence, _ = occurrences.run(one, by=BEN)

    assert occurrence.started == [task.key]
    assert statuses(task)["research"] == "ready"


def test_says_why_a_task_could_not_be_injected(flow, ben) -> None:
    one = add()
    flow.active.definition["input"] = {"required": ["keyword"]}
    flow.active.save()

    occurrence, _ = occurrences.run(one, by=BEN)

    assert "keyword" in occurrence.trouble
    assert not Task.objects.exists()


# -- backfill


def test_lists_exactly_what_a_backfill_starts_and_starts_each_once(flow, ben) -> None:
    at(datetime(2026, 11, 10, 12, tzinfo=UTC))
    one = add()
    first, last = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 4, 23, tzinfo=UTC)

    planned = occurrences.plan(one, first, last)
    before = Task.objects.count()
    made = occurrences.backfill(one, first, last, by=BEN, seen=occurrences.seal(one, planned))
    again = occurrences.backfill(one, first, last + DAY, by=BEN)

    assert (before, [item.title for item in planned]) == (
        0, ["Article, 2026-11-02", "Article, 2026-11-03", "Article, 2026-11-04"]
    )  # fmt: skip
    assert [one.due_at for one in made] == [item.due_at for item in planned]
    assert [one.due_at.day for one in again] == [5]
    assert Task.objects.count() == 4
    assert [bool(item.done) for item in occurrences.plan(one, first, last)] == [True, True, True]


def test_leaves_out_what_ran_by_itself(flow, ben) -> None:
    at(datetime(2026, 11, 2, 6, tzinfo=UTC))
    one = add()
    at(datetime(2026, 11, 2, 8, 0, 1, tzinfo=UTC))
    orchestrator.fire(clock.now())
    at(datetime(2026, 11, 4, 6, tzinfo=UTC))

    made = occurrences.backfill(one, datetime(2026, 11, 2, tzinfo=UTC), clock.now(), by=BEN)

    assert [one.due_at.day for one in made] == [3]


def test_refuses_a_plan_that_changed_since_it_was_read(flow, ben) -> None:
    one = add()
    span = (clock.now() - 3 * DAY, clock.now())
    seen = occurrences.seal(one, occurrences.plan(one, *span))

    one = schedules.change(
        one, by=BEN, line="0 10 * * *", zone=one.zone, input=one.input, misfire=one.misfire
    )

    with pytest.raises(Refused, match="changed since you looked"):
        occurrences.backfill(one, *span, by=BEN, seen=seen)
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("days", "line", "says"),
    [
        ((-1, 1), "0 9 * * *", "beyond now"),
        ((-30, 0), "* * * * *", "more than 200"),
        ((-1, 0), "0 0 29 2 *", "no time"),
    ],
)
def test_refuses_the_future_too_much_and_nothing(flow, ben, days, line, says) -> None:
    one = add(line=line)

    with pytest.raises(Refused, match=says):
        occurrences.plan(one, *(clock.now() + day * DAY for day in days))


def test_has_no_past_where_it_only_starts_the_backlog(flow, ben) -> None:
    with pytest.raises(Refused, match="Run it now instead"):
        occurrences.plan(add(input=None), clock.now() - DAY, clock.now())


def test_backfills_both_changes_of_the_clocks_without_a_hole_or_a_double(flow, ben) -> None:
    at(datetime(2027, 4, 1, tzinfo=UTC))
    one = add(line="30 2 * * *")

    autumn = occurrences.plan(one, datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC))
    spring = occurrences.plan(one, datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 30, tzinfo=UTC))

    assert [f"{one.due_at:%d %H:%M}" for one in autumn] == ["24 00:30", "25 00:30", "26 01:30"]
    assert [f"{one.due_at:%d %H:%M}" for one in spring] == ["27 01:30", "28 01:00", "29 00:30"]


def test_backfills_each_once_though_three_people_press_at_once(database, person) -> None:
    person("ben", "operators")
    a_workflow()
    one = schedules.add("article", name="weekly", line="0 9 * * *", zone="UTC", by=BEN, input={})
    start, failed = threading.Barrier(3), []

    def press() -> None:
        try:
            start.wait()
            occurrences.backfill(one, clock.now() - 5 * DAY, clock.now(), by=BEN)
            occurrences.run(one, by=BEN)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert Task.objects.count() == Occurrence.objects.count() >= 6


def test_refuses_to_run_what_somebody_removed(flow, ben) -> None:
    one = add()
    Schedule.objects.all().delete()

    with pytest.raises(Refused, match="removed it"):
        occurrences.run(one, by=BEN)


# -- what becomes of missed times


@pytest.mark.parametrize(("policy", "days"), [("newest", [6]), ("all", [2, 3, 4, 5, 6]), ("skip", [])])
def test_makes_up_for_what_was_missed_as_the_schedule_says(flow, ben, policy, days) -> None:
    at(datetime(2026, 11, 2, 6, tzinfo=UTC))
    add(misfire=policy)

    at(datetime(2026, 11, 6, 12, tzinfo=UTC))
    for _ in range(3):
        orchestrator.fire(clock.now())

    assert sorted(one.due_at.day for one in Occurrence.objects.all()) == days
    assert Schedule.objects.get().next_at == datetime(2026, 11, 7, 8, tzinfo=UTC)
    assert Event.objects.filter(kind="schedule.missed").exists() == (policy != "all")


@pytest.mark.parametrize("policy", ["newest", "all", "skip"])
def test_a_time_that_is_a_little_late_was_not_missed(flow, ben, policy) -> None:
    at(datetime(2026, 11, 2, 6, tzinfo=UTC))
    add(misfire=policy)

    at(datetime(2026, 11, 2, 8, 4, tzinfo=UTC))
    orchestrator.fire(clock.now())

    assert Occurrence.objects.count() == 1


def test_makes_up_for_a_dense_line_in_several_ticks_and_skips_none(flow, ben) -> None:
    at(datetime(2026, 11, 2, 6, tzinfo=UTC))
    add(line="* * * * *", misfire="all")

    at(datetime(2026, 11, 2, 8, tzinfo=UTC))
    for _ in range(4):
        orchestrator.fire(clock.now())

    assert Occurrence.objects.count() == Task.objects.count() == 120
