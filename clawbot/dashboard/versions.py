"""The versions of a workflow, and what differs between two of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from django.db.models import Count, Q
from pydantic import ValidationError

from clawbot import diff
from tasks.models import Task, Workflow, WorkflowVersion
from tasks.workflow.shape import Shape

#: The parts of a file that have a block of their own; stages follow, one each.
PARTS = ("about", "schedule", "limits", "services", "input")


@dataclass(frozen=True)
class Block:
    """One part of a workflow that is not the same in both versions."""

    name: str
    fate: str  # added, removed, changed
    lines: tuple[tuple[diff.Piece, ...], ...]


def versions(flow: Workflow) -> list[WorkflowVersion]:
    """All versions, newest first, each with how many tasks ever ran (`tasks_all`) and still run under it."""
    still = Count("tasks", filter=~Q(tasks__status=Task.Status.DONE))
    found: list[WorkflowVersion] = list(
        flow.versions.annotate(tasks_all=Count("tasks"), tasks_still=still).order_by("-number")
    )
    for version in found:
        version.number_text = str(version.number)  # type: ignore[attr-defined]
    return found


def changes(old: WorkflowVersion, new: WorkflowVersion) -> list[Block]:
    """What differs, part by part in the order of the newer one; parts that went come last."""
    before, after = _parts(old.definition), _parts(new.definition)
    found = []
    for name in [*after, *(name for name in before if name not in after)]:
        left, right = before.get(name, ""), after.get(name, "")
        if left != right:
            fate = "changed" if left and right else "added" if right else "removed"
            found.append(Block(name, fate, lines(left, right)))
    return found


def lines(left: str, right: str) -> tuple[tuple[diff.Piece, ...], ...]:
    """Two texts line by line, because YAML is: a changed value stands beside the one it replaces."""
    before, after = left.splitlines(), right.splitlines()
    return tuple(
        diff.block(before[i] if i is not None else "", after[j] if j is not None else "")
        for i, j in diff.pairs(before, after)
    )


def _parts(definition: Mapping[str, Any]) -> dict[str, str]:
    """A definition as blocks of YAML by name: the head, what has a block of its own, every stage."""
    said = _said(definition)
    found = {"The workflow": _yaml({k: v for k, v in said.items() if k not in {*PARTS, "stages"}})}
    for part in PARTS:
        if said.get(part):
            found[part.capitalize()] = _yaml(said[part])
    for stage in said["stages"]:
        found[f"Stage {stage['name']}"] = _yaml(stage)
    for kind, texts in (definition.get("materials") or {}).items():
        for name, text in texts.items():
            found[f"{kind.capitalize()} {name}"] = text
    return found


def _said(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition as its file says it: a stored one also holds every key that nobody wrote."""
    bare = {**definition, "materials": {}, "input": {}}
    try:
        said = Shape.model_validate(bare).model_dump(mode="json", exclude_defaults=True)
    except ValidationError:  # a version from before a key meant what it means now
        said = bare
    return {**said, "input": definition.get("input") or {}}


def _yaml(value: Any) -> str:
    if isinstance(value, str):
        return value
    return yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False, allow_unicode=True, width=90)
