"""One due moment of a schedule, and what it starts: by its time, by hand, or for a range of the past.

The unique row of schedule and moment is what makes each happen once, whoever comes first.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tasks import access, clock, lifecycle, log
from tasks.machine import Refused
from tasks.models import Occurrence, Schedule, Subtask, Task

from . import cron

#: The most that one backfill starts: what a person can read through before they say yes.
MOST = 200

_logger = logging.getLogger(__name__)


def occur(
    schedule: Schedule, due_at: datetime, *, by: str, now: datetime | None = None
) -> tuple[Occurrence, bool]:
    """Let one moment happen, in the caller's transaction; the row, and whether it is new.

    An input that is refused by now is kept as the occurrence's trouble: the next moment is tried again.
    """
    now = now or clock.now()
    occurrence, new = Occurrence.objects.get_or_create(
        schedule=schedule, due_at=due_at, defaults={"done_at": now, "by": by}
    )
    if not new:  # it happened already, before a clock or the line was set back
        return occurrence, False
    try:
        occurrence.started = [task.key for task in _start(schedule, due_at, by, now)]
    except Refused as refused:
        _logger.error("%s of %s could not inject: %s", schedule.name, schedule.workflow, refused)
        occurrence.trouble = str(refused)
    occurrence.save(update_fields=["started", "trouble"])
    log.record(
        "schedule.fired", by=by, schedule=schedule.pk, workflow=schedule.workflow.slug, name=schedule.name,
        due_at=due_at.isoformat(), tasks=occurrence.started, trouble=occurrence.trouble,
    )  # fmt: skip
    return occurrence, True


def _start(schedule: Schedule, due_at: datetime, by: str, now: datetime) -> list[Task]:
    """With an input inject it; without, start the day's backlog and, beyond that, so many tasks that wait for
    no day as the workflow says."""
    if schedule.input is None:
        following = cron.after(schedule.cron, schedule.zone, max(due_at, now))
        return lifecycle.start(_days_backlog(schedule, due_at, following), by=by)
    key = f"schedule:{schedule.pk}:{due_at.isoformat()}"
    title = _title(schedule, due_at)
    return [lifecycle.inject(schedule.workflow.slug, title=title, input=schedule.input, by=by, key=key)]


def _title(schedule: Schedule, due_at: datetime) -> str:
    day = due_at.astimezone(ZoneInfo(schedule.zone)).date()
    return (schedule.input or {}).get("title") or f"{schedule.workflow.title}, {day.isoformat()}"


def _days_backlog(schedule: Schedule, due_at: datetime, following: datetime | None) -> QuerySet[Task]:
    """What is due before the schedule comes again (a weekend, for one), and a few of what waits for no day: a
    backlog that people filled ahead is not written in one night."""
    zone = ZoneInfo(schedule.zone)
    soon = Q(due_on__lte=due_at.astimezone(zone).date())
    if following:
        soon |= Q(due_on__lt=following.astimezone(zone).date())
    mine = backlog().filter(Q(starts_at=None) | Q(starts_at__lte=due_at), workflow=schedule.workflow)
    first = mine.filter(due_on=None).order_by("-priority", "id")[: undated(schedule)]
    soon |= Q(pk__in=list(first.values_list("pk", flat=True)))
    return mine.filter(soon).order_by("-priority", "id")


def undated(schedule: Schedule) -> int:
    """How many tasks without a due date one occurrence starts, as the workflow's file says."""
    version = schedule.workflow.active
    said = (version.definition.get("schedule") or {}) if version else {}
    return int(said.get("undated", 1))


def backlog() -> QuerySet[Task]:
    """Tasks that nobody has let begin yet."""
    first = Subtask.objects.filter(task=OuterRef("pk"), live=1, needs_left=0, status=Subtask.Status.BLOCKED)
    return Task.objects.filter(Exists(first), status=Task.Status.BACKLOG)


# -- By hand ------------------------------------------------------------------------------------------


def run(schedule: Schedule, *, by: str) -> tuple[Occurrence, bool]:
    """Let it happen now, also while it is paused; the row, and whether it is new.

    It counts as this minute's occurrence, as if its line had named it: a second click in the same minute,
    and a line that comes due in it, find it done.
    """
    access.require(by, "schedule", schedule)
    with transaction.atomic():
        _take(schedule)
        return occur(schedule, clock.now().replace(second=0, microsecond=0), by=by)


def _take(schedule: Schedule) -> None:
    """Hold the schedule's row, so that two people who press at once come one after the other."""
    row = Schedule.objects.select_for_update().filter(pk=schedule.pk).values_list("pk", flat=True)
    if not list(row):
        raise Refused(f"Cannot run {schedule}: somebody removed it. Add it again.")


@dataclass(frozen=True)
class Planned:
    """One moment of a range, and the occurrence that it already has."""

    due_at: datetime
    title: str
    done: Occurrence | None


def plan(schedule: Schedule, first: datetime, last: datetime) -> list[Planned]:
    """Exactly what `backfill` of this range would start, oldest first, and what happened already.

    Refuses a range of the future, one with nothing or too much in it, and a schedule that injects nothing.
    """
    if schedule.input is None:
        raise Refused(
            f"Cannot backfill {schedule}: it starts the backlog, which has no past days. Run it now instead."
        )
    if last > clock.now():
        raise Refused(f"Cannot backfill {schedule} beyond now: what is still to come runs by itself.")
    moments = list(islice(cron.between(schedule.cron, schedule.zone, first, last), MOST + 1))
    if not moments:
        raise Refused(f"Cannot backfill {schedule}: it had no time in that range. Take a longer one.")
    if len(moments) > MOST:
        raise Refused(
            f"Cannot backfill {schedule}: the range holds more than {MOST} times. Take a shorter one."
        )
    done = {one.due_at: one for one in schedule.occurrences.filter(due_at__gte=first, due_at__lte=last)}
    return [Planned(moment, _title(schedule, moment), done.get(moment)) for moment in moments]


def seal(schedule: Schedule, planned: list[Planned]) -> str:
    """What a person saw, in 16 letters: `backfill` refuses where it would do something else by now."""
    seen = [schedule.pk, schedule.input, [one.due_at.isoformat() for one in planned]]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def backfill(
    schedule: Schedule, first: datetime, last: datetime, *, by: str, seen: str = ""
) -> list[Occurrence]:
    """Inject one task for every occurrence of the range that has none; returns the new ones.

    `seen` is the seal of the plan that a person agreed to. Twice the same range starts nothing more.
    """
    access.require(by, "schedule", schedule)
    planned = plan(schedule, first, last)
    if seen and seen != seal(schedule, planned):
        raise Refused(f"Cannot backfill {schedule}: it was changed since you looked. Look at the list again.")
    made = []
    for one in planned:
        if one.done is None:
            with transaction.atomic():
                _take(schedule)
                occurrence, new = occur(schedule, one.due_at, by=by)
            made += [occurrence] if new else []
    return made
