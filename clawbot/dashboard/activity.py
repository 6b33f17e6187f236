"""Everything that happened, newest first: the event log in sentences."""

from __future__ import annotations

from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agents.models import Agent
from tasks.log import KINDS
from tasks.models import Event, Task

from .paging import page
from .sentences import CONDITIONS, sentence

#: what a filter of the page means to the table
FAMILIES = {
    "task": "Tasks",
    "subtask": "Stages",
    "artifact": "Drafts and files",
    "review": "Reviews",
    "hold": "Pauses",
    "notice": "Deliveries",
    "worker": "Workers",
    "agent": "Agents",
}
FILTERS = ("q", "task", "agent", "kind", "stage")


@require_GET
def activity(request: HttpRequest) -> HttpResponse:
    """A page of events; `q`, `task`, `agent`, `stage` and `kind` narrow them, `before` goes further back."""
    asked = {name: request.GET.get(name, "").strip() for name in FILTERS}
    _read_qualifiers(asked)
    shown = page(narrow(Event.objects.select_related("task"), asked), request.GET.get("before", ""))
    for event in shown.rows:
        event.sentence = sentence(event)
        event.condition = CONDITIONS.get(event.kind, "")
    context = {
        "page": shown, "asked": {name: value for name, value in asked.items() if value}, "q": asked["q"],
        "chips": chips(asked), "families": FAMILIES, "agents": Agent.objects.values_list("slug", flat=True),
    }  # fmt: skip
    name = "parts/_activity.html" if request.headers.get("HX-Target") == "activity" else "pages/activity.html"
    return render(request, name, context)


def chips(asked: dict[str, str]) -> list[tuple[str, str, str]]:
    """Each filter that is set, with the address of the page without it."""
    found = {name: value for name, value in asked.items() if value}
    return [
        (name, value, f"?{urlencode({other: found[other] for other in found if other != name})}")
        for name, value in found.items()
    ]


def _read_qualifiers(asked: dict[str, str]) -> None:
    """`task:ART-1 agent:writer words` in the search box means what the filters mean."""
    rest = []
    for word in asked["q"].split():
        name, colon, value = word.partition(":")
        if colon and name in FILTERS[1:]:
            asked[name] = value
        else:
            rest.append(word)
    asked["q"] = " ".join(rest)


def narrow(events: QuerySet[Event], asked: dict[str, str]) -> QuerySet[Event]:
    """The events that were asked for. Words match a task's key or title, a kind, or who did it."""
    if asked["task"]:
        events = events.filter(task__key__iexact=asked["task"])
    if asked["agent"]:
        events = events.filter(by=f"agent:{asked['agent']}")
    if asked["stage"]:
        events = events.filter(stage=asked["stage"])
    if asked["kind"]:
        events = events.filter(kind__in=[k for k in KINDS if asked["kind"] in (k, k.partition(".")[0])])
    for word in asked["q"].split():
        # Tasks first, in one small query: a join would search every event's task.
        tasks = list(
            Task.objects.filter(Q(key__iexact=word) | Q(title__icontains=word)).values_list("pk", flat=True)[
                :200
            ]
        )
        events = events.filter(
            Q(task__in=tasks) | Q(kind__icontains=word) | Q(by__icontains=word) | Q(stage__iexact=word)
        )
    return events
