"""Versions of agents and workflows that this process has read. They never change, so once is enough."""

from __future__ import annotations

from functools import lru_cache

from agents.definition import Definition
from agents.models import AgentVersion
from tasks.models import WorkflowVersion


@lru_cache(maxsize=256)
def workflow(pk: int) -> WorkflowVersion:
    """A workflow's version. Raises DoesNotExist."""
    return WorkflowVersion.objects.get(pk=pk)


@lru_cache(maxsize=512)
def agent(slug: str, number: int) -> Definition:
    """An agent's version. Raises DoesNotExist."""
    definition = AgentVersion.objects.values_list("definition", flat=True).get(
        agent__slug=slug, number=number
    )
    return Definition.model_validate(definition)


def forget() -> None:
    """Read everything anew: for tests, whose databases begin again and again with the same keys."""
    workflow.cache_clear()
    agent.cache_clear()
