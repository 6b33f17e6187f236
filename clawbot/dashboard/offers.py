"""An update that a shipped file offers of an agent or a workflow: what differs, *Use it* and *Keep mine*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.contract import Refused
from agents.definition import Definition
from agents.models import Agent, AgentVersion
from clawbot.numbers import whole
from tasks import access
from tasks.models import Workflow, WorkflowVersion
from tasks.workflow import offers

from . import versions
from .versions import Block


@dataclass(frozen=True)
class Offer:
    """One offered version beside the active one, as a page shows it."""

    version: AgentVersion | WorkflowVersion
    active: AgentVersion | WorkflowVersion
    chosen_by: str
    blocks: list[Block]
    action: str
    why_not: str  # why this person may not answer it; empty if they may


def of(thing: Agent | Workflow, user: Any) -> Offer | None:
    """What is offered of this agent or workflow; None if nothing is."""
    if thing.offered is None or thing.active is None:
        return None
    if isinstance(thing, Agent):
        old, new = (Definition.model_validate(one.definition).yaml() for one in (thing.active, thing.offered))
        blocks = [Block("The agent", "changed", versions.lines(old, new))]
        noun, why_not = "agent", access.reason(user, "configure")
    else:
        blocks = versions.changes(thing.active, thing.offered)
        noun, why_not = "workflow", access.reason(user, "activate", thing)
    action = reverse(f"{noun}_offer", args=[thing.slug])
    return Offer(thing.offered, thing.active, thing.chosen_by, blocks, action, why_not)


@require_POST
def act(request: HttpRequest, noun: str, slug: str) -> HttpResponse:
    """Use the offered version, or keep what is active."""
    there = Agent.objects.all() if noun == "agent" else access.seen(Workflow, request.user)
    thing: Any = get_object_or_404(there.select_related("active", "offered"), slug=slug)
    verb, by = request.POST.get("verb", ""), f"user:{request.user.username}"
    number = whole(request.POST.get("number", ""))
    if verb not in ("use", "keep") or number is None:
        raise Http404("An offered update is answered with `use` or `keep` and its number.")
    try:
        if verb == "use":
            offers.use(thing, number, by=by)
            messages.success(request, f"{slug} v{number} is active. From now on it follows its file again.")
        else:
            offers.keep(thing, number, by=by)
            messages.success(request, f"{slug} stays as it is. v{number} remains in the list of versions.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(noun, slug=slug)
