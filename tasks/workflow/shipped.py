"""Brings the YAML of agents and workflows into the database: a new version where one changed."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from agents import definition, staff
from agents.models import AgentVersion
from tasks import access, log, workflow
from tasks.models import WorkflowVersion


def sync(by: str, *, agents: Path = definition.FOLDER, workflows: Path = workflow.FOLDER) -> list[str]:
    """Sync all agents, those in the workflows' own folders too, then all workflows; returns what
    changed ("writer v2").

    Raises `agents.strict_yaml.Unreadable` at the first file that cannot be used; what was synced
    before it stays.
    """
    access.require(by, "sync")
    folders = [agents, *sorted(workflows.glob("*/agents"))]
    changed: list[AgentVersion | WorkflowVersion | None] = [
        hire(one, by=by) for folder in folders for one in definition.read_all(folder).values()
    ]
    known = staff.definitions()
    for folder in sorted(path.parent for path in workflows.glob("*/workflow.yaml")):
        changed.append(workflow.sync(folder, known, by=by))
    return [str(version) for version in changed if version]


def hire(one: definition.Definition, *, by: str, note: str = "") -> AgentVersion | None:
    """Store an agent's definition as a new version, with its event; None where nothing changed."""
    access.require(by, "configure")
    with transaction.atomic():
        version = staff.store(one, by=by, note=note)
        if version:
            log.record("agent.version", by=by, agent=one.name, number=version.number, note=note)
    return version
