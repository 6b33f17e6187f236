"""What people do with schedules, and the ones that a workflow's own file makes.

Every verb asks `access` first, guards in the WHERE, writes its event in the same transaction and may be
called twice. Editing what runs belongs to whoever wrote it: a file's schedule is changed in the file.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from tasks import access, clock, log, workspace
from tasks.machine import Refused
from tasks.models import Schedule, Workflow

from . import cron

#: The name of the schedule that a workflow's own file makes; people's schedules have other names.
OWN = "default"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def sync(workflow: Workflow, definition: dict[str, Any]) -> None:
    """Make the workflow's own schedule what its file says, in the caller's transaction.

    A changed line starts anew from now; the same line keeps its next occurrence, and a person's pause.
    """
    said = definition.get("schedule")
    own = Schedule.objects.filter(workflow=workflow, name=OWN)
    if not said:
        for schedule in own:
            told = facts(schedule)
            schedule.delete()
            log.record("schedule.removed", by="clawbot:sync", **told)
        return
    wanted = {"cron": said["cron"], "zone": said["zone"], "input": said.get("input")}
    wanted["misfire"] = said.get("misfire", Schedule.Misfire.NEWEST)
    if own.filter(cron=wanted["cron"], zone=wanted["zone"]).exists():
        own.update(input=wanted["input"], misfire=wanted["misfire"])
        return
    wanted["next_at"] = cron.after(said["cron"], said["zone"], clock.now())
    Schedule.objects.update_or_create(workflow=workflow, name=OWN, defaults=wanted)


def find(workflow: str, name: str = OWN) -> Schedule:
    """The schedule of this name. Refuses with the names that there are."""
    mine = Schedule.objects.select_related("workflow__active").filter(workflow__slug=workflow)
    found = mine.filter(name=name).first()
    if found is None:
        names = ", ".join(mine.values_list("name", flat=True)) or "none"
        raise Refused(f"There is no schedule {name!r} of {workflow!r}. There are: {names}.")
    return found


def coming(schedule: Schedule, count: int) -> list[datetime]:
    """The next occurrences, as the orchestrator will find them; while paused, as they would be."""
    moment = schedule.next_at
    if schedule.paused_at:
        moment = cron.after(schedule.cron, schedule.zone, clock.now())
    found: list[datetime] = []
    while moment is not None and len(found) < count:
        found.append(moment)
        moment = cron.after(schedule.cron, schedule.zone, moment)
    return found


def add(
    workflow: str, *, name: str, line: str, zone: str, by: str, input: dict[str, Any] | None = None,
    misfire: str = Schedule.Misfire.NEWEST,
) -> Schedule:  # fmt: skip
    """A new schedule. With `input` each occurrence injects a task, without it starts the backlog.

    Adding the same again returns the one that is there. Refuses a taken or unusable name, a line or zone
    that cannot be read, an input that the workflow's schema does not allow.
    """
    flow = access.seen(Workflow, by).select_related("active").filter(slug=workflow).first()
    access.require(by, "schedule", flow)
    if flow is None or flow.active is None:
        names = ", ".join(access.seen(Workflow, by).values_list("slug", flat=True)) or "none yet"
        raise Refused(f"Cannot add a schedule: there is no workflow {workflow!r}. There are: {names}.")
    if name == OWN or not NAME.fullmatch(name):
        raise Refused(
            f"Cannot call a schedule {name!r}: use small letters, digits, - and _, and another word than "
            f"{OWN!r}, which is the schedule in the workflow's own file."
        )
    values = _checked(flow, line, zone, input, misfire)
    try:
        with transaction.atomic():
            made = Schedule.objects.create(workflow=flow, name=name, **values, next_at=_next(values))
            log.record("schedule.added", by=by, **facts(made))
    except IntegrityError:
        there = find(workflow, name)
        if any(getattr(there, key) != value for key, value in values.items()):
            raise Refused(
                f"Cannot add {name!r}: {workflow} has a schedule of this name. Change that one, or take "
                "another name."
            ) from None
        return there
    return made


def change(
    schedule: Schedule, *, by: str, line: str, zone: str, input: dict[str, Any] | None, misfire: str
) -> Schedule:
    """Give a person's schedule another line, zone, input or policy. A changed line starts anew from now."""
    access.require(by, "schedule", schedule)
    _not_the_files(schedule, "change")
    values = _checked(schedule.workflow, line, zone, input, misfire)
    if all(getattr(schedule, key) == value for key, value in values.items()):
        return schedule
    moved = (values["cron"], values["zone"]) != (schedule.cron, schedule.zone)
    if moved:
        values["next_at"] = _next(values)
    with transaction.atomic():
        if not Schedule.objects.filter(pk=schedule.pk).update(**values):
            raise Refused(f"Cannot change {schedule.name!r}: somebody removed it. Add it again.")
        schedule.refresh_from_db()
        log.record("schedule.changed", by=by, **facts(schedule))
    return schedule


def remove(schedule: Schedule, *, by: str) -> None:
    """Delete a person's schedule. The tasks that it started stay, and so does the log."""
    access.require(by, "schedule", schedule)
    _not_the_files(schedule, "remove")
    with transaction.atomic():
        told = facts(schedule)
        if Schedule.objects.filter(pk=schedule.pk).delete()[0]:
            log.record("schedule.removed", by=by, **told)


def pause(schedule: Schedule, *, by: str, why: str) -> None:
    """Let no occurrence start anything until it is resumed."""
    access.require(by, "schedule", schedule)
    why = " ".join(why.split())[:300]
    if not why:
        raise Refused(f"Cannot pause {schedule}: say why; everybody reads it on the page.")
    with transaction.atomic():
        rows = Schedule.objects.filter(pk=schedule.pk, paused_at=None)
        if rows.update(paused_at=clock.now(), paused_by=by, paused_why=why):
            log.record("schedule.paused", by=by, why=why, **facts(schedule))
    schedule.refresh_from_db()


def resume(schedule: Schedule, *, by: str) -> None:
    """Go on with the next occurrence from now. What fell into the pause is not made up for: `backfill` is."""
    access.require(by, "schedule", schedule)
    following = cron.after(schedule.cron, schedule.zone, clock.now())
    with transaction.atomic():
        rows = Schedule.objects.filter(pk=schedule.pk, paused_at__isnull=False)
        if rows.update(paused_at=None, paused_by="", paused_why="", next_at=following):
            log.record("schedule.resumed", by=by, **facts(schedule))
    schedule.refresh_from_db()


def facts(schedule: Schedule) -> dict[str, Any]:
    """What its events say of a schedule."""
    return {
        "schedule": schedule.pk, "workflow": schedule.workflow.slug, "name": schedule.name,
        "cron": schedule.cron, "zone": schedule.zone,
    }  # fmt: skip


def _next(values: dict[str, Any]) -> Any:
    return cron.after(values["cron"], values["zone"], clock.now())


def _not_the_files(schedule: Schedule, verb: str) -> None:
    if schedule.name == OWN:
        slug = schedule.workflow.slug
        raise Refused(
            f"Cannot {verb} {schedule}: it stands in {slug}/workflow.yaml. Edit `schedule:` there and run "
            f"`./manage.py sync`; here it can be paused, run and backfilled."
        )


def _checked(
    flow: Workflow, line: str, zone: str, input: dict[str, Any] | None, misfire: str
) -> dict[str, Any]:
    """The values as they are stored. Refuses the first that cannot be used."""
    from tasks.workflow import check_input  # which imports this module

    try:
        values: dict[str, Any] = {"cron": cron.readable(line), "zone": clock.zone(zone).key}
    except ValueError as error:
        raise Refused(f"Cannot schedule {flow.slug}: {error}.") from None
    if misfire not in Schedule.Misfire.values:
        raise Refused(f"Cannot use {misfire!r} for missed times: take {', '.join(Schedule.Misfire.values)}.")
    if input is not None and flow.active:
        title = input.get("title") or flow.title
        if problems := check_input(flow.active.definition["input"], {**input, "title": title}):
            raise Refused(f"Cannot schedule {flow.slug} with this input: {' '.join(problems)}")
        workspace.collect(input, None, anywhere=False)  # refuses files, which nobody would bring each time
    return {**values, "input": input, "misfire": misfire}
