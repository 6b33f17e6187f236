"""The workflows: what each does, what goes on in it, where its time goes, and by which version it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from agents.contract import Refused
from clawbot.templatetags.clawbot import role_icon
from tasks import access, clock
from tasks import workflow as workflows
from tasks.models import Hold, Review, Task, Workflow, WorkflowVersion
from tasks.workflow import rollback

from . import offers, schedules, stages
from .drawing import Node, draw
from .pace import Pace
from .pace import stages as pace_of
from .stages import Stage
from .versions import changes, versions


@dataclass(frozen=True)
class Row:
    """One workflow as the list shows it."""

    flow: Workflow
    counts: Counter[str]  # backlog, doing, waiting (reviews), done (today)
    hold: Hold | None
    pace: dict[str, Pace]

    @property
    def who(self) -> str:
        """How many stages it has, and how many of them wait for people."""
        found = self.flow.active.stages if self.flow.active else []
        people = sum(stage["agent"] == workflows.HUMAN for stage in found)
        said = "1 stage" if len(found) == 1 else f"{len(found)} stages"
        return f"{said}, {people} for people" if people else said

    @property
    def works(self) -> float | None:
        """Seconds of agents' work that a task usually takes, branches one after the other."""
        return sum(one.working for one in self.pace.values()) if self.pace else None

    @property
    def cost(self) -> Decimal:
        return sum((one.cost for one in self.pace.values()), Decimal(0))


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """All workflows with their counts."""
    return render(request, "pages/workflows.html", {"rows": rows(request.user)})


def rows(user: Any) -> list[Row]:
    """Every workflow that has an active version and that a person may see."""
    counts: dict[int, Counter[str]] = {}
    live = Task.objects.exclude(status=Task.Status.DONE).values_list("workflow", "status")
    for flow, status, number in live.annotate(n=Count("id")).order_by():
        counts.setdefault(flow, Counter())[status] = number
    midnight = timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    finished = Task.objects.filter(status=Task.Status.DONE, done_at__gte=midnight)
    waiting = Review.objects.filter(open=1).values_list("task__workflow")
    for word, found in (("done", finished.values_list("workflow")), ("waiting", waiting)):
        for flow, number in found.annotate(n=Count("id")).order_by():
            counts.setdefault(flow, Counter())[word] = number
    holds = {hold.target: hold for hold in Hold.objects.filter(open=1, scope=Hold.Scope.WORKFLOW)}
    flows = access.seen(Workflow, user).filter(active__isnull=False).select_related("active")
    return [
        Row(flow, counts.get(flow.pk, Counter()), holds.get(flow.slug), pace_of(flow.pk)) for flow in flows
    ]


@require_GET
def one(request: HttpRequest, slug: str) -> HttpResponse:
    """One workflow; `v` shows another version than the active one."""
    flow = _flow(request, slug)
    known = versions(flow)
    shown = _version(known, request.GET.get("v")) or next(v for v in known if v.pk == flow.active_id)
    pace = pace_of(flow.pk)
    found = stages.of(flow, shown.stages, pace)
    drawing = draw(shown.stages, {stage.name: stage.lines for stage in found})
    by_name = {stage.name: stage for stage in found}
    is_active = shown.pk == flow.active_id
    return render(request, "pages/workflow.html", {
        "flow": flow, "row": next(row for row in rows(request.user) if row.flow.pk == flow.pk),
        "shown": shown,
        "is_active": is_active, "stages": found, "drawing": drawing,
        "nodes": [shape(node, by_name[node.stage["name"]]) for node in drawing.nodes],
        "bars": bars(found), "versions": known, "plans": schedules.plans(request.user, flow),
        "input": needed(shown),
        "readme": readme(flow), "agents": sorted({s.data["agent"] for s in found if s.kind == "agent"}),
        "services": sorted(shown.definition.get("services") or {}), "limits": limits(shown),
        "why_not": access.reason(request.user, "activate", flow), "offer": offers.of(flow, request.user),
    })  # fmt: skip


@require_GET
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """What differs between two versions (`from`, `to`)."""
    flow = _flow(request, slug)
    known = versions(flow)
    new = _version(known, request.GET.get("to")) or known[0]
    old = _version(known, request.GET.get("from")) or next(
        (v for v in known if v.number < new.number), known[-1]
    )
    return render(request, "pages/workflow_diff.html", {
        "flow": flow, "versions": known, "old": old, "new": new, "blocks": changes(old, new),
    })  # fmt: skip


@require_POST
def activate(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Make another version the active one."""
    _flow(request, slug)
    try:
        version = rollback.activate(slug, number, by=f"user:{request.user.username}")
        messages.success(request, f"New tasks run under v{version.number}. Running ones keep theirs.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("workflow", slug=slug)


def _flow(request: HttpRequest, slug: str) -> Workflow:
    rows = access.seen(Workflow, request.user).select_related("active", "offered")
    rows = rows.filter(active__isnull=False)
    return get_object_or_404(rows, slug=slug)


def _version(known: list[WorkflowVersion], number: str | None) -> WorkflowVersion | None:
    """The version of this number; None where none was asked for."""
    if not number:
        return None
    found = next((version for version in known if str(version.number) == number), None)
    if found is None:
        raise Http404(f"There is no version {number!r}. There are {', '.join(str(v.number) for v in known)}.")
    return found


def shape(node: Node, stage: Stage) -> dict[str, Any]:
    """One node of the drawing, in pixels from its own upper left corner."""
    height, head = round(node.height), node.head
    marks = [(*mark, round(node.width) - 46 * number - 42) for number, mark in enumerate(stage.marks)]
    return {
        "stage": stage, "icon": icon_of(stage), "marks": marks, "x": round(node.x), "y": round(node.y),
        "width": round(node.width), "height": height, "half": height // 2, "foot": height - 10,
        "inner": (round(node.width) - 6, height - 6), "title": head + 20, "who": head + 36,
        "icon_top": head + 11,
        "eyebrows": list(zip(stage.eyebrows, node.baselines(len(stage.eyebrows)), strict=True)),
    }  # fmt: skip


def icon_of(stage: Stage) -> str:
    """The mark of who does it."""
    if stage.kind == "child":
        return "workflow"
    return role_icon(str(stage.data["agent"]))


@dataclass(frozen=True)
class Bar:
    """Where a stage's time goes: shares of the longest stage, in percent."""

    stage: Stage
    working: float
    people: float


def bars(found: Sequence[Stage]) -> list[Bar]:
    """One bar for each stage that has a history."""
    longest = max((stage.pace.total for stage in found if stage.pace), default=0.0)
    if longest <= 0:
        return []
    return [
        Bar(stage, 100 * stage.pace.working / longest, 100 * stage.pace.people / longest)
        for stage in found if stage.pace
    ]  # fmt: skip


def needed(version: WorkflowVersion) -> list[dict[str, Any]]:
    """What a task must and may bring, as the schema says it."""
    schema = version.definition.get("input") or {}
    required = set(schema.get("required", [])) | {"title"}
    properties = {"title": {"type": "string"}} | schema.get("properties", {})
    return [
        {"name": name, "required": name in required, "kind": _kind(one), "about": one.get("description", "")}
        for name, one in properties.items()
    ]


def _kind(one: dict[str, Any]) -> str:
    words = {"array": "list", "string": "text", "integer": "number", "boolean": "yes or no", "object": "data"}
    if one.get("enum"):
        return " or ".join(map(str, one["enum"]))
    kind = one.get("format") or one.get("type") or "anything"
    return words.get(kind, kind) if isinstance(kind, str) else "anything"


def limits(version: WorkflowVersion) -> str:
    """How much may be under way, in words; empty: no limit."""
    said = version.definition.get("limits") or {}
    parts = [f"{said['at_once']} tasks at once"] if said.get("at_once") else []
    parts += [f"{said['reviews']} open reviews"] if said.get("reviews") else []
    return " and ".join(parts)


def readme(flow: Workflow) -> str:
    """The page that ships beside the workflow's file, without its heading; empty where there is none."""
    path = workflows.FOLDER / flow.slug / "README.md"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text.partition("\n")[2].strip() if text.startswith("# ") else text
