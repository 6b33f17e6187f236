"""Everything that happened, newest first: the event log in sentences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import urlencode

from channels.db import database_sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agents.models import Agent
from clawbot import export as exporting
from tasks import access
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
    "message": "Messages",
    "worker": "Workers",
    "agent": "Agents",
}
FILTERS = ("q", "task", "agent", "kind", "stage")


@require_GET
def activity(request: HttpRequest) -> HttpResponse:
    """A page of events; `q`, `task`, `agent`, `stage` and `kind` narrow them, `before` goes further back."""
    asked = asked_for(request.GET)
    shown = page(
        narrow(access.seen(Event, request.user).select_related("task"), asked), request.GET.get("before", "")
    )
    for event in shown.rows:
        event.sentence = sentence(event)
        event.condition = CONDITIONS.get(event.kind, "")
    context = {
        "page": shown, "asked": {name: value for name, value in asked.items() if value}, "q": asked["q"],
        "chips": chips(asked), "families": FAMILIES, "agents": Agent.objects.values_list("slug", flat=True),
    }  # fmt: skip
    name = "parts/_activity.html" if request.headers.get("HX-Target") == "activity" else "pages/activity.html"
    return render(request, name, context)


@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """What the page's filters show, as a file: `?format=csv` or `jsonl`. 404 for another format."""
    form = request.GET.get("format", "jsonl")
    if form not in exporting.FORMATS:
        raise Http404(f"There is no format {form!r}; there are {', '.join(exporting.FORMATS)}.")
    lines = exporting.lines(narrow(access.seen(Event, request.user), asked_for(request.GET)), form)
    answer = StreamingHttpResponse(
        _one_by_one(lines) if isinstance(request, ASGIRequest) else lines,
        content_type=exporting.FORMATS[form][1],
    )
    answer["Content-Disposition"] = f'attachment; filename="clawbot-events.{form}"'
    return answer


async def _one_by_one(lines: Iterator[str]) -> AsyncIterator[str]:
    """As an asynchronous server wants them: it would gather a plain iterator in memory first."""
    step = database_sync_to_async(lambda: next(lines, None))
    while (part := await step()) is not None:
        yield part


def chips(asked: dict[str, str]) -> list[tuple[str, str, str]]:
    """Each filter that is set, with the address of the page without it."""
    found = {name: value for name, value in asked.items() if value}
    return [
        (name, value, f"?{urlencode({other: found[other] for other in found if other != name})}")
        for name, value in found.items()
    ]


def asked_for(query: Mapping[str, str]) -> dict[str, str]:
    """The filters of an address. `task:ART-1 agent:writer words` in `q` means what the filters mean."""
    asked = {name: query.get(name, "").strip() for name in FILTERS}
    rest = []
    for word in asked["q"].split():
        name, colon, value = word.partition(":")
        if colon and name in FILTERS[1:]:
            asked[name] = value
        else:
            rest.append(word)
    asked["q"] = " ".join(rest)
    return asked


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
