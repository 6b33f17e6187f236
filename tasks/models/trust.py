"""Authority that an agent has earned: a kind of remark it may act on by itself in one workflow."""

from __future__ import annotations

from django.db import models

from tasks.history.changes import Recorded

from .workflow import Workflow


class Trust(Recorded):
    """Given by an admin on evidence, taken away when agreement drops (`tasks/people/authority.py`)."""

    NOUN = "trust"
    LOGGED = (
        "workflow_id",
        "agent",
        "kind",
        "open",
        "evidence",
        "given_by",
        "given_at",
        "ended_by",
        "ended_at",
    )
    MASKED = ("ended_why",)
    HASHED = ("ended_why",)
    OF_TASK = ""

    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="trust")
    agent = models.CharField(max_length=64)
    kind = models.CharField(max_length=40, help_text="kind of finding")
    # 1 while it holds, NULL once it ended: one per kind at a time, on every database.
    open = models.PositiveSmallIntegerField(null=True, default=1)
    evidence = models.JSONField(help_text="judged, agreed, low: when it was given")
    given_by = models.CharField(max_length=100)
    given_at = models.DateTimeField()
    looked_at = models.DateTimeField(help_text="when its record was last looked at")
    ended_by = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "agent", "kind", "open"], name="trust_once"),
        ]
