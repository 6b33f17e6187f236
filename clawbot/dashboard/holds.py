"""Placing and lifting holds, from the top bar and from the Agents page; the banner that says so."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from tasks import supervision
from tasks.clock import now
from tasks.machine import Refused
from tasks.models import Hold


@require_http_methods(["GET", "POST"])
def holds(request: HttpRequest) -> HttpResponse:
    """GET: the banner. POST: place a hold (`scope`, `target`, `why`, `minutes`, `stop_now`)."""
    if request.method == "GET":
        return render(request, "parts/_banners.html")
    given = request.POST
    minutes = given.get("minutes", "")
    try:
        supervision.pause(
            given.get("scope", ""), given.get("target", ""), by=f"user:{request.user.username}",
            why=given.get("why") or given.get("reason") or "", stop_now=given.get("stop_now") == "yes",
            until=now() + timedelta(minutes=int(minutes)) if minutes.isdecimal() else None,
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))


@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift one hold."""
    try:
        supervision.resume(get_object_or_404(Hold, pk=pk), by=f"user:{request.user.username}")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))


def back(request: HttpRequest) -> str:
    """The page the form stood on, if it is one of ours."""
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else resolve_url("board")
