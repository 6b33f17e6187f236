"""The board: backlog, a lane for each stage, done today; or the same tasks as a list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from agents.models import Agent
from tasks import access, clock
from tasks.models import Hold, Run, Subtask, Task, Workflow

from .cards import Card, cards, stage_title
from .filters import Filters, menus

SHOWN = 300  # doing tasks on one board; the list says when there are more
FOLDED = 8  # rows of backlog and done beside the tray
LISTED = 200  # rows of the list beside those that are doing
SORTS: dict[str, Callable[[Card], Any]] = {
    "task": lambda card: (card.task.workflow_id, card.task.number),
    "status": lambda card: card.word,
    "stage": lambda card: card.row.position if card.row else -1,
    "agent": lambda card: card.row.agent if card.row else "",
    "age": lambda card: card.seconds,
    "cost": lambda card: card.cost,
}


@dataclass
class Lane:
    """One stage of the workflow and the cards that stand in it."""

    name: str
    agent: str
    limit: int
    cards: list[Card] = field(default_factory=list)

    @property
    def title(self) -> str:
        return stage_title(self.name)

    @property
    def is_human(self) -> bool:
        return self.agent == "human"

    @property
    def working(self) -> int:
        """How many of the agent's places are taken."""
        return sum(card.status == "running" for card in self.cards)

    @property
    def places(self) -> list[bool]:
        """The limit as dashes, taken ones first; none where there are too many to draw."""
        if self.is_human or not 1 < self.limit <= 10:
            return []
        return [place < self.working for place in range(self.limit)]

    @property
    def age(self) -> float:
        """Seconds that half of its cards have been here."""
        return median(card.seconds for card in self.cards) if self.cards else 0

    @property
    def is_held(self) -> bool:
        return bool(self.cards) and all(card.status == "held" for card in self.cards)


@require_GET
def board(request: HttpRequest, part: str = "") -> HttpResponse:
    """The whole page, or its live part: the head line or the tray."""
    filters = Filters.of(request.GET)
    if len(filters.words) == 1 and (task := Task.objects.filter(key__iexact=filters.words[0]).first()):
        return redirect("task", key=task.key)
    filters.workflow = filters.workflow or _busiest()
    context = _common(request, filters)
    if context["view"] == "list":
        context |= _rows(request, context["cards"], filters)
    else:
        context |= _tray(request, context["cards"], context["stages"], filters)
    template = {"": "pages/board.html", "head": "parts/_board_head.html", "lanes": "parts/_board_lanes.html"}[
        part
    ]
    return render(request, template, context)


@require_GET
def card(request: HttpRequest, key: str) -> HttpResponse:
    """One card again, as long as it stands in its lane; where it left, the head line says so to the tray."""
    task = get_object_or_404(Task.objects.select_related("workflow", "workflow_version"), key=key)
    found = cards([task], request.user)[0]
    if found.lane != request.GET.get("lane"):
        return HttpResponse(status=204)
    return render(request, "parts/_task_card.html", {"card": found})


def _busiest() -> str:
    """The workflow that is shown where none is asked for: the one with most work, else the first."""
    work = Count("tasks", filter=Q(tasks__status=Task.Status.DOING))
    found = Workflow.objects.annotate(work=work, all=Count("tasks")).order_by("-work", "-all", "slug").first()
    return found.slug if found else ""


def _common(request: HttpRequest, filters: Filters) -> dict[str, Any]:
    workflows = list(Workflow.objects.select_related("active").annotate(
        doing=Count("tasks", filter=Q(tasks__status=Task.Status.DOING))
    ))  # fmt: skip
    workflow = next((one for one in workflows if one.slug == filters.workflow), None)
    doing = filters.tasks().filter(status=Task.Status.DOING).order_by("-priority", "id")[:SHOWN]
    all_cards = cards(list(doing), request.user)
    return {
        "filters": filters,
        "workflows": workflows,
        "workflow": workflow,
        "stages": workflow.active.stages if workflow and workflow.active else [],
        "menus": menus(
            request, filters, workflows, workflow.active.stages if workflow and workflow.active else []
        ),
        "view": "list" if request.GET.get("view") == "list" else "board",
        "head": _head(all_cards, filters),
        "cards": [one for one in all_cards if filters.keep(one, request.user)],
        "may": {
            verb: access.can(request.user, verb) for verb in ("inject", "pause", "retry", "override", "start")
        },
        "sel": request.GET.get("sel", ""),
        "kept": [(name, value) for name, value in request.GET.items() if name != "lane"],
        "is_new": not Task.objects.exists(),
        "total": len(all_cards),
    }


def _head(shown: Iterable[Card], filters: Filters) -> dict[str, Any]:
    shown = list(shown)
    now = clock.now()
    ended = Task.objects.filter(workflow__slug=filters.workflow, outcome=Task.Ending.COMPLETED)
    spent = Run.objects.filter(task__workflow__slug=filters.workflow, started_at__gte=midnight(now))
    return {
        "held": sum(one.status == "held" for one in shown),
        "is_held": Hold.objects.filter(open=1, scope=Hold.Scope.ALL).exists(),
        "doing": len(shown),
        "waiting": sum(one.status == "waiting" for one in shown),
        "stalled": sum(one.status in {"stalled", "failed"} for one in shown),
        "week": ended.filter(done_at__gte=now - timedelta(days=7)).count(),
        "cost": spent.aggregate(sum=Sum("cost_usd"))["sum"] or Decimal(0),
    }


def midnight(now: datetime) -> datetime:
    """When today began for the reader."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _tray(
    request: HttpRequest, shown: list[Card], stages: list[dict[str, Any]], filters: Filters
) -> dict[str, Any]:
    """Backlog, lanes and what was done today. `shape` says who stands where: when the head line brings
    another shape than the tray has, the page asks for the tray again."""
    lanes = _lanes(shown, stages)
    ready = Subtask.objects.filter(task=OuterRef("pk"), status=Subtask.Status.READY).order_by("position")
    backlog = (
        filters.tasks()
        .filter(status=Task.Status.BACKLOG)
        .annotate(ready=Subquery(ready.values("stage")[:1]))
        .order_by("-priority", F("ready").asc(nulls_last=True), "due_on", "id")
    )
    done = (
        filters.tasks()
        .filter(status=Task.Status.DONE, done_at__gte=midnight(clock.now()))
        .order_by("-done_at")
    )
    if filters.stage or filters.agent or filters.condition:
        backlog, done = backlog.none(), done.none()
    first, count = list(backlog[:FOLDED]), backlog.count()
    ended = cards(list(done[:FOLDED]), request.user)
    places = [(lane.name, one.task.key) for lane in lanes for one in lane.cards]
    ends = [task.key for task in first] + [one.task.key for one in ended]
    return {
        "lanes": lanes,
        "picked": request.GET.get("lane") or _urgent(lanes),
        "backlog": first,
        "backlog_count": count,
        "backlog_more": count - len(first),
        "done": ended,
        "done_count": done.count(),
        "shape": hashlib.sha256(repr((places, ends)).encode()).hexdigest()[:12],
    }


def _lanes(shown: list[Card], stages: list[dict[str, Any]]) -> list[Lane]:
    limits = _limits(stages)
    lanes = {
        stage["name"]: Lane(stage["name"], stage["agent"], limits.get(stage["agent"], 0)) for stage in stages
    }
    for one in shown:
        # A stage that the newest version no longer has keeps its lane while work stands in it.
        agent = one.row.agent if one.row else ""
        lanes.setdefault(one.lane, Lane(one.lane, agent, limits.get(agent, 0))).cards.append(one)
    return list(lanes.values())


def _limits(stages: list[dict[str, Any]]) -> dict[str, int]:
    """How many tasks each agent may work on at once."""
    staff = Agent.objects.filter(slug__in={stage["agent"] for stage in stages}, active__isnull=False)
    return {
        one.slug: one.active.definition.get("limits", {}).get("concurrency", 0) if one.active else 0
        for one in staff.select_related("active")
    }


def _urgent(lanes: Iterable[Lane]) -> str:
    """The lane that a phone opens: where something waits for this person, else where work is."""
    weighed = [(any(card.yours for card in lane.cards), len(lane.cards), lane.name) for lane in lanes]
    return max(weighed, default=(False, 0, ""))[2]


def _rows(request: HttpRequest, doing: list[Card], filters: Filters) -> dict[str, Any]:
    """The same filter as a table: done tasks where asked for, else everything that is not done."""
    others = filters.tasks().filter(status=Task.Status.BACKLOG)
    if filters.condition == "done":
        others = filters.tasks().filter(status=Task.Status.DONE).order_by("-done_at")
    more = [one for one in cards(list(others[:LISTED]), request.user) if filters.keep(one, request.user)]
    rows = more if filters.condition == "done" else doing + more
    sort = request.GET.get("sort", "")
    order = SORTS.get(sort.lstrip("-"))
    if order:
        rows = sorted(rows, key=order, reverse=sort.startswith("-"))
    return {"rows": rows, "sort": sort, "columns": _columns(sort)}


def _columns(sort: str) -> list[dict[str, str]]:
    """The heads of the list: what a click on one asks for, and how it is sorted now."""
    columns = []
    for name, label in (
        ("task", "Task"),
        ("status", "Status"),
        ("stage", "Stage"),
        ("agent", "Agent"),
        ("age", "Age"),
        ("cost", "Cost"),
    ):
        mine = sort.lstrip("-") == name
        up = mine and not sort.startswith("-")
        columns.append({
            "name": name, "label": label, "next": f"-{name}" if up else name,
            "aria": ("ascending" if up else "descending") if mine else "none",
        })  # fmt: skip
    return columns
