"""What Clawbot owes people and what became of it: the outbox, each message as it was written."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from agents.contract import Refused
from clawbot.redirects import back
from tasks import access, outbox
from tasks.models import Message, Notice
from tasks.people import deliveries as doubtful

from .paging import page

S = Notice.State

#: state -> (condition, word)
WORDS = {
    S.PENDING: ("queued", "Waiting"),
    S.SENDING: ("running", "Sending"),
    S.SENT: ("done", "Sent"),
    S.UNCERTAIN: ("warn", "Uncertain"),
    S.DEAD: ("failed", "Failed"),
}
KINDS = {
    "completion": "Ready for approval",
    "escalation": "Decision needed",
    "stalled": "Stalled",
    "silent": "Standing still",
    "overdue": "Overdue",
    "decided": "Decided",
    "trust": "Trust",
    "tampered": "Changed outside",
}


@require_GET
def deliveries(request: HttpRequest) -> HttpResponse:
    """The newest notices; `state`, `carrier` and `task` narrow them."""
    asked = {name: request.GET.get(name, "") for name in ("state", "carrier", "task")}
    rows = access.seen(Notice, request.user).select_related("task", "review")
    if asked["state"] in S.values:
        rows = rows.filter(state=asked["state"])
    if asked["carrier"]:
        rows = rows.filter(carrier=asked["carrier"])
    if asked["task"]:
        rows = rows.filter(task__key__iexact=asked["task"])
    shown = page(rows, request.GET.get("before", ""))
    for notice in shown.rows:
        notice.condition, notice.word = WORDS[notice.state]
        notice.title = KINDS.get(notice.kind, notice.kind.capitalize())
    context = {
        "page": shown, "asked": asked, "narrowed": any(asked.values()),
        "states": [(state, *looks) for state, looks in WORDS.items()],
    }  # fmt: skip
    return render(request, "pages/deliveries.html", context)


@require_POST
def answer(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """`check` looks for an uncertain message; `resend` sends a failed one again, or an uncertain one at the
    risk of a second copy."""
    notice, by = get_object_or_404(access.seen(Notice, request.user), pk=pk), f"user:{request.user.username}"
    try:
        if verb == "check":
            outbox.check(notice, by=by)
            messages.success(request, "Clawbot looks for it now.")
        else:
            outbox.resend(notice, by=by)
            messages.success(request, "It will be sent again in a moment.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))


@require_POST
def arrived(request: HttpRequest, pk: int, noun: str) -> HttpResponse:
    """A person has seen it where it was meant to go: it counts as sent, and is never sent again."""
    row: Any = get_object_or_404(access.seen(Notice if noun == "notice" else Message, request.user), pk=pk)
    try:
        doubtful.delivered(row, by=f"user:{request.user.username}")
        messages.success(request, "It counts as delivered.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))
