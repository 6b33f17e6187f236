"""Who is configured to do what: reads and stores the versions of agents.

Every change is a new version; a run that has begun keeps the one it began with.
"""

from __future__ import annotations

import hashlib
import json

from django.db import transaction

from .definition import Definition
from .models import Agent, AgentVersion


def active(slug: str) -> AgentVersion | None:
    """The version that new runs of this agent use; None where there is no such agent."""
    agent = Agent.objects.select_related("active__agent").filter(slug=slug).first()
    return agent.active if agent else None


def definitions() -> dict[str, Definition]:
    """Every configured agent's active definition, by name."""
    versions = AgentVersion.objects.filter(pk__in=Agent.objects.values("active")).select_related("agent")
    return {one.agent.slug: Definition.model_validate(one.definition) for one in versions}


def offered() -> dict[str, Definition]:
    """What shipped files say of agents that keep the wording a person chose, by name."""
    versions = AgentVersion.objects.filter(pk__in=Agent.objects.exclude(offered=None).values("offered"))
    return {
        one.agent.slug: Definition.model_validate(one.definition) for one in versions.select_related("agent")
    }


def store(definition: Definition, *, by: str, note: str = "", shipped: bool = False) -> AgentVersion | None:
    """Make `definition` the active version of its agent; a shipped file is only offered if a person chose
    what is active. None if it says nothing new."""
    data = definition.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        agent, _ = Agent.objects.select_for_update().get_or_create(slug=definition.name)
        if agent.knows(digest, shipped=shipped):
            return None
        number = (agent.versions.values_list("number", flat=True).first() or 0) + 1
        version = AgentVersion.objects.create(
            agent=agent, number=number, definition=data, sha256=digest, shipped=shipped, note=note[:200],
            created_by=by,
        )  # fmt: skip
        agent.take(version, by=by)
    return version
