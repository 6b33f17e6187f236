"""The staff: what each agent does now, how well it did lately, and by which version it works."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from pydantic import ValidationError

from agents import llm, registry
from agents.contract import Refused
from agents.definition import Definition, loads
from agents.models import Agent, AgentVersion
from clawbot import words
from clawbot.people import names
from tasks import access, costs
from tasks.clock import now
from tasks.costs import Cost
from tasks.models import Hold, Run, Subtask, Worker
from tasks.workflow import shipped

from . import offers, trust

DAY = timedelta(hours=24)
# A page shows what is usual, not every run there ever was.
MOST_RUNS = 2_000
GOOD = {Run.Status.DONE, Run.Status.RETURNED, Run.Status.ESCALATED}


@dataclass
class Row:
    """One agent as the table shows it."""

    slug: str
    definition: Definition
    version: AgentVersion
    doing: list[Run] = field(default_factory=list)
    queue: int = 0
    ended: list[tuple[str, float]] = field(
        default_factory=list
    )  # (status, seconds) of the last day, oldest first
    last: Run | None = None
    cost: Cost = costs.NOTHING
    hold: Hold | None = None
    silent: Worker | None = None  # a worker that has some of its work and does not answer

    @property
    def by(self) -> str:
        """How events and avatars call it."""
        return f"agent:{self.slug}"

    @property
    def more(self) -> int:
        """How many tasks it works on beside the first."""
        return len(self.doing) - 1

    @property
    def paused_word(self) -> str:
        return f"Paused by {names.who(self.hold.placed_by).name}" if self.hold else ""

    @property
    def about(self) -> str:
        """What it is for, in one line."""
        return self.definition.scope or self.definition.title

    @property
    def condition(self) -> str:
        if self.silent:
            return "silent"
        if self.hold:
            return "paused"
        return "running" if self.doing else "idle"

    @property
    def word(self) -> str:
        """Its state as the table says it."""
        if self.silent:
            return f"Silent {words.duration(now() - self.silent.heartbeat_at)}"
        if self.doing:
            most = self.definition.limits.concurrency
            return f"{len(self.doing)} of {most} working" if most > 1 else "Working"
        return "Idle"

    @property
    def succeeded(self) -> int | None:
        """Share of the last day's runs that did their work, in percent; None without any."""
        good = sum(status in GOOD for status, _ in self.ended)
        return round(100 * good / len(self.ended)) if self.ended else None

    @property
    def p50(self) -> float | None:
        return percentile([seconds for _, seconds in self.ended], 50)

    @property
    def p95(self) -> float | None:
        return percentile([seconds for _, seconds in self.ended], 95)

    @property
    def times(self) -> str:
        """p50 and p95 in words; once where they read the same."""
        return ", ".join(dict.fromkeys([words.duration(self.p50), words.duration(self.p95)]))

    @property
    def line(self) -> str:
        """The share that succeeded over the last day as SVG points in a box of 54 by 12, oldest left.
        A tenth less than all is drawn as a third of the height: what matters is that it fell."""
        marks = [status in GOOD for status, _ in self.ended]
        size = max(1, math.ceil(len(marks) / 8))
        shares = [
            sum(part) / len(part)
            for start in range(0, len(marks), size)
            if (part := marks[start : start + size])
        ]
        shares = shares if len(shares) > 1 else shares * 2  # a line needs two ends
        step = 54 / max(1, len(shares) - 1)
        return " ".join(
            f"{place * step:.1f},{min(12, 6 + 20 * (1 - share)):.1f}" for place, share in enumerate(shares)
        )


@require_GET
def agents(request: HttpRequest) -> HttpResponse:
    """Everybody, and the workers that carry them."""
    found = rows(request.user, request.GET.get("q", ""))
    context = {"rows": found, "q": request.GET.get("q", ""), "workers": workers(), "counts": counts(found)}
    name = "parts/_agents.html" if request.headers.get("HX-Target") == "agents" else "pages/agents.html"
    return render(request, name, context)


@require_GET
def agent(request: HttpRequest, slug: str) -> HttpResponse:
    """One agent: its state, its versions (`v` picks one to read) and its latest runs."""
    one = get_object_or_404(Agent.objects.select_related("active", "offered"), slug=slug)
    used = dict(
        access.seen(Run, request.user)
        .filter(agent=slug)
        .values_list("agent_version")
        .annotate(runs=Count("id"))
        .order_by()
    )
    versions = list(one.versions.order_by("-number"))
    wanted = request.GET.get("v", "")
    shown = next((v for v in versions if str(v.number) == wanted), one.active or versions[0])
    for version in versions:
        version.runs = used.get(version.number, 0)  # type: ignore[attr-defined]
    latest = access.seen(Run, request.user).filter(agent=slug).select_related("task", "subtask")
    runs = list(latest.order_by("-id")[:20])
    for run in runs:
        run.took = run.ended_at - run.started_at if run.ended_at else None  # type: ignore[attr-defined]
    definition = Definition.model_validate(shown.definition)
    context = {
        "agent": one, "row": next(iter(rows(request.user, only=slug)), None), "versions": versions,
        "shown": shown,
        "definition": definition, "no_model": llm.missing(definition.model),
        "yaml": definition.yaml(), "job": job_description(definition.role),
        "runs": runs, "by": f"agent:{slug}",
        "trust": trust.panel(slug, definition, request.user), "offer": offers.of(one, request.user),
    }  # fmt: skip
    return render(request, "pages/agent.html", context)


@require_POST
def use_again(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Say an older wording again: a new version with the same words becomes the active one."""
    version = get_object_or_404(AgentVersion, agent__slug=slug, number=number)
    try:
        definition = loads(Definition.model_validate(version.definition).yaml(), str(version))
        made = shipped.hire(definition, by=f"user:{request.user.username}", note=f"As v{number} again")
        said = (
            f"{made} says what v{number} said." if made else f"v{number} says what the active version says."
        )
        messages.success(request, said)
    except (ValidationError, Refused) as refused:
        messages.error(request, f"v{number} cannot be used again. {refused}")
    return redirect("agent", slug=slug)


def counts(found: list[Row]) -> list[tuple[str, str]]:
    """The head line: how many work, rest and are paused."""
    names = {"running": "working", "idle": "idle", "paused": "paused", "silent": "silent"}
    numbers = {condition: sum(row.condition == condition for row in found) for condition in names}
    return [
        (condition, f"{numbers[condition]} {name}") for condition, name in names.items() if numbers[condition]
    ]


def rows(user: Any, q: str = "", *, only: str = "") -> list[Row]:
    """Every agent with its figures, from the work that this person may see; `only` one of them, or those
    whose name holds `q`."""
    found = Agent.objects.select_related("active").exclude(active=None)
    if only:
        found = found.filter(slug=only)
    if q:
        found = found.filter(slug__icontains=q)
    table = {
        one.slug: Row(one.slug, Definition.model_validate(one.active.definition), one.active)
        for one in found if one.active
    }  # fmt: skip
    _add_present(table, user)
    _add_past(table, user)
    return list(table.values())


def _add_present(table: dict[str, Row], user: Any) -> None:
    doing = access.seen(Run, user).filter(status=Run.Status.DOING, agent__in=table).order_by("id")
    for run in doing.select_related("task", "subtask__worker"):
        table[run.agent].doing.append(run)
        if run.subtask.worker and run.subtask.worker.heartbeat_at < _late():
            table[run.agent].silent = run.subtask.worker
    ready = access.seen(Subtask, user).filter(status=Subtask.Status.READY, agent__in=table)
    for slug, number in ready.values_list("agent").annotate(number=Count("id")).order_by():
        table[slug].queue = number
    for hold in Hold.objects.filter(open=1, scope=Hold.Scope.AGENT, target__in=table):
        table[hold.target].hold = hold


def _add_past(table: dict[str, Row], user: Any) -> None:
    runs = access.seen(Run, user)
    moment = now()
    since = moment - DAY
    ended = runs.filter(agent__in=table, ended_at__gte=since).exclude(status=Run.Status.STOPPED)
    latest = ended.order_by("-ended_at").values_list("agent", "status", "started_at", "ended_at")[:MOST_RUNS]
    for slug, status, started_at, ended_at in latest:
        if ended_at:
            table[slug].ended.append((status, (ended_at - started_at).total_seconds()))
    midnight = timezone.localtime(moment).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = runs.filter(agent__in=table, started_at__gte=midnight)
    for slug, cost in costs.spent_by(spent, "agent").items():
        table[slug].cost = cost
    for row in table.values():
        row.ended.reverse()
        done = runs.filter(agent=row.slug, ended_at__isnull=False, status__in=GOOD)
        row.last = done.select_related("task").order_by("-ended_at").first()


@dataclass(frozen=True)
class Host:
    """One worker process as the strip shows it."""

    worker: Worker
    busy: int
    silent: bool


def workers() -> list[Host]:
    """Living workers, and those that fell silent and were not yet given up."""
    living = Worker.objects.filter(ended_at=None).annotate(busy=Count("subtasks")).order_by("id")[:50]
    return [Host(one, one.busy, one.heartbeat_at < _late()) for one in living]


def _late() -> datetime:
    """Whoever's heartbeat is older than this does not answer any more."""
    return now() - timedelta(seconds=settings.LEASE_SECONDS)


def job_description(role: str) -> str:
    """The role's own words; empty where the role is gone since."""
    try:
        return registry.role(role).text
    except Refused:
        return ""


def percentile(values: list[float], share: int) -> float | None:
    """The value that `share` percent of the values do not exceed; None without values."""
    ordered: list[Any] = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)] if ordered else None
