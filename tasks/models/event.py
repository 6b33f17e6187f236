"""One line of the append-only log. Events are for reading, rows are for deciding."""

from __future__ import annotations

from django.db import models

from .task import Task


class Event(models.Model):
    """What happened, to what, by whom. The live feed tails this table; no rule reads it."""

    kind = models.CharField(max_length=40, help_text="one of log.KINDS")
    task = models.ForeignKey(Task, models.CASCADE, null=True, related_name="events", db_index=False)
    stage = models.CharField(max_length=64, blank=True)
    by = models.CharField(max_length=100)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["task", "id"], name="event_by_task"),
            models.Index(fields=["kind", "id"], name="event_by_kind"),
        ]


class Wake(models.Model):
    """The doorbell's row: one per queue. Setting `pending` from False to True is what wakes a drain
    (django-q2 task, NOTIFY); losing it loses nothing."""

    queue = models.CharField(max_length=32, unique=True)
    pending = models.BooleanField(default=False)
    rung_at = models.DateTimeField(null=True, blank=True)
