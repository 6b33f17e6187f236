"""The form of a person's schedule: when, and what each time injects, made from the workflow's schema."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from agents.contract import Refused
from tasks import access, clock, schedules
from tasks.models import Schedule, Workflow
from tasks.schedules import cron

from . import task_form
from .parts import part_of
from .schedules import POLICIES, context

#: The form's own names begin so; every other name is a field of the workflow's input.
OWN = "schedule-"
LINE = "0 9 * * 1-5"


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new schedule, for the workflow in the address."""
    flows = _flows(request)
    flow = flows.filter(slug=request.GET.get("workflow", "")).first() or flows.first()
    if flow is None:
        return render(request, "pages/schedule_form.html", {"flow": None})
    if request.method == "POST":
        return _save(request, flow, None)
    return _form(request, flow, None, {"name": "", "cron": LINE, "zone": _zone(), "misfire": "newest"}, {})


def _flows(request: HttpRequest) -> QuerySet[Workflow]:
    """The workflows that this person may see."""
    return access.seen(Workflow, request.user).filter(active__isnull=False).select_related("active")


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A person's schedule; the file's own is read-only here and says where it stands."""
    one = get_object_or_404(access.seen(Schedule, request.user).select_related("workflow__active"), pk=pk)
    if request.method == "POST":
        return _save(request, one.workflow, one)
    own = {"name": one.name, "cron": one.cron, "zone": one.zone, "misfire": one.misfire}
    own["starts"] = "backlog" if one.input is None else "task"
    return _form(request, one.workflow, one, own, one.input or {})


@require_GET
@part_of("new_schedule")
def words(request: HttpRequest) -> HttpResponse:
    """The hint under the line: what was typed, in words, or what would be right."""
    given = {name: request.GET.get(f"{OWN}{name}", "") for name in ("cron", "zone")}
    return render(request, "parts/_schedule_words.html", _hint(given))


def _hint(own: dict[str, str]) -> dict[str, Any]:
    try:
        line, zone = cron.readable(own["cron"]), clock.zone(own["zone"]).key
    except ValueError as error:
        return {"trouble": f"{error}.", "words": "", "times": (), "changes": ()}
    following = cron.after(line, zone, clock.now())
    return context(Schedule(cron=line, zone=zone, next_at=following)) | {"trouble": ""}


def _form(
    request: HttpRequest, flow: Workflow, one: Schedule | None, own: dict[str, str], given: dict[str, Any],
    *, trouble: str = "",
) -> HttpResponse:  # fmt: skip
    return render(request, "pages/schedule_form.html", {
        "flow": flow, "flows": _flows(request), "one": one, "own": own,
        "fields": [_bare(field) for field in task_form.fields(flow, given, {})],
        "title": given.get("title", ""), "is_the_files": bool(one and one.name == schedules.OWN),
        "trouble": trouble, "policies": POLICIES, "zones": sorted(available_timezones()),
        "why_not": access.reason(request.user, "schedule", flow), "hint": _hint(own),
    }, status=422 if trouble else 200)  # fmt: skip


def _bare(field: task_form.Field) -> task_form.Field:
    """A field without uploads: nobody brings files each time."""
    if field.kind != "files":
        return field
    return replace(field, kind="lines", help="Web addresses; nobody brings files each time.")


def _zone() -> str:
    return timezone.get_current_timezone_name()


def _save(request: HttpRequest, flow: Workflow, one: Schedule | None) -> HttpResponse:
    own = {"name": "", "cron": "", "zone": "", "misfire": "newest", "starts": "task"}
    own |= {name: request.POST.get(f"{OWN}{name}", usual).strip() for name, usual in own.items()}
    given: dict[str, Any] = {"title": " ".join(request.POST.get("title", "").split())}
    try:
        given |= task_form.read(flow, request.POST)
        value = None if own["starts"] == "backlog" else {k: v for k, v in given.items() if v != ""}
        what: dict[str, Any] = {
            "line": own["cron"], "zone": own["zone"], "misfire": own["misfire"], "input": value,
            "by": f"user:{request.user.username}",
        }  # fmt: skip
        if one:
            saved = schedules.change(one, **what)
        else:
            saved = schedules.add(flow.slug, name=own["name"], **what)
    except Refused as refused:
        return _form(request, flow, one, own, given, trouble=str(refused))
    messages.success(request, "Saved." if one else f"Added. {cron.in_words(saved.cron)}.")
    return redirect("schedule", pk=saved.pk)
