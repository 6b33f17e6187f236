"""When to inject which task, and which occurrences already did."""

from __future__ import annotations

from django.db import models

from .workflow import Workflow


class Schedule(models.Model):
    """A cron line in a zone. With `input` it injects a task; without, it starts the backlog."""

    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=64)
    cron = models.CharField(max_length=100)
    zone = models.CharField(max_length=64)
    input = models.JSONField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["workflow", "name"]
        constraints = [models.UniqueConstraint(fields=["workflow", "name"], name="schedule_name")]


class Occurrence(models.Model):
    """One due moment of a schedule. The unique row is what makes it happen exactly once."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="occurrences")
    due_at = models.DateTimeField()
    done_at = models.DateTimeField()
    started = models.JSONField(default=list, help_text="keys of the tasks it started")

    class Meta:
        ordering = ["-due_at"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="occurrence_once")]
