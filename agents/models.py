"""The configured staff: an Agent and its immutable versions.

Nothing here runs an agent; the drain reads the active version and builds a brief from it.
"""

from __future__ import annotations

from django.db import models


class Agent(models.Model):
    """A member of staff by name. What it does is in its active version."""

    slug = models.SlugField(max_length=64, unique=True)
    active = models.ForeignKey(
        "AgentVersion", models.PROTECT, null=True, blank=True, related_name="+", help_text="what new runs use"
    )
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
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=100)

    class Meta:
        ordering = ["agent", "-number"]
        constraints = [models.UniqueConstraint(fields=["agent", "number"], name="agent_version_number")]

    def __str__(self) -> str:
        return f"{self.agent} v{self.number}"
