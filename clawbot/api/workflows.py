"""Workflows: what may be injected, and what it must bring."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from clawbot.acts import Unknown
from clawbot.shapes import workflow_shape
from tasks import access
from tasks.models import Workflow
from tasks.workflow import offers

from . import schemas
from .doorkeeper import asker
from .once import once
from .paging import everything, reply

router = Router(tags=["Workflows"])


@router.get("", response=schemas.page(schemas.Workflow), summary="List workflows")
def listed(request: HttpRequest) -> HttpResponse:
    """Every workflow by its active version, with its stages and the JSON Schema of its input."""
    return everything(
        map(workflow_shape, access.seen(Workflow, asker(request)).select_related("active", "offered"))
    )


@router.post("/{slug}/offer", response=schemas.Workflow, summary="Answer an offered update")
@once
def offer(request: HttpRequest, slug: str, given: schemas.Offered) -> HttpResponse:
    """`use` makes it active, `keep` puts it aside. Admins only."""
    by = asker(request)
    there = access.seen(Workflow, by).select_related("active", "offered")
    flow = there.filter(slug=slug).first()
    if flow is None:
        raise Unknown(f"There is no workflow {slug!r}.")
    (offers.use if given.verb == "use" else offers.keep)(flow, given.number, by=by)
    return reply(workflow_shape(there.get(pk=flow.pk)))
