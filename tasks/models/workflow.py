"""A named graph of stages, and its immutable versions."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db import models

from agents.models import Worded
from tasks.history.changes import Recorded


class Workflow(Worded, Recorded):
    """A kind of work. Tasks run under one of its versions, and keep it."""

    NOUN = "workflow"
    LOGGED = ("slug", "title", "key", "active_id")
    HASHED = ("about",)
    OF_TASK = ""

    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=120)
    key = models.CharField(max_length=8, unique=True, help_text="tasks read KEY-142")
    about = models.TextField(blank=True)
    last_number = models.PositiveIntegerField(default=0, help_text="the newest task's number")
    active = models.ForeignKey("WorkflowVersion", models.PROTECT, null=True, blank=True, related_name="+")
    offered = models.ForeignKey("WorkflowVersion", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class WorkflowVersion(Recorded):
    """One immutable wording of a workflow, as validated from YAML (`tasks/workflow/__init__.py`)."""

    NOUN = "workflow version"
    LOGGED = ("workflow_id", "number", "sha256", "created_by")
    HASHED = ("definition",)
    OF_TASK = ""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    sha256 = models.CharField(max_length=64)
    shipped = models.BooleanField(default=False, help_text="from the file that comes with Clawbot")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=100)

    class Meta:
        ordering = ["workflow", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_number"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} v{self.number}"

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages in the order of the file."""
        return list(self.definition["stages"])

    def stage(self, name: str) -> dict[str, Any]:
        """One stage by name, `STAGE.undo` as its compensation; KeyError where the version has none of
        that name."""
        bare, dot, _ = name.partition(".")
        for stage in self.definition["stages"]:
            if stage["name"] == bare:
                return undo_of(stage) if dot else dict(stage)
        raise KeyError(name)

    @cached_property
    def routes(self) -> bool:
        """Whether a task may pass over some stages."""
        return any(stage.get("when") for stage in self.definition["stages"])

    @cached_property
    def special(self) -> frozenset[str]:
        """The stages that no worker simply claims once they are ready: see `tasks/arrivals.py`."""
        return frozenset(
            stage["name"]
            for stage in self.definition["stages"]
            if stage["agent"] in {"human", ""} or self.routes or stage.get("when") or stage.get("each")
        )


#: An undo is tried longer than a deed: giving up leaves the world half changed.
UNDO_TIMES = 10


def undo_of(stage: dict[str, Any]) -> dict[str, Any]:
    """The stage that takes back `stage`, as if the file had it: see `tasks/compensation.py`."""
    retry = {"times": max(UNDO_TIMES, stage["retry"]["times"]), "backoff": stage["retry"]["backoff"]}
    return {
        **stage,
        "name": f"{stage['name']}.undo", "agent": stage["undo"], "done_as": f"{stage['name']}_undone",
        "needs": [], "retry": retry, "judges": "", "send_back": None, "when": None, "each": "", "inject": "",
        "undo": "", "on_failure": "escalate", "output": "", "title": "",
    }  # fmt: skip
