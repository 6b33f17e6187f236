"""The board: backlog, lanes, done today; or the same tasks as a list.

The lanes of one workflow are its stages. All workflows at once would have dozens of stages, so there the
lanes are the conditions: what runs, what waits for people, what has come to a stop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from agents.models import Agent
from tasks import access, clock, costs
from tasks.models import Hold, Run, Subtask, Task, Workflow

from .cards import Card, cards, stage_title
from .filters import ALL, Filters, menus
from .parts import part_of

SHOWN = 300  # doing tasks on one board; the list says when there are more
FOLDED = 8  # rows of backlog and done beside the tray
LISTED = 200  # rows of the list beside those that are doing
#: the lanes of all workflows at once: condition for icon and colour, title. No stage has a hyphen in its name
KINDS = {
    "queued": ("queued", "Queued"),
    "running": ("running", "Running"),
    "undoing": ("returned", "Being taken back"),
    "waiting": ("waiting", "Waiting for people"),
    "stalled": ("stalled", "Needs an operator"),
}
KINDS_PREFIX = "is-"
SORTS: dict[str, Callable[[Card], Any]] = {
    "task": lambda card: (card.task.workflow_id, card.task.number),
    "status": lambda card: card.word,
    "stage": lambda card: card.row.position if card.row else -1,
    "agent": lambda card: card.row.agent if card.row else "",
    "age": lambda card: card.seconds,
    "cost": lambda card: card.cost.usd,
}


@dataclass
class Lane:
    """One stage of the workflow, or one condition of all workflows, and the cards that stand in it."""

    name: str
    agent: str
    limit: int
    cards: list[Card] = field(default_factory=list)
    condition: str = ""  # instead of a stage
    said: str = ""

    @property
    def title(self) -> str:
        return self.said or stage_title(self.name)

    @property
    def is_human(self) -> bool:
        return self.agent == "human" or self.condition == "waiting"

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
    if part and not request.headers.get("HX-Request"):
        return redirect("board")
    filters = Filters.of(request.GET)
    if len(filters.words) == 1 and (task := _named(request, filters)):
        return redirect("task", key=task.key)
    filters.workflow = filters.workflow or _where_work_is(request)
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
@part_of("board")
def card(request: HttpRequest, key: str) -> HttpResponse:
    """One card again, as long as it stands in its lane; where it left, the head line says so to the tray."""
    task = get_object_or_404(
        access.seen(Task, request.user).select_related("workflow", "workflow_version"), key=key
    )
    found = cards([task], request.user)[0]
    lane = request.GET.get("lane", "")
    if lane not in {found.lane, KINDS_PREFIX + found.kind}:
        return HttpResponse(status=204)
    return render(request, "parts/_task_card.html", {"card": found, "lane": Lane(lane, "", 0)})


def _named(request: HttpRequest, filters: Filters) -> Task | None:
    """The task that is searched for by its very key."""
    return access.seen(Task, request.user).filter(key__iexact=filters.words[0]).first()


def _where_work_is(request: HttpRequest) -> str:
    """What is shown where no workflow is asked for: the one that has work, all where several have; without
    any, the one with most tasks."""
    work = Count("tasks", filter=Q(tasks__status=Task.Status.DOING))
    flows = access.seen(Workflow, request.user).annotate(work=work, all=Count("tasks"))
    busy = list(flows.order_by("-work", "-all", "slug")[:2])
    if len(busy) > 1 and all(one.work for one in busy):
        return ALL
    return busy[0].slug if busy else ""


def _common(request: HttpRequest, filters: Filters) -> dict[str, Any]:
    workflows = list(access.seen(Workflow, request.user).select_related("active").annotate(
        doing=Count("tasks", filter=Q(tasks__status=Task.Status.DOING))
    ))  # fmt: skip
    workflow = next((one for one in workflows if one.slug == filters.workflow), None)
    is_all = filters.workflow == ALL
    # Without the words that are searched for: what the head counts does not depend on a search.
    there = replace(filters, words=[]).tasks(request.user)
    doing = there.filter(status=Task.Status.DOING).order_by("-priority", "id")[:SHOWN]
    all_cards = cards(list(doing), request.user)
    return {
        "filters": filters,
        "workflows": workflows,
        "workflow": workflow,
        "is_all": is_all,
        "stages": workflow.active.stages if workflow and workflow.active else [],
        "menus": menus(
            request, filters, workflows, workflow.active.stages if workflow and workflow.active else []
        ),
        "view": "list" if request.GET.get("view") == "list" else "board",
        "head": _head(all_cards, workflows if is_all else [workflow] if workflow else []),
        "cards": [one for one in all_cards if filters.keep(one, request.user)],
        "may": {
            verb: access.can(request.user, verb, workflow)
            for verb in ("inject", "pause", "retry", "override", "start")
        },
        "sel": request.GET.get("sel", ""),
        "kept": [(name, value) for name, value in request.GET.items() if name != "lane"],
        "is_new": not access.seen(Task, request.user).exists(),
        "total": len(all_cards),
    }


def _head(shown: Iterable[Card], flows: Sequence[Workflow]) -> dict[str, Any]:
    """Every task in work is counted once: doing, waiting, stalled or held. What is done this week holds what
    is done today: both count what ended, also as cancelled."""
    shown = list(shown)
    now = clock.now()
    ended = Task.objects.filter(workflow__in=flows, status=Task.Status.DONE)
    elsewhere = {"waiting", "stalled", "failed", "held"}
    spent = Run.objects.filter(task__workflow__in=flows, started_at__gte=midnight(now))
    return {
        "held": sum(one.status == "held" for one in shown),
        "is_held": Hold.objects.filter(open=1, scope=Hold.Scope.ALL).exists(),
        "doing": sum(one.status not in elsewhere for one in shown),
        "waiting": sum(one.status == "waiting" for one in shown),
        "stalled": sum(one.status in {"stalled", "failed"} for one in shown),
        "undoing": sum(one.why.undoing for one in shown),
        "outside": sum(bool(one.why.waits_for) for one in shown),
        "week": ended.filter(done_at__gte=now - timedelta(days=7)).count(),
        "cost": costs.spent(spent),
    }


def midnight(now: datetime) -> datetime:
    """When today began for the reader."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _tray(
    request: HttpRequest, shown: list[Card], stages: list[dict[str, Any]], filters: Filters
) -> dict[str, Any]:
    """Backlog, lanes and what was done today. `shape` says who stands where: when the head line brings
    another shape than the tray has, the page asks for the tray again."""
    lanes = _kinds(shown) if filters.workflow == ALL else _lanes(shown, stages)
    ready = Subtask.objects.filter(task=OuterRef("pk"), status=Subtask.Status.READY).order_by("position")
    backlog = (
        filters.tasks(request.user)
        .filter(status=Task.Status.BACKLOG)
        .annotate(ready=Subquery(ready.values("stage")[:1]))
        .order_by("-priority", F("ready").asc(nulls_last=True), "due_on", "id")
    )
    done = (
        filters.tasks(request.user)
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
        stage["name"]: Lane(
            stage["name"], stage["agent"], limits.get(stage["agent"], 0), said=stage.get("title", "")
        )
        for stage in stages
    }
    for one in shown:
        # A stage that the newest version no longer has keeps its lane while work stands in it.
        agent = one.row.agent if one.row else ""
        lanes.setdefault(one.lane, Lane(one.lane, agent, limits.get(agent, 0))).cards.append(one)
    return list(lanes.values())


def _kinds(shown: list[Card]) -> list[Lane]:
    """The conditions as lanes. What is taken back has one only while there is any."""
    lanes = {
        kind: Lane(KINDS_PREFIX + kind, "", 0, condition=condition, said=said)
        for kind, (condition, said) in KINDS.items()
    }
    for one in shown:
        lanes[one.kind].cards.append(one)
    return [lane for kind, lane in lanes.items() if lane.cards or kind != "undoing"]


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
    others = filters.tasks(request.user).filter(status=Task.Status.BACKLOG)
    if filters.condition == "done":
        others = filters.tasks(request.user).filter(status=Task.Status.DONE).order_by("-done_at")
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
