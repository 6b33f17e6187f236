"""The configured staff: an Agent and its immutable versions.

Nothing here runs an agent; the drain reads the active version and builds a brief from it.
"""

from __future__ import annotations

from typing import Any

from django.db import models


class Worded(models.Model):
    """What is worded by files and by people: whoever spoke last has the say, and a file never overrides a
    person. Who inherits has `versions`, an `active` one, and the `offered` one that waits for an answer."""

    active: Any
    offered: Any
    versions: Any
    chosen_by = models.CharField(
        max_length=100, blank=True, help_text="who chose the active version; empty: it follows its file"
    )

    class Meta:
        abstract = True

    def knows(self, sha256: str, *, shipped: bool) -> bool:
        """Whether these words need no new version: they are active, or their file offered them before."""
        if self.active and self.active.sha256 == sha256:
            return True
        return shipped and bool(self.chosen_by) and self._shipped() == sha256

    def take(self, version: Any, *, by: str) -> bool:
        """Make a new version the active one, or only offer it (False) if it came from a file and a person
        chose what is active now. The caller has locked the row."""
        if version.shipped and self.chosen_by:
            self.offered = version
            self.save(update_fields=["offered"])  # type: ignore[misc]
            return False
        self.activate(version, by=by)
        return True

    def activate(self, version: Any, *, by: str) -> None:
        """Make `version` the active one because `by` says so. With the newest words of its file it follows
        the file again. The caller has locked the row."""
        self.active = version
        follows = not by.startswith("user:") or self._shipped() == version.sha256
        self.chosen_by = "" if follows else by
        if self.offered and self.offered.sha256 == version.sha256:
            self.offered = None
        self.save(update_fields=["active", "chosen_by", "offered"])  # type: ignore[misc]

    def _shipped(self) -> str | None:
        """The hash of what the file said last."""
        newest = self.versions.filter(shipped=True).order_by("-number").first()
        return newest.sha256 if newest else None


class Agent(Worded):
    """A member of staff by name. What it does is in its active version."""

    slug = models.SlugField(max_length=64, unique=True)
    active = models.ForeignKey(
        "AgentVersion", models.PROTECT, null=True, blank=True, related_name="+", help_text="what new runs use"
    )
    offered = models.ForeignKey("AgentVersion", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class AgentVersion(models.Model):
    """One immutable wording of an agent (role, instructions, model, tools, limits, authority)."""

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField(help_text="the agent's YAML, validated (agents/definition.py)")
    sha256 = models.CharField(max_length=64)
    shipped = models.BooleanField(default=False, help_text="from the file that comes with Clawbot")
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=100)

    class Meta:
        ordering = ["agent", "-number"]
        constraints = [models.UniqueConstraint(fields=["agent", "number"], name="agent_version_number")]

    def __str__(self) -> str:
        return f"{self.agent} v{self.number}"
