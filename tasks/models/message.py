"""An envelope that crossed the border of the system, in or out."""

from __future__ import annotations

from typing import Any

from django.db import models

from tasks.history.changes import Recorded

from .run import Run
from .task import Subtask, Task


class Message(Recorded):
    """One envelope. In: received | noted | refused. Out: pending -> sending -> sent | uncertain | dead,
    like a notice; what the `http` role posts itself is `sent` when it is written down."""

    NOUN = "message"
    LOGGED = ("direction", "key", "correlation_id", "task_id", "subtask_id", "run_id", "at")
    MASKED = ("error", "address")
    HASHED = ("envelope",)
    OF_TASK = ""  # it may find its task only later
    UNIQUE = ("key",)

    class Direction(models.TextChoices):
        IN = "in"
        OUT = "out"

    class State(models.TextChoices):
        RECEIVED = "received"  # it injected a task or let one go on
        NOTED = "noted"  # kept with its task; nothing waited for it
        REFUSED = "refused"
        PENDING = "pending"
        SENDING = "sending"
        SENT = "sent"
        UNCERTAIN = "uncertain"
        DEAD = "dead"

    direction = models.CharField(max_length=3, choices=Direction.choices)
    channel = models.CharField(max_length=40, help_text="api, http, mail, or the bridge's name")
    key = models.CharField(max_length=200, unique=True, help_text="one effect per key, for ever")
    envelope = models.JSONField(help_text="from, to, type, data, correlation_id, timestamp")
    correlation_id = models.CharField(max_length=200, blank=True, db_index=True)
    task = models.ForeignKey(Task, models.CASCADE, null=True, blank=True, related_name="messages")
    subtask = models.ForeignKey(Subtask, models.SET_NULL, null=True, blank=True, related_name="messages")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, blank=True, related_name="messages")
    state = models.CharField(max_length=9, choices=State.choices)
    address = models.CharField(max_length=300, blank=True, help_text="where it came from or went to")
    error = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField()
    sending_until = models.DateTimeField(null=True, blank=True, help_text="the sender's deadline")
    at = models.DateTimeField(help_text="when it came in, or was owed")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["direction", "state", "not_before", "id"], name="message_due")]

    @classmethod
    def beside_columns(cls) -> dict[int, dict[str, Any]]:
        """How far each has come: the line that says so is no change, and a delivery tells nothing else."""
        return {pk: {"state": state} for pk, state in cls.objects.values_list("pk", "state")}

    def __str__(self) -> str:
        return f"{self.direction} {self.key}"
