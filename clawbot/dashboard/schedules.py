"""What runs by itself: the list, and one schedule with its next times, its history and its verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from agents.contract import Refused
from tasks import access, clock, moments, schedules
from tasks.models import Occurrence, Schedule, Workflow
from tasks.schedules import cron, occurrences

NEXT = 5
RESULTS = 10
POLICIES = {
    "newest": "only the newest is made up for",
    "all": "each one is made up for, oldest first",
    "skip": "none is made up for",
}


@dataclass(frozen=True)
class When:
    """One moment as two clocks show it; `there` is empty where both show the same."""

    at: datetime
    here: str
    there: str


@dataclass(frozen=True)
class Plan:
    """One schedule as pages show it."""

    one: Schedule
    results: list[Occurrence]

    @property
    def words(self) -> str:
        return cron.in_words(self.one.cron)

    @property
    def place(self) -> str:
        """The zone as people say it: Berlin, UTC."""
        return self.one.zone.rpartition("/")[2].replace("_", " ")

    @property
    def does(self) -> str:
        """What an occurrence starts."""
        if self.one.input is None:
            more = occurrences.undated(self.one)
            return f"Starts what is due that day, and at most {more} without a due date"
        title = self.one.input.get("title")
        return f"Injects “{title}”" if title else "Injects a task named after the day"

    @property
    def next_at(self) -> datetime | None:
        return next(iter(schedules.coming(self.one, 1)), None)

    @property
    def last(self) -> Occurrence | None:
        return self.results[0] if self.results else None

    @property
    def is_the_files(self) -> bool:
        return self.one.name == schedules.OWN

    @property
    def policy(self) -> str:
        return POLICIES[self.one.misfire]


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """All schedules, by workflow."""
    return render(
        request, "pages/schedules.html", {"plans": plans(request.user), "why_not": _why_not(request)}
    )


@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One schedule. `from` and `to` (days in its zone) ask what a backfill would start."""
    return _page(
        request,
        get_object_or_404(access.seen(Schedule, request.user).select_related("workflow__active"), pk=pk),
    )


def _page(request: HttpRequest, schedule: Schedule, *, trouble: str = "") -> HttpResponse:
    first, last = request.GET.get("from", ""), request.GET.get("to", "")
    planned: list[occurrences.Planned] = []
    if first and not trouble:
        try:
            planned = occurrences.plan(schedule, *_range(schedule, first, last))
        except Refused as refused:
            trouble = str(refused)
    fresh = [item for item in planned if item.done is None]
    plan = Plan(schedule, list(schedule.occurrences.all()[:RESULTS]))
    today = clock.now().astimezone(ZoneInfo(schedule.zone)).date()
    return render(request, "pages/schedule.html", {
        "plan": plan, "times": times(schedule), "reader_zone": timezone.get_current_timezone_name(),
        "changes": cron.changes(schedule.cron, schedule.zone, clock.now()),
        "still": not cron.has_changes(schedule.zone, clock.now()),
        "planned": [(item, _when(item.due_at, schedule.zone)) for item in planned], "fresh": fresh,
        "seen": occurrences.seal(schedule, planned) if planned else "", "trouble": trouble,
        "first": first or (today - timedelta(days=7)).isoformat(), "last": last or today.isoformat(),
        "today": today.isoformat(), "why_not": _why_not(request, schedule),
    }, status=422 if trouble else 200)  # fmt: skip


def plans(user: Any, workflow: Workflow | None = None) -> list[Plan]:
    """Every schedule that a person may see, with its newest result."""
    rows = access.seen(Schedule, user).select_related("workflow")
    if workflow:
        rows = rows.filter(workflow=workflow)
    newest = Occurrence.objects.filter(schedule=OuterRef("pk")).order_by("-due_at").values("pk")[:1]
    found = list(rows.annotate(newest=Subquery(newest)))
    known = Occurrence.objects.in_bulk([row.newest for row in found if row.newest])
    return [Plan(row, [known[row.newest]] if row.newest else []) for row in found]


def times(schedule: Schedule) -> list[When]:
    """The next times in the schedule's zone, and in the reader's where that is another."""
    return [_when(moment, schedule.zone) for moment in schedules.coming(schedule, NEXT)]


def _when(moment: datetime, zone: str) -> When:
    there, here = moment.astimezone(ZoneInfo(zone)), timezone.localtime(moment)
    return When(moment, _words(here), "" if there.utcoffset() == here.utcoffset() else _words(there))


def _words(local: datetime) -> str:
    return moments.with_weekday(local, clock.now().astimezone(local.tzinfo))


def _range(schedule: Schedule, first: str, last: str) -> tuple[datetime, datetime]:
    """Two days of a form, in the schedule's zone, both whole; today ends now."""
    zone = ZoneInfo(schedule.zone)
    try:
        start = datetime.combine(date.fromisoformat(first), time(), zone)
        end = datetime.combine(date.fromisoformat(last or first) + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError):
        raise Refused("Cannot backfill: write both days as 2026-11-21.") from None
    today = clock.now().astimezone(zone).date()
    return start, clock.now() if date.fromisoformat(last or first) == today else end - timedelta(seconds=1)


def _why_not(request: HttpRequest, schedule: Schedule | None = None) -> str:
    if schedule is None and access.anywhere(request.user, "schedule"):
        return ""
    return access.reason(request.user, "schedule", schedule)


# -- Verbs --------------------------------------------------------------------------------------------


def _pause(schedule: Schedule, request: HttpRequest, by: str) -> str:
    schedules.pause(schedule, by=by, why=request.POST.get("reason", ""))
    return "Paused. Nothing starts until somebody resumes it."


def _resume(schedule: Schedule, request: HttpRequest, by: str) -> str:
    schedules.resume(schedule, by=by)
    return "Resumed. It goes on with its next time."


def _run(schedule: Schedule, request: HttpRequest, by: str) -> str:
    occurrence, new = occurrences.run(schedule, by=by)
    if occurrence.trouble:
        raise Refused(occurrence.trouble)
    what = ", ".join(occurrence.started) or "nothing: no task was waiting in the backlog"
    return f"Started {what}." if new else f"It ran in this minute already and started {what}."


def _backfill(schedule: Schedule, request: HttpRequest, by: str) -> str:
    given = request.POST
    span = _range(schedule, given.get("from", ""), given.get("to", ""))
    made = occurrences.backfill(schedule, *span, by=by, seen=given.get("seen", ""))
    troubled = sum(bool(one.trouble) for one in made)
    if troubled:
        raise Refused(f"{troubled} of {len(made)} could not be injected; the history says why.")
    return f"Injected {len(made)} task{'' if len(made) == 1 else 's'}."


def _remove(schedule: Schedule, request: HttpRequest, by: str) -> str:
    schedules.remove(schedule, by=by)
    return f"Removed {schedule}. The tasks that it started stay."


VERBS: dict[str, Callable[[Schedule, HttpRequest, str], str]] = {
    "pause": _pause, "resume": _resume, "run": _run, "backfill": _backfill, "remove": _remove,
}  # fmt: skip


@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """One verb; what it did, or why not, is said on the page that follows."""
    schedule = access.seen(Schedule, request.user).select_related("workflow__active").filter(pk=pk).first()
    if schedule is None:
        messages.info(request, "This schedule was removed already.")
        return redirect("schedules")
    try:
        messages.success(request, VERBS[verb](schedule, request, f"user:{request.user.username}"))
    except Refused as refused:
        return _page(request, schedule, trouble=str(refused))
    gone = verb == "remove"
    return redirect("schedules") if gone else redirect("schedule", pk=pk)


def context(one: Schedule) -> dict[str, Any]:
    """What the hint under a form's line shows of a schedule that need not be stored."""
    return {
        "words": cron.in_words(one.cron), "times": times(one), "schedule": one,
        "changes": cron.changes(one.cron, one.zone, clock.now()),
    }  # fmt: skip
