"""When to inject which task, and which occurrences already did."""

from __future__ import annotations

from django.db import models

from tasks.history.changes import Recorded

from .workflow import Workflow


class Schedule(Recorded):
    """A cron line in a zone. With `input` it injects a task; without, it starts the backlog."""

    NOUN = "schedule"
    LOGGED = ("workflow_id", "name", "cron", "zone", "misfire", "paused_at", "paused_by")
    MASKED = ("paused_why",)
    HASHED = ("input", "paused_why")
    OF_TASK = ""

    class Misfire(models.TextChoices):
        """What becomes of times that were missed because nothing ran."""

        NEWEST = "newest"  # only the newest one is made up for
        ALL = "all"  # each one, oldest first
        SKIP = "skip"  # none

    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=64)
    cron = models.CharField(max_length=100)
    zone = models.CharField(max_length=64)
    input = models.JSONField(null=True, blank=True)
    misfire = models.CharField(max_length=6, choices=Misfire.choices, default=Misfire.NEWEST)
    next_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=100, blank=True)
    paused_why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["workflow", "name"]
        constraints = [models.UniqueConstraint(fields=["workflow", "name"], name="schedule_name")]

    def __str__(self) -> str:
        return f"{self.workflow.slug}/{self.name}"


class Occurrence(Recorded):
    """One due moment of a schedule. The unique row is what makes it happen exactly once."""

    NOUN = "occurrence"
    LOGGED = ("schedule_id", "due_at", "done_at", "by", "started")
    MASKED = ("trouble",)
    HASHED = ("trouble",)
    OF_TASK = ""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="occurrences")
    due_at = models.DateTimeField()
    done_at = models.DateTimeField()
    by = models.CharField(max_length=100, default="orchestrator:schedule", help_text="or who ran it by hand")
    started = models.JSONField(default=list, help_text="keys of the tasks it started")
    trouble = models.TextField(blank=True, help_text="why it could not start its task")

    class Meta:
        ordering = ["-due_at"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="occurrence_once")]
