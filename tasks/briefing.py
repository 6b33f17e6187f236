"""Builds what an agent is given: a Brief from the task, its stage, the agent's active version and the
newest artifacts it accepts. Reads only; a batch costs a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q

from agents import llm
from agents.contract import Brief, Given, Item, Refused, Request
from agents.definition import Definition, Limits
from agents.registry import Role, role
from agents.tools import Toolbox

from . import artifacts, clock, output, proof, workspace
from .border import messages
from .desk import Desk
from .models import Artifact, Subtask, Task, WorkflowVersion
from .people import authority, grants
from .results import Claimed
from .workflow import versions
from .workflow.graph import UNDO, upstream

#: of a run's files, so many are kept in the hand-off
SHOWN_FILES = 50
#: a list longer than this is no small fact: it is there to fan out over
LONGEST_LIST = 200


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
            if isinstance(error, proof.Tampered):
                proof.alarm(error)
            papers.append((one, f"Its brief could not be made: {error}"))
    return papers


def _papers(claimed: Claimed, shelf: _Shelf) -> Papers:
    definition = _definition(claimed)
    stage = shelf.stage(claimed)
    row = claimed.subtask
    targets = output.paths(claimed.task, stage["output"], row.item) if stage["output"] else {}
    given = shelf.given(claimed, definition)
    brief = _brief(claimed, definition, stage, given, tuple(targets.values()) or shelf.written(claimed))
    brief = brief.model_copy(update=shelf.more(claimed, stage))
    claimed.run.brief = _envelope(brief)
    toolbox = Toolbox(definition.grants(), workspace.root(claimed.task.key))
    return Papers(
        claimed=claimed, role=role(definition.role), brief=brief, targets=targets,
        desk=Desk(lambda: llm.model(definition.model), toolbox, _limits(definition, stage)),
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
        files=_files(row, task.key) if definition.tools else (), output=paths, returns=definition.returns,
        settings=definition.settings, authority=_authority(claimed, definition),
        message_format=definition.message_format.model_dump(exclude_defaults=True),
        sent_by=_sender(version, stage), sent_at=clock.now(),
    )  # fmt: skip


def _authority(claimed: Claimed, definition: Definition) -> dict[str, Any]:
    """What the agent may decide by itself; where its kinds are counted out, with those it has earned."""
    given = definition.authority.model_dump(mode="json")
    if given["kinds"]:
        given["kinds"] = sorted(
            {*given["kinds"], *authority.trusted(claimed.task.workflow_id, definition.name)}
        )
    return given


def _limits(definition: Definition, stage: dict[str, Any]) -> Limits:
    """The agent's limits, tightened by those of the stage."""
    own = {name: value for name, value in (stage.get("limits") or {}).items() if value is not None}
    limits = definition.limits
    return limits.model_copy(update={name: min(value, getattr(limits, name)) for name, value in own.items()})


def _files(row: Subtask, key: str) -> tuple[str, ...]:
    """The files of the workspace that a run may read: an item that names files gets only those."""
    if not row.item:
        return workspace.names(key)
    root = workspace.root(key)
    words = row.given if isinstance(row.given, list) else [row.given]
    paths = [word.get("path") if isinstance(word, dict) else word for word in words]
    named = [path for path in paths if isinstance(path, str) and workspace.holds(root, path)]
    return tuple(named) or workspace.names(key)


def _key(row: Subtask, task: Task, stage: dict[str, Any], undone: int) -> str:
    """The same for every attempt at one piece of work. An effect that can be undone is the same piece in
    every round until it was undone, so that running a stage again does not charge a card again."""
    part = f"{task.key}/{row.stage}" + (f"/{row.item}" if row.item else "")
    return f"{part}/u{undone}" if stage.get("undo") or row.stage.endswith(UNDO) else f"{part}/{row.round}"


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
    for item in data["items"]:
        item["artifacts"] = [
            {key: one[key] for key in ("kind", "number", "sha256")} for one in item["artifacts"]
        ]
    if len(data["files"]) > SHOWN_FILES:
        rest = len(data["files"]) - SHOWN_FILES
        data["files"] = [*data["files"][:SHOWN_FILES], f"and {rest:,} more"]
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
        self._fields = _said(accepting)
        newest = (
            artifacts.works()
            .filter(Q(subtask=None) | Q(subtask__item=""), task__in=accepting)
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
        writes = bool(self.stage(claimed)["output"])
        return [_given(one, file=writes) for kind, one in sorted(mine.items()) if kind in wanted]

    def more(self, claimed: Claimed, stage: dict[str, Any]) -> dict[str, Any]:
        """What only some stages are given: facts, items, answers, what to undo and why."""
        task, row = claimed.task, claimed.subtask
        before = upstream(row.stage, task.workflow_version.stages)
        said = self._fields.get(task.pk, {})
        undoing = row.stage.endswith(UNDO)
        found: dict[str, Any] = {
            "correlation_id": task.correlation_id or task.key,
            "fields": said if undoing else {name: fields for name, fields in said.items() if name in before},
            "key": _key(row, task, stage, _undone(row) if stage.get("undo") or undoing else 0),
        }
        if undoing:
            found |= {"undo": row.stage.removesuffix(UNDO), "why": str((row.given or {}).get("why", ""))}
            found["item"] = (row.given or {}).get("item")
        elif row.item:
            found["item"] = row.given
        if items := _shares(row, task, stage):
            found["items"] = items
        if row.attempts > 1:
            found["replies"] = messages.replies(row)
            found["granted"] = grants.of(row)
        return found

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


def _said(tasks: list[int]) -> dict[int, dict[str, dict[str, Any]]]:
    """The small facts of the finished stages of these tasks, by task and stage."""
    found: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    if not tasks:
        return found
    rows = Subtask.objects.filter(task__in=tasks, live=1, item="", status=Subtask.Status.DONE)
    for task, stage, fields in rows.exclude(fields={}).values_list("task", "stage", "fields"):
        found[task][stage] = {
            name: value
            for name, value in fields.items()
            if not (isinstance(value, list) and len(value) > LONGEST_LIST)
        }
    return found


def _undone(row: Subtask) -> int:
    """How often the effect of a stage was taken back already."""
    bare = row.stage.removesuffix(UNDO)
    past = Subtask.objects.filter(task=row.task_id, stage=bare + UNDO, item=row.item).exclude(pk=row.pk)
    return past.filter(finished_at__isnull=False, fence__gt=0).count()


def _shares(row: Subtask, task: Task, stage: dict[str, Any]) -> tuple[Item, ...]:
    """What earlier items brought: the own share of one that stands for several, else all that a needed
    fan-out brought."""
    share = row.given if row.item and isinstance(row.given, dict) and "of" in row.given else None
    if share:
        wanted = Subtask.objects.filter(stage=share["of"], item__gte=share["first"], item__lte=share["last"])
    elif row.item:
        return ()
    else:
        spread = [name for name in stage["needs"] if task.workflow_version.stage(name).get("each")]
        if not spread:
            return ()
        wanted = Subtask.objects.filter(stage__in=spread)
    rows = list(wanted.filter(task=task, live=1).exclude(item="").order_by("position", "item"))
    made: dict[int, list[Artifact]] = defaultdict(list)
    newest = artifacts.works().filter(subtask__in=[one.pk for one in rows], stale_since=None)
    for artifact in newest.order_by("id"):
        made[artifact.subtask_id or 0].append(artifact)
    return tuple(_item(one, made[one.pk]) for one in rows)


def _item(row: Subtask, made: list[Artifact]) -> Item:
    missing = "" if row.status == Subtask.Status.DONE else row.reason or row.status
    return Item(item=row.given, fields=row.fields, artifacts=tuple(map(_given, made)), missing=missing)


def _given(one: Artifact, *, file: bool = False) -> Given:
    """What an agent is handed: the text as it was made, and where files are written also their bytes."""
    proof.proven(one, what=f"hand {one} on", file=file)
    return Given(
        kind=one.kind, number=one.number, text=one.text, data=one.data, sha256=one.sha256, made_by=one.made_by
    )
