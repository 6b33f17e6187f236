"""What an agent has earned, on its page: the record in figures and bars, Trust and End trust, the history."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.contract import Refused
from agents.definition import Definition
from agents.models import Agent
from clawbot import trust
from tasks import access
from tasks.models import Trust, Workflow
from tasks.people import authority


@dataclass(frozen=True)
class Row:
    """One kind of remark as the table shows it. Places in the bar are percent of its width."""

    record: authority.Record
    changes_nothing: str  # why trust would change nothing; empty where it would

    @property
    def kind(self) -> str:
        return self.record.kind.replace("_", " ")

    @property
    def low(self) -> float:
        return round(100 * self.record.low, 1)

    @property
    def width(self) -> float:
        return round(100 * (self.record.high - self.record.low), 1)

    @property
    def share(self) -> float:
        return round(100 * self.record.share, 1)

    @property
    def words(self) -> str:
        """The numbers of the bar: what it shows, for those who read."""
        one = self.record
        if not one.judged:
            return "not judged yet"
        return f"{one.share:.0%}, from {one.low:.0%} to {one.high:.0%}"


@dataclass(frozen=True)
class Flow:
    """One workflow's table."""

    workflow: Workflow
    rows: list[Row]
    may: bool  # whether this person may trust and end trust here


@dataclass(frozen=True)
class Panel:
    """The section of the agent's page."""

    flows: list[Flow]
    history: list[Trust]
    budget: str
    words: int
    least: float = 100 * authority.LEAST_SHARE
    ends: str = field(
        default=f"when people agreed with fewer than {authority.TOO_FEW:.0%} of its newest {authority.NEWEST}"
    )


def panel(slug: str, definition: Definition, user: Any) -> Panel | None:
    """The record of one agent; None for one that makes no remarks."""
    kept = trust.kept(slug, user)
    rule = definition.authority
    if not kept and rule.correct == "none":
        return None
    return Panel(
        flows=[
            Flow(flow, [Row(one.record, _idle(rule, one.record)) for one in rows],
                 access.can(user, "configure", flow))
            for flow, rows in groupby(kept, key=lambda one: one.workflow)
        ],
        history=trust.history(slug, user),
        budget=_budget(rule),
        words=rule.words,
    )  # fmt: skip


def _budget(rule: Any) -> str:
    """What it may correct without having earned anything, in a sentence."""
    if rule.correct == "none":
        return "By its file it corrects nothing by itself."
    kinds = " and ".join(kind.replace("_", " ") for kind in rule.kinds) or "every kind"
    which = "minor and major" if rule.correct == "all" else "minor"
    return f"By its file it corrects {which} remarks of {kinds} by itself, at most {rule.words} words a run."


def _idle(rule: Any, record: authority.Record) -> str:
    if rule.correct == "none":
        return "Its file says that it corrects nothing, so trust would change nothing."
    if rule.correct == "all":
        return "Its file lets it correct everything already."
    return ""


@require_POST
def act(request: HttpRequest, slug: str) -> HttpResponse:
    """Trust, or end trust; admins only, and what the evidence does not support is refused with the reason."""
    get_object_or_404(Agent, slug=slug)
    given = request.POST
    verb, kind = given.get("verb", ""), given.get("kind", "")
    try:
        if verb not in trust.VERBS:
            raise Refused(f"Cannot {verb or 'do that'}: choose Trust or End trust.")
        new = trust.act(
            verb, workflow=given.get("workflow", ""), agent=slug, kind=kind,
            by=f"user:{request.user.username}", why=given.get("why", ""),
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        what = kind.replace("_", " ")
        said = f"{slug} is trusted with {what}." if verb == "raise" else f"Trust in {slug} with {what} ended."
        messages.success(request, said if new else f"It was so already. {said}")
    return redirect(f"{reverse('agent', args=[slug])}#trust")
