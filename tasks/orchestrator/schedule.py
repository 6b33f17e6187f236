"""Starts what is due: the occurrences of schedules, and tasks whose starting time has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from tasks import lifecycle, log
from tasks.models import Schedule
from tasks.schedules import cron, occurrences

BY = "orchestrator:schedule"
#: Orchestrators' clocks may differ by a minute or two. What is later than this was missed by all of them.
LATE = timedelta(minutes=5)
#: How far to look back for the newest missed occurrence: a dense line is found in the first window.
WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=40), timedelta(days=366 * 9))
AT_ONCE = 500
#: Of one schedule that makes up for all it missed, in one transaction; the next tick goes on.
AT_A_TIME = 50


def fire(now: datetime) -> int:
    """Return how many tasks were started.

    1. Schedules whose next occurrence has come. Of what was missed in a long stop the schedule's own
       policy decides: the newest (as a rule), all, or none.
    2. The unique row of the occurrence, what it starts and the schedule's next time are one
       transaction: it happens once, whoever comes first.
    3. A schedule that is paused, or whose next time is further away than its line says (a clock was
       wrong), is only set right.
    4. Backlog tasks whose own starting time has come.
    """
    started = sum(_look(schedule, now) for schedule in Schedule.objects.select_related("workflow"))
    waiting = occurrences.backlog().filter(starts_at__lte=now)[:AT_ONCE]
    return started + len(lifecycle.start(waiting, by=BY))


def _look(schedule: Schedule, now: datetime) -> int:
    if schedule.next_at and schedule.next_at <= now and not schedule.paused_at:
        return _fire(schedule, _due(schedule, schedule.next_at, now), now)
    expected = cron.after(schedule.cron, schedule.zone, now)
    if _wrong(schedule.next_at, expected, now):
        Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at).update(next_at=expected)
    return 0


def _wrong(found: datetime | None, expected: datetime | None, now: datetime) -> bool:
    """Whether a next time was never set, was passed in a pause, or was written by a clock far ahead."""
    if found is None or expected is None:
        return found is not expected
    return found <= now or found > expected + LATE


def _due(schedule: Schedule, first: datetime, now: datetime) -> list[datetime]:
    """The occurrences to let happen now, from `first` on: all where we are on time, else by the policy."""
    times = cron.between(schedule.cron, schedule.zone, first, now)
    if now - first <= LATE or schedule.misfire == Schedule.Misfire.ALL:
        return list(islice(times, AT_A_TIME))
    if schedule.misfire == Schedule.Misfire.SKIP:
        return list(cron.between(schedule.cron, schedule.zone, now - LATE, now))
    for window in WINDOWS:
        if found := list(cron.between(schedule.cron, schedule.zone, max(first, now - window), now)):
            return found[-1:]
    return [first]


def _fire(schedule: Schedule, due: list[datetime], now: datetime) -> int:
    first, last = schedule.next_at, due[-1] if due else now
    following = cron.after(schedule.cron, schedule.zone, last if schedule.misfire == "all" else now)
    with transaction.atomic():
        mine = Schedule.objects.filter(pk=schedule.pk, next_at=first, paused_at=None)
        if not mine.update(next_at=following):
            return 0
        if first and (not due or first < due[0]):
            log.record(
                "schedule.missed", by=BY, schedule=schedule.pk, workflow=schedule.workflow.slug,
                name=schedule.name, since=first.isoformat(), policy=schedule.misfire,
            )  # fmt: skip
        return sum(_occur(schedule, moment, now) for moment in due)


def _occur(schedule: Schedule, due_at: datetime, now: datetime) -> int:
    occurrence, new = occurrences.occur(schedule, due_at, by=BY, now=now)
    return len(occurrence.started) if new else 0
