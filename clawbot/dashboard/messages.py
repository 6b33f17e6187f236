"""Every envelope that crossed the border of the system: what came in, what went out, what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages as toasts
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from agents.contract import Refused
from agents.masking import mask
from clawbot.redirects import back
from tasks import access, clock
from tasks.border import publishing
from tasks.models import Message, Task

from .cards import stage_title
from .paging import page

M = Message.State

#: state -> (condition, word)
WORDS = {
    M.RECEIVED: ("done", "Received"),
    M.NOTED: ("queued", "Noted"),
    M.REFUSED: ("warn", "Refused"),
    M.PENDING: ("queued", "Waiting"),
    M.SENDING: ("running", "Sending"),
    M.SENT: ("done", "Sent"),
    M.UNCERTAIN: ("warn", "Uncertain"),
    M.DEAD: ("failed", "Failed"),
}
WAYS = {"in": "In", "out": "Out"}
FILTERS = ("q", "task", "direction", "channel", "state")
#: Characters of an envelope that a list shows; its own page shows all of it.
SHOWN = 3_000
#: How far back words are looked for inside envelopes: no index helps there.
LATEST = 5_000


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """A page of messages; `q`, `task`, `direction`, `channel` and `state` narrow it."""
    asked = {name: request.GET.get(name, "").strip() for name in FILTERS}
    shown = page(narrow(access.seen(Message, request.user), asked), request.GET.get("before", ""))
    context = {
        "page": shown, "told": told(shown.rows), "q": asked["q"], "ways": WAYS,
        "asked": {name: value for name, value in asked.items() if value},
        "states": [(state, *looks) for state, looks in WORDS.items()],
    }  # fmt: skip
    return render(request, "pages/messages.html", context)


@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One message in full."""
    row = get_object_or_404(access.seen(Message, request.user).select_related("task", "subtask"), pk=pk)
    context = {"one": told([row], shown=None)[0], "open": True}
    return render(request, "pages/message.html", context)


@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed message again, or an uncertain one at once."""
    row = get_object_or_404(access.seen(Message, request.user), pk=pk)
    try:
        publishing.resend(row, by=f"user:{request.user.username}")
        toasts.success(request, "It will be sent again in a moment.")
    except Refused as refused:
        toasts.error(request, str(refused))
    return redirect(back(request))


def narrow(rows: QuerySet[Message], asked: dict[str, str]) -> QuerySet[Message]:
    """The messages that were asked for. Words match a task, a correlation, or the latest envelopes."""
    rows = rows.select_related("task", "subtask")
    if asked["task"]:
        rows = rows.filter(task__key__iexact=asked["task"])
    if asked["direction"] in WAYS:
        rows = rows.filter(direction=asked["direction"])
    if asked["channel"]:
        rows = rows.filter(channel=asked["channel"])
    if asked["state"] in M.values:
        rows = rows.filter(state=asked["state"])
    for word in asked["q"].split():
        tasks = Task.objects.filter(Q(key__iexact=word) | Q(title__icontains=word))
        newest = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0
        rows = rows.filter(
            Q(task__in=list(tasks.values_list("pk", flat=True)[:200]))
            | Q(correlation_id=word)
            | Q(pk__gt=newest - LATEST, envelope__icontains=word)
        )
    return rows


def of_task(task: Task) -> list[dict[str, Any]]:
    """What crossed the border for one task, oldest first: as it happened."""
    return told(task.messages.select_related("task", "subtask").order_by("id")[:500])


def told(rows: Iterable[Message], shown: int | None = SHOWN) -> list[dict[str, Any]]:
    """Messages as a page shows them; an envelope is cut after `shown` characters."""
    return [_told(row, shown) for row in rows]


def _told(row: Message, shown: int | None) -> dict[str, Any]:
    envelope = row.envelope if isinstance(row.envelope, dict) else {}
    raw = mask(json.dumps(row.envelope, indent=2, ensure_ascii=False))
    condition, word = WORDS[M(row.state)]
    return {
        "message": row, "sender": str(envelope.get("from", "")), "to": str(envelope.get("to", "")),
        "type": str(envelope.get("type", "")), "stage": stage_title(row.subtask.stage) if row.subtask else "",
        "condition": condition, "word": word, "again": _again(row), "raw": raw[:shown],
        "cut": len(raw) > (shown or len(raw)),
    }  # fmt: skip


def _again(row: Message) -> datetime | None:
    """When a message that has not arrived is tried again, where that is not at once."""
    waits = row.state in (M.PENDING, M.UNCERTAIN) and row.not_before > clock.now()
    return row.not_before if waits else None
