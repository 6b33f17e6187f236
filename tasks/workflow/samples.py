"""The sample tasks that ship with a workflow: `workflows/NAME/samples/SAMPLE/brief.yaml` and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents import json_schema
from agents.strict_yaml import load
from tasks.machine import Refused

from . import FOLDER, read_input


def workflows() -> list[str]:
    """The workflows that ship samples."""
    return sorted({path.parents[2].name for path in FOLDER.glob("*/samples/*/brief.yaml")})


def names(workflow: str) -> list[str]:
    """The samples of a workflow, `default` first."""
    found = (path.parent.name for path in (FOLDER / workflow / "samples").glob("*/brief.yaml"))
    return sorted(found, key=lambda name: (name != "default", name))


def read(workflow: str, name: str = "default") -> tuple[dict[str, Any], Path]:
    """The input of a sample, and the folder where the files it names lie. Raises Refused for an unknown
    name, `agents.strict_yaml.Unreadable` for a brief that cannot be read."""
    if name not in names(workflow):
        known = ", ".join(names(workflow)) or "none"
        raise Refused(f"Cannot inject the sample {name!r}: {workflow} ships {known}.")
    folder = FOLDER / workflow / "samples" / name
    text = (FOLDER / workflow / "workflow.yaml").read_text("utf-8")
    schema = json_schema.literal(load(text, "workflow.yaml", plain=True).value.get("input") or {})
    brief = load((folder / "brief.yaml").read_text("utf-8"), f"{name}/brief.yaml", plain=True)
    return read_input(brief, schema), folder
