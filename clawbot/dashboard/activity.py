"""Everything that happened, newest first: the event log in sentences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlencode

from channels.db import database_sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agents.models import Agent
from clawbot import export as exporting
from clawbot.asking import asked_for, narrow
from tasks import access
from tasks.models import Event

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
