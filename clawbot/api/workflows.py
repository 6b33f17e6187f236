"""Workflows: what may be injected, and what it must bring."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from clawbot.shapes import workflow_shape
from tasks import access
from tasks.models import Workflow

from . import schemas
from .doorkeeper import asker
from .paging import everything

router = Router(tags=["Workflows"])


@router.get("", response=schemas.page(schemas.Workflow), summary="List workflows")
def listed(request: HttpRequest) -> HttpResponse:
    """Every workflow by its active version, with its stages and the JSON Schema of its input."""
    return everything(map(workflow_shape, access.seen(Workflow, asker(request)).select_related("active")))
