"""When a schedule is due: cron in a zone, and the rows that a workflow's `schedule:` makes.

Around a change of the clocks Debian's cron is the model: an hour that is skipped runs right after it,
an hour that comes twice runs once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from . import clock
from .models import Schedule, Workflow

#: The name of the schedule that a workflow's own file makes; people's schedules have other names.
OWN = "default"


def sync(workflow: Workflow, definition: dict[str, Any]) -> None:
    """Make the workflow's own schedule what its file says, in the caller's transaction.

    A changed line starts anew from now; the same line keeps its next occurrence, and a person's pause.
    """
    said = definition.get("schedule")
    own = Schedule.objects.filter(workflow=workflow, name=OWN)
    if not said:
        own.delete()
        return
    wanted = {"cron": said["cron"], "zone": said["zone"], "input": said.get("input")}
    if own.filter(cron=wanted["cron"], zone=wanted["zone"]).exists():
        own.update(input=wanted["input"])
        return
    wanted["next_at"] = after(said["cron"], said["zone"], clock.now())
    Schedule.objects.update_or_create(workflow=workflow, name=OWN, defaults=wanted)


def after(cron: str, zone: str, moment: datetime) -> datetime | None:
    """The first occurrence after `moment`, in UTC; None where there is none within 50 years."""
    # cronsim counts wall-clock time, so in an hour that comes twice it may name a moment already past.
    upcoming = (found.astimezone(UTC) for found in CronSim(cron, moment.astimezone(ZoneInfo(zone))))
    return next((found for found in islice(upcoming, 200) if found > moment), None)


def coming(schedule: Schedule, count: int) -> list[datetime]:
    """The next occurrences, for people to see."""
    found: list[datetime] = []
    moment = schedule.next_at
    while moment is not None and len(found) < count:
        found.append(moment)
        moment = after(schedule.cron, schedule.zone, moment)
    return found
