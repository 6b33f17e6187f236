"""Agents: who does what, by which version."""

from __future__ import annotations

from typing import Any, Literal

import yaml
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from agents.definition import loads
from agents.models import Agent
from clawbot import trust
from clawbot.acts import Unknown
from clawbot.shapes import agent_shape, agent_version_shape
from tasks import access
from tasks.workflow import offers, shipped

from . import schemas
from .doorkeeper import asker
from .once import once
from .paging import Before, Limit, everything, page, reply
from .problems import Invalid

router = Router(tags=["Agents"])


@router.get("", response=schemas.page(schemas.Agent), summary="List the staff")
def listed(request: HttpRequest) -> HttpResponse:
    """Every agent by its active version."""
    return everything(map(agent_shape, Agent.objects.select_related("active", "offered")))


@router.get("/{slug}/versions", response=schemas.page(schemas.AgentVersion), summary="List versions")
def versions(request: HttpRequest, slug: str, limit: Limit, before: Before) -> HttpResponse:
    """Every wording there was, newest first."""
    agent = _agent(slug)

    def shapes(rows: list[Any]) -> list[Any]:
        return [agent_version_shape(one, active=one.pk == agent.active_id) for one in rows]

    return page(request, agent.versions.select_related("agent"), shapes, limit=limit, before=before)


class NewVersion(schemas.Given):
    """A new wording, as YAML or as the same thing in JSON: exactly one of them."""

    model_config = schemas.example(yaml="name: writer\nrole: writer\n...", note="Shorter sentences")

    yaml: str | None = Field(None, max_length=60_000, description="What a file of agents/definitions/ holds")
    definition: dict[str, Any] | None = None
    note: str = Field("", max_length=200, description="What changed")


@router.post(
    "/{slug}/versions",
    response={201: schemas.AgentVersion, 200: schemas.AgentVersion},
    summary="Make a version and activate it",
)
@once
def make(request: HttpRequest, slug: str, given: NewVersion) -> HttpResponse:
    """Running tasks keep theirs. 200 where the active version says the same already."""
    by = asker(request)
    access.require(by, "configure")
    _agent(slug)
    if (given.yaml is None) == (given.definition is None):
        raise Invalid("Cannot make a version: give `yaml` or `definition`, one of them.")
    text = given.yaml if given.yaml is not None else yaml.safe_dump(given.definition, sort_keys=False)
    definition = loads(text, "definition", shipped.models)
    if definition.name != slug:
        raise Invalid(f"This is {slug}; its name cannot change to {definition.name}.")
    version = shipped.hire(definition, by=by, note=given.note)
    now = version or _agent(slug).active
    assert now is not None  # hire() has just stored or found one
    return reply(agent_version_shape(now, active=True), 201 if version else 200)


@router.post("/{slug}/offer", response=schemas.Agent, summary="Answer an offered update")
@once
def offer(request: HttpRequest, slug: str, given: schemas.Offered) -> HttpResponse:
    """`use` makes it active, `keep` puts it aside. Admins only."""
    by, agent = asker(request), _agent(slug)
    (offers.use if given.verb == "use" else offers.keep)(agent, given.number, by=by)
    return reply(agent_shape(_agent(slug)))


@router.get("/{slug}/trust", response=schemas.page(schemas.Trust), summary="List what it has earned")
def trust_record(request: HttpRequest, slug: str) -> HttpResponse:
    """How often people agreed with each kind of its remarks, by workflow, and where it is trusted."""
    return everything(map(trust.shape, trust.kept(_agent(slug).slug, asker(request))))


class NewTrust(schemas.Given):
    """Trust it with one kind of remark in one workflow, or no more."""

    model_config = schemas.example(verb="raise", workflow="article", kind="banned_word")

    verb: Literal["raise", "end"]
    workflow: str = Field(max_length=64)
    kind: str = Field(max_length=40)
    why: str = Field("", max_length=300, description="For the history, with `end`")


@router.post("/{slug}/trust", response=schemas.page(schemas.Trust), summary="Trust it, or end that")
@once
def trust_act(request: HttpRequest, slug: str, given: NewTrust) -> HttpResponse:
    """Admins only. `raise` is refused with what is missing while the record does not support it."""
    by, agent = asker(request), _agent(slug).slug
    if given.verb == "raise" and given.why:
        raise Invalid("Cannot keep a `why` with `raise`: the record is the reason. Leave it out.")
    trust.act(given.verb, workflow=given.workflow, agent=agent, kind=given.kind, by=by, why=given.why)
    return everything(map(trust.shape, trust.kept(agent, by)))


def _agent(slug: str) -> Agent:
    found = Agent.objects.select_related("active__agent", "offered").filter(slug=slug).first()
    if found is None:
        names = ", ".join(Agent.objects.values_list("slug", flat=True)) or "none yet"
        raise Unknown(f"There is no agent {slug!r}. There are: {names}.")
    return found
