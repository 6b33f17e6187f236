"""Starts what is due: the occurrences of schedules, and tasks whose starting time has come."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tasks import lifecycle, log, schedules
from tasks.machine import Refused
from tasks.models import Occurrence, Schedule, Subtask, Task

BY = "orchestrator:schedule"
#: Orchestrators' clocks may differ by a minute or two. What is later than this was missed by all of them.
LATE = timedelta(minutes=5)
#: How far to look back for the newest missed occurrence: a dense line is found in the first window.
WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=40), timedelta(days=366 * 9))
AT_ONCE = 500

_logger = logging.getLogger(__name__)


def fire(now: datetime) -> int:
    """Return how many tasks were started.

    1. Schedules whose next occurrence has come. After a long stop only the newest missed one counts.
    2. The unique row of the occurrence, what it starts and the schedule's next time are one
       transaction: it happens once, whoever comes first.
    3. A schedule that is paused, or whose next time is further away than its line says (a clock was
       wrong), is only set right.
    4. Backlog tasks whose own starting time has come.
    """
    started = sum(_look(schedule, now) for schedule in Schedule.objects.select_related("workflow"))
    return started + len(lifecycle.start(_backlog().filter(starts_at__lte=now)[:AT_ONCE], by=BY))


def _look(schedule: Schedule, now: datetime) -> int:
    if schedule.next_at and schedule.next_at <= now and not schedule.paused_at:
        return _fire(schedule, _missed(schedule, schedule.next_at, now), now)
    expected = schedules.after(schedule.cron, schedule.zone, now)
    if _wrong(schedule.next_at, expected, now):
        Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at).update(next_at=expected)
    return 0


def _wrong(found: datetime | None, expected: datetime | None, now: datetime) -> bool:
    """Whether a next time was never set, was passed in a pause, or was written by a clock far ahead."""
    if found is None or expected is None:
        return found is not expected
    return found <= now or found > expected + LATE


def _missed(schedule: Schedule, first: datetime, now: datetime) -> list[datetime]:
    """The occurrences to make up for, from `first` on: all where we are on time, else the newest."""
    if now - first <= LATE:
        return _between(schedule, first, now)
    for window in WINDOWS:
        if found := _between(schedule, max(first, now - window), now):
            return found[-1:]
    return [first]


def _between(schedule: Schedule, first: datetime, last: datetime) -> list[datetime]:
    found: list[datetime] = []
    moment = schedules.after(schedule.cron, schedule.zone, first - timedelta(seconds=1))
    while moment is not None and moment <= last:
        found.append(moment)
        moment = schedules.after(schedule.cron, schedule.zone, moment)
    return found


def _fire(schedule: Schedule, due: list[datetime], now: datetime) -> int:
    following = schedules.after(schedule.cron, schedule.zone, now)
    with transaction.atomic():
        mine = Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at, paused_at=None)
        if not mine.update(next_at=following):
            return 0
        return sum(_occur(schedule, moment, following, now) for moment in due)


def _occur(schedule: Schedule, due_at: datetime, following: datetime | None, now: datetime) -> int:
    occurrence, new = Occurrence.objects.get_or_create(
        schedule=schedule, due_at=due_at, defaults={"done_at": now}
    )
    if not new:  # it happened already, before a clock or the line was set back
        return 0
    try:
        tasks = _start(schedule, due_at, following)
    except Refused as refused:
        _logger.error("%s of %s could not inject: %s", schedule.name, schedule.workflow, refused)
        tasks = []
    occurrence.started = [task.key for task in tasks]
    occurrence.save(update_fields=["started"])
    log.record(
        "schedule.fired", by=BY, schedule=schedule.pk, due_at=due_at.isoformat(), tasks=occurrence.started
    )
    return len(tasks)


def _start(schedule: Schedule, due_at: datetime, following: datetime | None) -> list[Task]:
    """With an input inject it; without, start the day's backlog."""
    if schedule.input is None:
        return lifecycle.start(_days_backlog(schedule, due_at, following), by=BY)
    day = due_at.astimezone(ZoneInfo(schedule.zone)).date()
    title = schedule.input.get("title") or f"{schedule.workflow.title}, {day.isoformat()}"
    key = f"schedule:{schedule.pk}:{due_at.isoformat()}"
    return [lifecycle.inject(schedule.workflow.slug, title=title, input=schedule.input, by=BY, key=key)]


def _days_backlog(schedule: Schedule, due_at: datetime, following: datetime | None) -> QuerySet[Task]:
    """What waits for no day, and what is due before the schedule comes again (a weekend, for one)."""
    zone = ZoneInfo(schedule.zone)
    soon = Q(due_on=None) | Q(due_on__lte=due_at.astimezone(zone).date())
    if following:
        soon |= Q(due_on__lt=following.astimezone(zone).date())
    mine = _backlog().filter(Q(starts_at=None) | Q(starts_at__lte=due_at), workflow=schedule.workflow)
    return mine.filter(soon).order_by("-priority", "id")


def _backlog() -> QuerySet[Task]:
    """Tasks that nobody has let begin yet."""
    first = Subtask.objects.filter(task=OuterRef("pk"), live=1, needs_left=0, status=Subtask.Status.BLOCKED)
    return Task.objects.filter(Exists(first), status=Task.Status.BACKLOG)
