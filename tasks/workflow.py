"""Reads and checks a workflow's YAML, and keeps its versions.

The file is the source: `sync` makes a new immutable version where the checked content changed.
Everything that could make a task stick for ever (a cycle, a missing agent, an artifact nobody makes)
is refused here, with file, line, what was found and what would be right.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cronsim import CronSim, CronSimError
from django.db import transaction
from jsonschema import Draft202012Validator, SchemaError
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from agents.definition import Definition, Duration
from agents.strict_yaml import Document, Unreadable, check, load, nearest

from . import access, clock, log
from .models import Workflow, WorkflowVersion

FOLDER = Path(__file__).parent / "workflows"
HUMAN = "human"
OUTPUT = re.compile(r"(staging|published)/[A-Za-z0-9_/{}.,-]+")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Closed(BaseModel):
    """A part of the file: keys that nobody declared are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cron(Closed):
    """When the orchestrator starts the backlog: a cron line in a zone."""

    cron: str
    zone: str = "UTC"

    @field_validator("cron")
    @classmethod
    def _readable(cls, value: str) -> str:
        try:
            CronSim(value, clock.now())
        except CronSimError as error:
            raise ValueError(f"not a cron line ({error}). Five fields, e.g. 0 4 * * 1-5") from None
        return value

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("not a time zone. Use a name like Europe/Berlin or UTC") from None
        return value


class SendBack(Closed):
    """Where a reviewing stage returns work to, and how often before a person is asked."""

    to: Name
    at_most: int = Field(3, ge=1, le=20)


class Retry(Closed):
    """How often a stage is tried, and the pause before the second try (doubled each time)."""

    times: int = Field(3, ge=1, le=20)
    backoff: Duration = Field(30.0, ge=0, le=86_400)


class Deciders(Closed):
    """Who may answer a gate: a group, how many of it, and whether the author is excluded."""

    group: str = "editors"
    count: int = Field(1, ge=1, le=10)
    four_eyes: bool = False

    @field_validator("group")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in access.GROUPS[1:]:
            raise ValueError(nearest(value, list(access.GROUPS[1:])))
        return value


class Rung(Closed):
    """One rung of a due ladder: after a pause, remind the owner or bring in a group."""

    after: Duration = Field(0.0, ge=0, le=30 * 86_400)
    remind: str = ""
    escalate: str = ""


class Due(Closed):
    """By when a person should answer, and what happens then. A wait never fails by time-out."""

    after: Duration = Field(..., gt=0, le=90 * 86_400)
    then: tuple[Rung, ...] = ()


class Stage(Closed):
    """One step of a workflow."""

    name: Name
    agent: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    needs: tuple[Name, ...] = ()
    done_as: Name
    title: str = Field("", max_length=40)
    judges: str = ""
    send_back: SendBack | None = None
    timeout: Duration | None = Field(None, gt=0, le=86_400)
    retry: Retry = Retry()
    output: str = ""
    notify: tuple[str, ...] = ()
    deciders: Deciders = Deciders()
    due: Due | None = None

    @field_validator("output")
    @classmethod
    def _safe(cls, value: str, info: ValidationInfo) -> str:
        if value and (not OUTPUT.fullmatch(value) or ".." in value or "//" in value):
            raise ValueError(
                "a path below staging/ or published/ made of letters, digits, - _ . and "
                "{date} {slug} {key} {php,html,md}"
            )
        return value


class Definition_(Closed):
    """A whole workflow file."""

    name: Name
    title: str = Field(..., min_length=1, max_length=120)
    key: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,7}$")]
    about: str = Field("", max_length=1000)
    schedule: Cron | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    materials: dict[Name, str] = Field(default_factory=dict)
    stages: tuple[Stage, ...] = Field(..., min_length=1, max_length=60)


def read(
    path: Path, agents: dict[str, Definition], people: Callable[[str], int] | None = None
) -> dict[str, Any]:
    """Read `workflow.yaml` at `path` (or in the folder `path`) into a checked definition.

    `agents` are the configured agents by name; `people` tells how many belong to a group, where that
    is known. Raises `Unreadable` with one sentence per problem.
    """
    file = path / "workflow.yaml" if path.is_dir() else path
    name = f"{file.parent.name}/{file.name}"
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable([f"{name}: cannot be read ({error}). Save it as UTF-8 text."]) from None
    document = load(text, name)
    definition = check(document, Definition_)
    problems = [*_graph(document, definition, agents), *_schema(document, text, name)]
    problems += _policies(document, definition, people) if people else []
    if problems:
        raise Unreadable(problems)
    data = definition.model_dump(mode="python")
    data["input"] = load(text, name, scalars="json").value.get("input") or {}
    data["materials"] = {key: _lend(file.parent, glob) for key, glob in definition.materials.items()}
    return json.loads(json.dumps(data))


def _schema(document: Document, text: str, name: str) -> list[str]:
    """The task's input must be a JSON Schema that a validator understands."""
    schema = load(text, name, scalars="json").value.get("input") or {}
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ("input", *(part for part in error.absolute_path))
        return [document.problem(f"not a JSON Schema: {error.message}", *where)]
    return []


def _graph(document: Document, definition: Definition_, agents: dict[str, Definition]) -> list[str]:
    """Everything about stages that one stage alone cannot know."""
    problems: list[str] = []
    names = [stage.name for stage in definition.stages]

    def say(index: int, text: str, *path: str | int) -> None:
        problems.append(document.problem(text, "stages", index, *path))

    made = {kind for stage in definition.stages for kind in _returns(stage, agents)}
    for index, stage in enumerate(definition.stages):
        if stage.name in names[:index]:
            say(index, f"the stage `{stage.name}` is there twice. Give one another name.", "name")
        for other in stage.needs:
            if other not in names:
                say(index, f"needs `{other}`, which is no stage. {nearest(other, names)}", "needs")
        if stage.agent != HUMAN and stage.agent not in agents:
            say(
                index,
                f"no agent is called `{stage.agent}`. {nearest(stage.agent, [*agents, HUMAN])}",
                "agent",
            )
        elif stage.agent != HUMAN:
            for kind in agents[stage.agent].accepts:
                if kind not in made:
                    say(
                        index,
                        f"`{stage.agent}` accepts `{kind}`, which no stage of this workflow returns.",
                        "agent",
                    )
        before = upstream(stage.name, [s.model_dump() for s in definition.stages])
        if stage.judges and stage.judges not in before:
            say(
                index,
                f"judges `{stage.judges}`, which does not run before it. "
                f"{nearest(stage.judges, sorted(before))}",
                "judges",
            )
        if stage.send_back and stage.send_back.to not in before:
            say(
                index,
                f"sends back to `{stage.send_back.to}`, which does not run before it. "
                f"{nearest(stage.send_back.to, sorted(before))}",
                "send_back",
                "to",
            )
        for group in stage.notify:
            if group not in access.GROUPS:
                say(
                    index,
                    f"notifies `{group}`, which is no group. {nearest(group, list(access.GROUPS))}",
                    "notify",
                )
        if stage.name in before:
            say(
                index,
                f"`{stage.name}` needs itself, by way of {', '.join(sorted(before))}. Remove one `needs`.",
                "needs",
            )
    return problems


def _policies(document: Document, definition: Definition_, people: Callable[[str], int]) -> list[str]:
    """A gate that could never open is refused here, not found out by the first task that waits at it."""
    problems = []
    for index, stage in enumerate(definition.stages):
        rule = stage.deciders
        wanted = max(rule.count, 2 if rule.four_eyes else 1)
        if stage.agent != HUMAN or wanted < 2 or people(rule.group) >= wanted:
            continue
        text = (
            f"asks for {wanted} different people of {rule.group}, and there are {people(rule.group)}. "
            f"Add somebody to {rule.group}, or ask for fewer."
        )
        problems.append(document.problem(text, "stages", index, "deciders"))
    return problems


def _returns(stage: Stage, agents: dict[str, Definition]) -> tuple[str, ...]:
    return agents[stage.agent].returns if stage.agent in agents else ()


def _lend(folder: Path, glob: str) -> dict[str, str]:
    """The texts of the workflow's own files that every task's agents may read, by file stem."""
    files = sorted(
        path for path in folder.glob(glob) if path.is_file() and path.resolve().is_relative_to(folder)
    )
    return {path.stem: path.read_text("utf-8")[:50_000] for path in files[:50]}


def upstream(name: str, stages: list[dict[str, Any]]) -> set[str]:
    """The names of all stages that must be done before this one; contains `name` itself in a cycle."""
    needs = {stage["name"]: tuple(stage["needs"]) for stage in stages}
    seen: set[str] = set()
    todo = list(needs.get(name, ()))
    while todo:
        stage = todo.pop()
        if stage not in seen:
            seen.add(stage)
            todo.extend(needs.get(stage, ()))
    return seen


def downstream(name: str, stages: list[dict[str, Any]]) -> list[str]:
    """This stage and all that wait for it, in the order of the file."""
    return [
        stage["name"] for stage in stages if stage["name"] == name or name in upstream(stage["name"], stages)
    ]


def check_input(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a task's input, one sentence each; empty where it fits the schema."""
    errors = sorted(Draft202012Validator({"type": "object", **schema}).iter_errors(value), key=str)
    return [f"{'.'.join(map(str, error.absolute_path)) or 'input'}: {error.message}" for error in errors]


def sync(path: Path, agents: dict[str, Definition], *, by: str) -> WorkflowVersion | None:
    """Store the workflow at `path` as a new version where it changed; None where it did not."""
    from . import schedules

    access.require(by, "sync")
    definition = read(path, agents, access.how_many)
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        workflow, _ = Workflow.objects.select_for_update().get_or_create(
            slug=definition["name"], defaults={"key": definition["key"], "title": definition["title"]}
        )
        if workflow.active and workflow.active.sha256 == digest:
            return None
        number = (workflow.versions.order_by("-number").values_list("number", flat=True).first() or 0) + 1
        version = WorkflowVersion.objects.create(
            workflow=workflow,
            number=number,
            definition=definition,
            sha256=digest,
            created_at=clock.now(),
            created_by=by,
        )
        workflow.active = version
        workflow.title, workflow.about = definition["title"], definition["about"]
        workflow.save(update_fields=["active", "title", "about"])
        schedules.sync(workflow, definition)
        log.record("workflow.version", by=by, workflow=workflow.slug, number=number)
    return version
