"""Reads and checks a workflow's YAML, and keeps its versions.

The file is the source: `sync` makes a new immutable version where the checked content changed.
Everything that could make a task stick for ever (a cycle, a missing agent, an artifact nobody makes)
is refused here, with file, line, what was found and what would be right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from agents import json_schema, staff
from agents.definition import Definition
from agents.strict_yaml import Document, Unreadable, check, load
from tasks import access, clock, log
from tasks.models import Workflow, WorkflowVersion
from tasks.people import policy

from . import graph
from .graph import downstream, upstream
from .shape import HUMAN, Shape

__all__ = [
    "FOLDER", "HUMAN", "Shape", "check_input", "downstream", "read", "read_input", "sync", "upstream",
]  # fmt: skip

FOLDER = Path(__file__).parent.parent / "workflows"


def read(
    path: Path,
    agents: Mapping[str, Definition],
    people: Callable[[str], set[str]] | None = None,
    workflows: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Read `workflow.yaml` at `path` (or in the folder `path`) into a checked definition.

    `agents` are the configured agents by name; `people` tells who belongs to a group, `workflows`
    which workflows there are and what each injects, where that is known. Raises `Unreadable` with one
    sentence per problem.
    """
    file = path / "workflow.yaml" if path.is_dir() else path
    name = f"{file.parent.name}/{file.name}"
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable([f"{name}: cannot be read ({error}). Save it as UTF-8 text."]) from None
    document = load(text, name)
    definition = check(document, Shape)
    marked = load(text, name, plain=True)
    schema = json_schema.literal(marked.value.get("input") or {})
    problems = graph.problems(document, definition, agents, workflows)
    problems += [*_schema(document, schema), *_files(document, definition, file.parent)]
    problems += _policies(document, definition, people) if people else []
    if problems:
        raise Unreadable(problems)
    data = definition.model_dump(mode="python")
    data["input"] = schema
    if definition.schedule and definition.schedule.input is not None:
        data["schedule"]["input"] = _scheduled(marked, schema, definition.title)
    data["materials"] = {key: _lend(file.parent, glob) for key, glob in definition.materials.items()}
    return json.loads(json.dumps(data))


def _schema(document: Document, schema: dict[str, Any]) -> list[str]:
    """The task's input must be a JSON Schema that a validator understands."""
    # 60 ms that most commands need not pay
    from jsonschema import Draft202012Validator, SchemaError

    from . import input_schema

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ("input", *(part for part in error.absolute_path))
        return [document.problem(f"not a JSON Schema: {error.message}", *where)]
    return [document.problem(problem, "input", *where) for where, problem in input_schema.problems(schema)]


def _scheduled(marked: Document, schema: dict[str, Any], title: str) -> dict[str, Any]:
    """What the schedule injects must fit the input, or it would be refused at four in the morning."""
    given = marked.value["schedule"]["input"]
    has_title = "title" in given
    given.setdefault("title", title)
    value = json_schema.read(marked, with_title(schema), "schedule", "input")
    return {name: one for name, one in value.items() if name != "title" or has_title}


def _files(document: Document, definition: Shape, folder: Path) -> list[str]:
    """The services that a workflow declares must lie in its folder."""
    return [
        document.problem(
            f"there is no file {name} beside this one. Add it, or remove the service.", "services", key
        )
        for key, name in definition.services.items()
        if not (folder / name).is_file()
    ]


def _policies(document: Document, definition: Shape, people: Callable[[str], set[str]]) -> list[str]:
    """A gate that could never open is refused here, not found out by the first task that waits at it."""
    problems = []
    for index, stage in enumerate(definition.stages):
        if stage.agent != HUMAN:
            continue
        rule = stage.deciders
        # One person is a matter of who is hired next; more than one is a matter of this file.
        asks_for_several = rule.count != 1 or rule.each or rule.four_eyes
        if asks_for_several and (text := policy.impossible(rule.model_dump(), people)):
            problems.append(document.problem(text, "stages", index, "deciders"))
        ends = stage.due.then[-1].end if stage.due and stage.due.then else ""
        if ends == "send_back" and not stage.judges:
            text = "the ladder ends with `send_back`, and the stage judges nothing. End it with `cancel`."
            problems.append(document.problem(text, "stages", index, "due"))
    return problems


def _lend(folder: Path, glob: str) -> dict[str, str]:
    """The texts of the workflow's own files that every task's agents may read, by file stem."""
    files = sorted(
        path for path in folder.glob(glob) if path.is_file() and path.resolve().is_relative_to(folder)
    )
    return {path.stem: path.read_text("utf-8")[:50_000] for path in files[:50]}


def with_title(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a task's input; every task has a title, whether its workflow says so or not."""
    said = schema.get("properties") or {}
    return {**schema, "properties": {"title": {"type": "string"}, **said}} if said else schema


def check_input(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a task's input, one sentence each; empty if it fits the schema."""
    return json_schema.problems(with_title(schema), value)


def read_input(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    """A brief that was loaded with `plain`, as the schema types it. Keys may be missing: they may be given
    beside the file.

    Raises `Unreadable` with one sentence per problem, each with its line.
    """
    if not isinstance(document.value, dict):
        raise Unreadable([document.problem("a brief is a mapping (`key: value`).")])
    return dict(json_schema.read(document, {**with_title(schema), "required": []}))


def sync(
    path: Path, agents: dict[str, Definition], *, by: str, shipped: bool = False
) -> WorkflowVersion | None:
    """Store the workflow at `path` as a new version if it changed, and activate it; a shipped file is only
    offered if a person chose what is active. None if the file says nothing new."""
    from tasks import schedules

    access.require(by, "sync")
    definition = read(path, agents, access.people, _known(path))
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        workflow, _ = Workflow.objects.select_for_update().get_or_create(
            slug=definition["name"], defaults={"key": definition["key"], "title": definition["title"]}
        )
        newest = workflow.versions.order_by("-number").first()
        # The newest, not only the active one: if an admin brought back an older version of a file of the
        # house's own, it stays until that file changes.
        if workflow.knows(digest, shipped=shipped) or (
            workflow.active and newest and newest.sha256 == digest
        ):
            return None
        number = newest.number + 1 if newest else 1
        version = WorkflowVersion.objects.create(
            workflow=workflow,
            number=number,
            definition=definition,
            sha256=digest,
            shipped=shipped,
            created_at=clock.now(),
            created_by=by,
        )
        if not workflow.take(version, by=by):
            log.record("workflow.offered", by=by, workflow=workflow.slug, number=number, sha256=digest)
            return version
        workflow.title, workflow.about = definition["title"], definition["about"]
        workflow.save(update_fields=["title", "about"])
        schedules.sync(workflow, definition)
        log.record("workflow.version", by=by, workflow=workflow.slug, number=number, sha256=digest)
    return version


def lost(agent: Definition) -> list[str]:
    """What could no longer work in the active workflows if this were the agent of its name."""
    found: list[str] = []
    for version in WorkflowVersion.objects.filter(pk__in=Workflow.objects.values("active")):
        if agent.name in {name for stage in version.stages for name in (stage["agent"], stage.get("undo"))}:
            shape = Shape.model_validate({**version.definition, "materials": {}})
            agents = staff.definitions()
            before = graph.told(shape, agents)
            found += [text for text in graph.told(shape, {**agents, agent.name: agent}) if text not in before]
    return found


def _known(path: Path) -> dict[str, Sequence[str]]:
    """The workflows that a stage may inject: those in the database, and those that lie beside this one."""
    folder = path if path.is_dir() else path.parent
    beside: dict[str, Sequence[str]] = {
        file.parent.name: () for file in folder.parent.glob("*/workflow.yaml")
    }
    active = WorkflowVersion.objects.filter(pk__in=Workflow.objects.values("active"))
    return beside | {
        version.definition["name"]: [stage["inject"] for stage in version.stages if stage.get("inject")]
        for version in active
    }
