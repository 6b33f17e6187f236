"""A hold: "stop here", on everything, a workflow, an agent or one task."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.history.changes import Recorded


class Hold(Recorded):
    """Placed by a person, read by the claim's WHERE. Lifted, never deleted."""

    NOUN = "hold"
    LOGGED = ("scope", "target", "why", "placed_by", "placed_at", "until", "lifted_at", "lifted_by", "open")
    MASKED = ("why",)
    OF_TASK = ""

    class Scope(models.TextChoices):
        ALL = "all"
        WORKFLOW = "workflow"
        AGENT = "agent"
        TASK = "task"

    scope = models.CharField(max_length=8, choices=Scope.choices)
    target = models.CharField(max_length=64, blank=True, help_text="workflow slug, agent slug or task key")
    why = models.CharField(max_length=300)
    placed_by = models.CharField(max_length=100)
    placed_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="lifts itself then")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=100, blank=True)
    # 1 while it holds, NULL once lifted: one open hold per scope and target, on every database.
    open = models.PositiveSmallIntegerField(null=True, default=1)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "target", "open"], name="hold_one_open"),
            models.CheckConstraint(
                condition=Q(open=1, lifted_at__isnull=True, lifted_by="")
                | (Q(open__isnull=True, lifted_at__isnull=False) & ~Q(lifted_by="")),
                name="hold_lifted_says_who",
            ),
        ]
