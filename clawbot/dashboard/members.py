"""Who has which role where: the members of one workflow, and everybody on one page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from agents.contract import Refused
from clawbot.people.models import User
from tasks import access
from tasks.models import Member, Workflow
from tasks.people import members

#: role -> what it says of itself
ROLES = {
    "viewers": "Viewer: looks",
    "editors": "Editor: injects, edits, decides reviews",
    "operators": "Operator: also pauses, retries, skips, overrides",
    "admins": "Admin: also changes members and versions",
}


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """The members; `person` and `role` (empty: none) in the address ask what a change would do, posted they
    make it."""
    flow = get_object_or_404(access.seen(Workflow, request.user).filter(active__isnull=False), slug=slug)
    asked = request.POST if request.method == "POST" else request.GET
    name, role = asked.get("person", ""), asked.get("role", "")
    person = User.objects.filter(username=name, is_active=True).first() if name else None
    if request.method == "POST":
        return _change(request, flow, name, role)
    why_not = access.reason(request.user, "people", flow)
    rows = Member.objects.filter(workflow=flow, user__is_active=True).select_related("user")
    return render(request, "pages/members.html", {
        "flow": flow, "rows": rows.order_by("user__username"), "roles": ROLES, "why_not": why_not,
        "house": _house(), "people": User.objects.filter(is_active=True).order_by("username"),
        "person": person, "role": role if role in ROLES else "", "asked": person is not None and not why_not,
        "consequences": members.consequences(flow, person, role if role in ROLES else "") if person else [],
    })  # fmt: skip


def _change(request: HttpRequest, flow: Workflow, name: str, role: str) -> HttpResponse:
    by = f"user:{request.user.username}"
    try:
        if role:
            members.give(flow, name, role, by=by)
            messages.success(request, f"{name} has the role {role.removesuffix('s')} in {flow.title}.")
        else:
            members.take(flow, name, by=by)
            messages.success(request, f"{name} is no member of {flow.title} any more.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("members", slug=flow.slug)


def _house() -> list[tuple[User, str]]:
    """Who has a role everywhere, by their group."""
    found = [(one, access.level(one)) for one in User.objects.filter(is_active=True).order_by("username")]
    return [(one, access.GROUPS[level]) for one, level in found if level >= 0]


@require_GET
def everybody(request: HttpRequest) -> HttpResponse:
    """Everybody who may come in, with their role in the house and in each workflow."""
    why_not = access.reason(request.user, "people")
    people = User.objects.prefetch_related("memberships__workflow").order_by("-is_active", "username")
    rows: list[dict[str, Any]] = [
        {"person": one, "role": access.GROUPS[level] if (level := access.level(one)) >= 0 else "",
         "members": one.memberships.all()}
        for one in ([] if why_not else people)
    ]  # fmt: skip
    context = {"rows": rows, "why_not": why_not, "flows": Workflow.objects.exclude(active=None)}
    return render(request, "pages/people.html", context, status=403 if why_not else 200)
