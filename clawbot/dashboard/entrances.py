"""Addresses that people and machines try before they know ours."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """`/favicon.ico`, which browsers ask for on pages that name no icon."""
    return redirect(static("favicon.svg"))


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """`/robots.txt`: nothing here is for a search engine."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain; charset=utf-8")


@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """`/settings/`: one's own."""
    return redirect("me")
