"""Placing and lifting holds, from the top bar and from the Agents page; the banner that says so."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agents.contract import Refused
from clawbot.numbers import whole
from clawbot.redirects import back
from tasks import access, supervision
from tasks.clock import now
from tasks.models import Hold

from . import pausing

LONGEST = 60 * 24 * 366  # minutes of a pause that ends by itself


@require_http_methods(["GET", "POST"])
def holds(request: HttpRequest) -> HttpResponse:
    """GET: the banner for a page that follows, else every open hold. POST: place a hold (`scope`, `target`,
    `why`, `minutes`, `stop_now`)."""
    if request.method == "GET" and request.headers.get("HX-Request"):
        return render(request, "parts/_banners.html")
    if request.method == "GET":
        there = access.seen(Hold, request.user).filter(open=1).order_by("id")
        return render(request, "pages/holds.html", {"pauses": [pausing.pause(hold) for hold in there]})
    given = request.POST
    try:
        supervision.pause(
            given.get("scope", ""), given.get("target", ""), by=f"user:{request.user.username}",
            why=given.get("why") or given.get("reason") or "", stop_now=given.get("stop_now") == "yes",
            until=_until(given.get("minutes", "")),
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))


@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One hold: who, why, until; what still finishes, and what goes on when it is lifted."""
    hold = get_object_or_404(access.seen(Hold, request.user), pk=pk)
    may = not access.reason(request.user, "resume", hold)
    context = {"hold": pausing.pause(hold), "work": pausing.work(hold), "may_lift": may}
    return render(request, "pages/hold.html", context)


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop now what still runs under a hold; each stage starts over when the hold is lifted."""
    hold = get_object_or_404(access.seen(Hold, request.user), pk=pk)
    try:
        reason = request.POST.get("why", "").strip() or hold.why
        count = supervision.stop(hold, by=f"user:{request.user.username}", reason=reason)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        said = f"{count} stopped; each starts over after the pause." if count else "Nothing ran any more."
        messages.success(request, said)
    return redirect("hold", hold.pk)


@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift one hold."""
    try:
        hold = get_object_or_404(access.seen(Hold, request.user), pk=pk)
        goes_on = pausing.goes_on(hold)
        supervision.resume(hold, by=f"user:{request.user.username}")
        messages.success(request, f"Resumed. {goes_on}")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))


def _until(minutes: str) -> datetime | None:
    """When a pause of so many minutes ends by itself; None for one without an end."""
    if not minutes.strip():
        return None
    number = whole(minutes, LONGEST)
    if not number:
        raise Refused(f"Cannot pause for {minutes[:20]!r} minutes: choose 1 to {LONGEST:,}, or no end.")
    return now() + timedelta(minutes=number)
