"""Metrics: where work waits, how long it takes, what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from clawbot import answers
from tasks import access, clock, metrics
from tasks.models import Workflow
from tasks.people import insights

from . import schemas
from .doorkeeper import asker
from .paging import everything, reply

router = Router(tags=["Metrics"])


@router.get("/stages", response=schemas.page(schemas.StageFigures), summary="Measure stages")
def stages(
    request: HttpRequest,
    hours: int = Query(24, ge=1, le=24 * 90, description="How far back"),
    workflow: str = Query("", description="Only this workflow's"),
) -> HttpResponse:
    """What is in each stage now; what left it in the last hours, how fast and for how much."""
    flows = access.seen(Workflow, asker(request))
    if workflow:
        flows = flows.filter(slug=workflow)
    return everything(metrics.stages(clock.now() - timedelta(hours=hours), flows))


@router.get("/people", response=schemas.PeopleFigures, summary="Measure how people decide")
def people(
    request: HttpRequest,
    whose: Literal["team", "me"] = Query("team", description="Everybody together, or oneself"),
) -> HttpResponse:
    """The last weeks, by week and by workflow. Nobody gets another person's figures, and where fewer than
    three people decided `figures` is null."""
    by = asker(request)
    return reply(answers.shape(insights.report(by, by if whose == "me" else "")))
