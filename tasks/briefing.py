"""Builds what an agent is given: a Brief from the task, its stage, the agent's active version and the
newest artifacts it accepts. Reads only; a batch costs a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from agents import llm
from agents.contract import Brief, Given, Refused, Request
from agents.definition import Definition
from agents.registry import Role, role
from agents.tools import Toolbox

from . import clock, output, versions, workspace
from .desk import Desk
from .lifecycle import Claimed
from .models import Artifact, WorkflowVersion
from .workflow import upstream


@dataclass
class Papers:
    """A claimed subtask, ready to be worked on: brief, desk, and who does it within which time."""

    claimed: Claimed
    role: Role
    brief: Brief
    desk: Desk
    seconds: float  # the stage's timeout, else the agent's
    targets: dict[str, str]  # files of the stage by suffix
    built_on: list[str]  # hashes of the given artifacts


def prepare(claimed: Sequence[Claimed]) -> list[Papers | tuple[Claimed, str]]:
    """Papers for every claimed subtask, or the reason why one cannot be worked on."""
    shelf = _Shelf(claimed)
    papers: list[Papers | tuple[Claimed, str]] = []
    for one in claimed:
        try:
            papers.append(_papers(one, shelf))
        except Exception as error:
            papers.append((one, f"Its brief could not be made: {error}"))
    return papers


def _papers(claimed: Claimed, shelf: _Shelf) -> Papers:
    definition = _definition(claimed)
    stage = shelf.stage(claimed)
    targets = output.paths(claimed.task, stage["output"]) if stage["output"] else {}
    given = shelf.given(claimed, definition)
    brief = _brief(claimed, definition, stage, given, tuple(targets.values()) or shelf.written(claimed))
    claimed.run.brief = _envelope(brief)
    toolbox = Toolbox(definition.grants(), workspace.root(claimed.task.key))
    return Papers(
        claimed=claimed, role=role(definition.role), brief=brief, targets=targets,
        desk=Desk(lambda: llm.model(definition.model), toolbox, definition.limits),
        seconds=stage["timeout"] or definition.limits.timeout, built_on=[one.sha256 for one in given],
    )  # fmt: skip


def _brief(
    claimed: Claimed,
    definition: Definition,
    stage: dict[str, Any],
    given: Iterable[Given],
    paths: tuple[str, ...],
) -> Brief:
    task, row = claimed.task, claimed.subtask
    version = versions.workflow(task.workflow_version_id)
    return Brief(
        task=task.key, title=task.title, stage=row.stage, agent=row.agent, role=definition.role,
        instructions=definition.instructions, voice=definition.voice_text(), input=task.input,
        materials=version.definition.get("materials", {}), artifacts=tuple(given),
        requests=tuple(_request(one) for one in row.requests), round=row.round, attempt=row.attempts,
        files=workspace.names(task.key) if definition.tools else (), output=paths, returns=definition.returns,
        settings=definition.settings, authority=definition.authority.model_dump(mode="json"),
        sent_by=_sender(version, stage), sent_at=clock.now(),
    )  # fmt: skip


def _request(asked: dict[str, Any]) -> Request:
    return Request(**{name: asked[name] for name in ("number", "text", "quote", "by") if name in asked})


def _sender(version: WorkflowVersion, stage: dict[str, Any]) -> str:
    """The hand-off comes from whoever did the stage before."""
    before = [version.stage(name)["agent"] for name in stage["needs"]]
    return next((agent for agent in reversed(before) if agent != "human"), "clawbot")


def _envelope(brief: Brief) -> dict[str, Any]:
    """What is kept of the hand-off: artifacts by kind, number and hash (their rows hold the text), and
    the workflow's materials by name."""
    envelope = brief.envelope()
    data = envelope["data"]
    data["artifacts"] = [
        {key: one[key] for key in ("kind", "number", "sha256", "made_by")} for one in data["artifacts"]
    ]
    data["materials"] = {name: sorted(texts) for name, texts in data["materials"].items()}
    return envelope


def _definition(claimed: Claimed) -> Definition:
    number = claimed.run.agent_version
    if number is None:
        raise Refused(f"no agent {claimed.subtask.agent!r} is configured. Add it, then retry.")
    return versions.agent(claimed.subtask.agent, number)


class _Shelf:
    """What a batch of briefs takes from the database, fetched at once."""

    def __init__(self, claimed: Sequence[Claimed]) -> None:
        for one in claimed:
            one.task.workflow_version = versions.workflow(one.task.workflow_version_id)
        accepting = [one.task.pk for one in claimed if self._may_be_given(one)]
        self._artifacts: dict[int, dict[str, Artifact]] = defaultdict(dict)
        newest = (
            Artifact.objects.filter(task__in=accepting)
            .order_by()
            .values("task", "kind")
            .annotate(newest=Max("id"))
        )
        for artifact in (
            Artifact.objects.filter(pk__in=[row["newest"] for row in newest]) if accepting else ()
        ):
            self._artifacts[artifact.task_id][artifact.kind] = artifact

    @staticmethod
    def _may_be_given(one: Claimed) -> bool:
        """The first stage of a task has nothing before it."""
        return bool(one.task.stage_status) or one.subtask.round > 1

    @staticmethod
    def stage(claimed: Claimed) -> dict[str, Any]:
        """The stage's part of the workflow."""
        return claimed.task.workflow_version.stage(claimed.subtask.stage)

    def given(self, claimed: Claimed, definition: Definition) -> list[Given]:
        """The newest artifacts of the kinds the agent accepts, and of the kind the stage judges."""
        mine = self._artifacts.get(claimed.task.pk, {})
        wanted = set(definition.accepts)
        if judged := self.stage(claimed)["judges"]:
            wanted |= {kind for kind, artifact in mine.items() if artifact.stage == judged}
        return [
            Given(
                kind=kind,
                number=one.number,
                text=one.text,
                data=one.data,
                sha256=one.sha256,
                made_by=one.made_by,
            )
            for kind, one in sorted(mine.items())
            if kind in wanted
        ]

    def written(self, claimed: Claimed) -> tuple[str, ...]:
        """The files of the latest earlier stage that wrote some."""
        before = upstream(claimed.subtask.stage, claimed.task.workflow_version.stages)
        files = [
            one
            for one in self._artifacts.get(claimed.task.pk, {}).values()
            if one.path and one.stage in before
        ]
        if not files:
            return ()
        latest = max(files, key=lambda one: one.pk).stage
        return tuple(one.path for one in sorted(files, key=lambda one: one.pk) if one.stage == latest)
