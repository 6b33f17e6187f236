"""Brings the YAML of agents and workflows into the database: a new version if one changed.

A file never overrides a person: see `offers`.
"""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from agents import contract, definition, llm, staff
from agents.models import Agent, AgentVersion
from agents.strict_yaml import Unreadable
from tasks import access, log, workflow
from tasks.models import WorkflowVersion


def sync(
    by: str, *, agents: Path = definition.FOLDER, workflows: Path = workflow.FOLDER, shipped: bool = True
) -> list[str]:
    """Sync all agents, those in the workflows' own folders too, then all workflows; returns what
    changed ("writer v2"), and what is only offered because a person chose what is active.

    Raises `agents.strict_yaml.Unreadable` at the first file that cannot be used; what was synced
    before it stays.
    """
    access.require(by, "sync")
    folders = [agents, *sorted(workflows.glob("*/agents"))]
    changed: list[AgentVersion | WorkflowVersion | None] = [
        _store(one, by=by, shipped=shipped)
        for folder in folders for one in definition.read_all(folder, models).values()
    ]  # fmt: skip
    known, refused = staff.definitions(), []
    for folder in sorted(path.parent for path in workflows.glob("*/workflow.yaml")):
        try:
            changed.append(workflow.sync(folder, known, by=by, shipped=shipped))
        except Unreadable as error:
            _only_for_want_of_offers(folder, known, error)
            refused.append(f"{folder.name}: its new file needs an offered update of an agent. {error}")
    return [said(version) for version in changed if version] + refused


def said(version: AgentVersion | WorkflowVersion) -> str:
    """What a sync made, in words: "writer v4", and what is active instead if it is only offered."""
    head = version.agent if isinstance(version, AgentVersion) else version.workflow
    if head.offered_id != version.pk or head.active is None:
        return str(version)
    who = head.chosen_by.removeprefix("user:")
    return (
        f"{version} is offered: {head.slug} keeps v{head.active.number}, which {who} chose. Read what "
        "differs on its page, then use it or keep yours."
    )


def _only_for_want_of_offers(
    folder: Path, known: dict[str, definition.Definition], error: Unreadable
) -> None:
    """A file that goes with an update which a person has not taken must not keep the house from starting.
    Raises `error` if the file could not be used with the offered agents either."""
    offered = staff.offered()
    if not offered:
        raise error
    try:
        workflow.read(folder, known | offered)
    except Unreadable:
        raise error from None


def hire(one: definition.Definition, *, by: str, note: str = "") -> AgentVersion | None:
    """Store an agent's definition as a new version, with its event; None if nothing changed.

    Raises `agents.strict_yaml.Unreadable` if a workflow that names the agent could not work with it.
    """
    access.require(by, "configure")
    fits(one)
    return _store(one, by=by, note=note)


def _store(
    one: definition.Definition, *, by: str, note: str = "", shipped: bool = False
) -> AgentVersion | None:
    with transaction.atomic():
        version = staff.store(one, by=by, note=note, shipped=shipped)
        if version and version.agent.offered_id == version.pk:
            log.record("agent.offered", by=by, agent=one.name, number=version.number, sha256=version.sha256)
        elif version:
            log.record(
                "agent.version",
                by=by,
                agent=one.name,
                number=version.number,
                sha256=version.sha256,
                note=note,
            )
    return version


def fits(one: definition.Definition) -> None:
    """Raises `agents.strict_yaml.Unreadable` for what the workflows that name this agent lose by it."""
    if problems := workflow.lost(one):
        raise Unreadable(problems)


def models(agent: str) -> set[str]:
    """The models that an agent may ask for: those of this house, and the one that it has, so that a house
    which has lost a model still starts. Raises `agents.strict_yaml.Unreadable` for CLAWBOT_MODELS itself."""
    try:
        known = set(llm.names())
    except contract.Refused as refused:
        raise Unreadable([str(refused)]) from None
    has = Agent.objects.filter(slug=agent).values_list("active__definition__model", flat=True).first()
    return known | ({has} if has else set())
