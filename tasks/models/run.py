"""One attempt by one agent at one subtask, and the worker process that makes attempts."""

from __future__ import annotations

from django.db import models

from tasks.history.changes import Recorded

from .task import Subtask, Task


class Worker(models.Model):
    """A process that claims work. The lease is on this row, renewed by heartbeat: a worker whose
    `lease_until` is past (by the database's clock) is dead, and the rescue takes back what it held."""

    name = models.CharField(max_length=120, help_text="host, pid and a random tail")
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    stop_asked_at = models.DateTimeField(null=True, blank=True, help_text="the supervisor asked it to finish")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["ended_at", "lease_until"], name="worker_lease")]

    def __str__(self) -> str:
        return self.name


class Run(Recorded):
    """One attempt: who, when, what it cost, how it went."""

    NOUN = "run"
    LOGGED = (
        "task_id", "subtask_id", "fence", "agent", "agent_version", "worker_name", "status", "ended_at",
        "tokens_in", "tokens_out", "cost_usd",
    )  # fmt: skip
    MASKED = ("brief", "summary", "error", "notes")
    HASHED = ("brief", "summary", "error", "notes")

    class Status(models.TextChoices):
        DOING = "doing"
        DONE = "done"
        RETURNED = "returned"  # its agent sent the judged work back
        ESCALATED = "escalated"
        RETRIED = "retried"
        FAILED = "failed"  # its agent says that it cannot be done
        ASKED = "asked"  # it asked another system; the next run reads the answer
        LOST = "lost"  # its worker died
        STOPPED = "stopped"  # fenced off by a person
        DISCARDED = "discarded"  # came back late, or its task was changed meanwhile

    task = models.ForeignKey(Task, models.CASCADE, related_name="runs")
    subtask = models.ForeignKey(Subtask, models.CASCADE, related_name="runs", db_index=False)
    fence = models.PositiveIntegerField()
    agent = models.CharField(max_length=64)
    agent_version = models.PositiveIntegerField(null=True, help_text="number of the AgentVersion it used")
    worker_name = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DOING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    brief = models.JSONField(null=True, help_text="the envelope it was given")
    summary = models.CharField(max_length=300, blank=True)
    error = models.TextField(blank=True)
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    notes = models.JSONField(default=list, help_text="the notepad: [{at, text, data}]")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["subtask", "fence"], name="run_fence")]
        indexes = [models.Index(fields=["agent", "-ended_at"], name="run_history")]
