"""What a hold means now: what still finishes under it, what it keeps back, and what goes on without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.urls import Resolver404, resolve

from clawbot import words
from tasks import access, clock, supervision
from tasks.models import Hold, Message, Notice, Review, Run, Subtask, Task
from tasks.workflow import versions

S = Subtask.Status
SHOWN = 50


@dataclass(frozen=True)
class Pause:
    """An open hold as the banner says it."""

    hold: Hold
    what: str  # "Everything", "Workflow article", "Agent writer", "ART-7"
    running: int  # runs that still finish
    held: int  # stages that would be claimed
    owed: int  # messages that would leave
    left: str  # the most that what runs may still take: "4 min"; empty where nothing runs

    @property
    def paused(self) -> bool:
        """Whether nothing runs under it any more."""
        return self.running == 0


def pause(hold: Hold) -> Pause:
    """How far a hold is."""
    rows = supervision.under(hold)
    runs = _runs(hold)
    return Pause(hold, what(hold), len(runs), rows.filter(status=S.READY).count(), _owed(hold), _left(runs))


def what(hold: Hold) -> str:
    """What is held, as a name."""
    match hold.scope:
        case Hold.Scope.ALL:
            return "Everything"
        case Hold.Scope.WORKFLOW:
            return f"Workflow {hold.target}"
        case Hold.Scope.AGENT:
            return f"Agent {hold.target}"
    return hold.target


def work(hold: Hold) -> dict[str, Any]:
    """What still runs and what waits under a hold, a page of each."""
    held = supervision.under(hold).filter(status=S.READY).select_related("task").order_by("task", "position")
    running = [{"run": run, "until": _until(run)} for run in _runs(hold)[:SHOWN]]
    return {"running": running, "held": held[:SHOWN], "goes_on": goes_on(hold)}


def goes_on(hold: Hold) -> str:
    """What lifting a hold lets go on, in a sentence."""
    others = Hold.objects.filter(open=1).exclude(pk=hold.pk)
    count, owed = supervision.under(hold).filter(status=S.READY).count(), _owed(hold)
    parts = [f"{count} stage{'s' if count != 1 else ''} may start at once"] if count else []
    parts += [f"{owed} message{'s' if owed != 1 else ''} may leave"] if owed else []
    text = " and ".join(parts).capitalize() + "." if parts else "Nothing was kept back; what comes next runs."
    return f"{text} Another pause stays in place." if parts and others.exists() else text


def _runs(hold: Hold) -> list[Run]:
    doing = supervision.under(hold).filter(status=S.DOING)
    rows = Run.objects.filter(subtask__in=doing, status=Run.Status.DOING)
    return list(rows.select_related("subtask__task__workflow_version").order_by("started_at"))


def _until(run: Run) -> datetime | None:
    """When a run's own limit ends it at the latest."""
    stage = run.subtask.task.workflow_version.stage(run.subtask.stage)
    seconds = stage.get("timeout")
    if not seconds and run.agent_version:
        seconds = versions.agent(run.agent, run.agent_version).limits.timeout
    return run.started_at + timedelta(seconds=float(seconds)) if seconds and run.started_at else None


def _left(runs: Iterable[Run]) -> str:
    ends = [end for end in map(_until, runs) if end]
    return words.duration(max(max(ends) - clock.now(), timedelta(0))) if ends else ""


def _owed(hold: Hold) -> int:
    """The messages, to people and to other systems, that this hold keeps from leaving."""
    under: Q | None
    match hold.scope:
        case Hold.Scope.ALL:
            under = Q()
        case Hold.Scope.WORKFLOW:
            under = Q(task__workflow__slug=hold.target)
        case Hold.Scope.TASK:
            under = Q(task__key=hold.target)
        case _:
            under = None
    waits = Q(state__in=["pending", "uncertain"], not_before__lte=clock.now())
    out = Message.objects.filter(waits, direction=Message.Direction.OUT)
    if under is None:
        return out.filter(run__agent=hold.target).count()
    return out.filter(under).count() + Notice.objects.filter(waits, under).count()


# -- Which holds a page is under -------------------------------------------------------------------------


def touching(request: HttpRequest, path: str) -> list[Pause]:
    """The open holds that this page's work is under, widest first: the one on everything on every page, any
    other on the pages of what it holds."""
    touched = _touched(request, path)
    return [pause(hold) for hold in access.seen(Hold, request.user).filter(touched, open=1).order_by("pk")]


def _touched(request: HttpRequest, path: str) -> Q:
    found = Q(scope=Hold.Scope.ALL)
    try:
        match = resolve(path)
    except (Resolver404, Http404):
        return found
    given = match.kwargs
    match match.url_name:
        case "workflow":
            return found | _on(Hold.Scope.WORKFLOW, [given["slug"]])
        case "agent":
            return found | _on(Hold.Scope.AGENT, [given["slug"]])
        case "task":
            return found | _on_task(access.seen(Task, request.user).filter(key=given["key"]).first())
        case "review":
            review = access.seen(Review, request.user).filter(pk=given["pk"]).select_related("task").first()
            return found | _on_task(review.task if review else None)
        case "hold":
            return found & ~Q(pk=given["pk"])  # its own page says it all
    return found


def _on(scope: str, targets: Iterable[str]) -> Q:
    return Q(scope=scope, target__in=list(targets))


def _on_task(task: Task | None) -> Q:
    if task is None:
        return Q(pk__in=[])
    open_rows = task.subtasks.filter(live=1, status__in=Subtask.OPEN)
    agents = set(open_rows.values_list("agent", flat=True))
    return (
        _on(Hold.Scope.TASK, [task.key])
        | _on(Hold.Scope.WORKFLOW, [task.workflow.slug])
        | _on(Hold.Scope.AGENT, agents)
    )
