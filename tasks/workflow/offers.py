"""What a shipped file says although a person chose what is active: it is offered, and a person answers.

`sync` records the new words as a version that nobody works by yet (`agents.models.Worded.take`). *Use it*
makes it the active one, and from then on its file is followed again; *Keep mine* puts it aside. The same
words of a file are offered once.
"""

from __future__ import annotations

from django.db import transaction

from agents.definition import Definition
from agents.models import Agent, AgentVersion
from tasks import access, log
from tasks.machine import Refused
from tasks.models import Workflow, WorkflowVersion

from . import rollback, shipped


def use(thing: Agent | Workflow, number: int, *, by: str) -> bool:
    """Make the offered version `number` the active one; False if it is active already. Refuses a version
    that is not offered, and one that could not work."""
    if isinstance(thing, Workflow):
        access.require(by, "activate", thing)
        with transaction.atomic():
            if not _offered(thing, number):
                return False
            rollback.activate(thing.slug, number, by=by)
        return True
    access.require(by, "configure")
    with transaction.atomic():
        agent = Agent.objects.select_for_update().get(pk=thing.pk)
        if not _offered(agent, number):
            return False
        assert agent.offered is not None
        shipped.fits(Definition.model_validate(agent.offered.definition))
        was = agent.active.number if agent.active else None
        agent.activate(agent.offered, by=by)
        log.record("agent.activated", by=by, agent=agent.slug, number=number, was=was)
    return True


def keep(thing: Agent | Workflow, number: int, *, by: str) -> bool:
    """Put the offered version `number` aside: what is active stays. False if it was put aside already."""
    is_agent = isinstance(thing, Agent)
    access.require(by, "configure" if is_agent else "activate", None if is_agent else thing)
    with transaction.atomic():
        if not type(thing).objects.filter(pk=thing.pk, offered__number=number).update(offered=None):
            return False
        if is_agent:
            log.record("agent.kept", by=by, agent=thing.slug, number=number)
        else:
            log.record("workflow.kept", by=by, workflow=thing.slug, number=number)
    return True


def _offered(thing: Agent | Workflow, number: int) -> bool:
    """Whether this version waits for an answer; False if it is active already."""
    fresh = type(thing).objects.select_related("active", "offered").get(pk=thing.pk)
    if fresh.offered and fresh.offered.number == number:
        return True
    if fresh.active and fresh.active.number == number:
        return False
    now = f"v{fresh.offered.number} is" if fresh.offered else "nothing is"
    raise Refused(f"Cannot use {thing.slug} v{number}: {now} offered now. Look at it again, then decide.")


def waiting() -> list[AgentVersion | WorkflowVersion]:
    """Every offer that nobody has answered yet."""
    agents = AgentVersion.objects.filter(pk__in=Agent.objects.exclude(offered=None).values("offered"))
    flows = WorkflowVersion.objects.filter(pk__in=Workflow.objects.exclude(offered=None).values("offered"))
    return [
        *agents.select_related("agent__active").order_by("agent__slug"),
        *flows.select_related("workflow__active").order_by("workflow__slug"),
    ]


def head(version: AgentVersion | WorkflowVersion) -> Agent | Workflow:
    """Whose version it is."""
    return version.agent if isinstance(version, AgentVersion) else version.workflow
