"""A message owed to people, delivered once: the outbox."""

from __future__ import annotations

from typing import Any

from django.db import models

from tasks.history.changes import Recorded

from .review import Review
from .task import Task


class Notice(Recorded):
    """One owed message on one carrier. pending -> sending -> sent | uncertain | pending | dead."""

    NOUN = "notice"
    LOGGED = ("key", "kind", "carrier", "recipient", "task_id", "review_id", "created_at")
    MASKED = ("content", "text", "error")
    HASHED = ("content", "text")
    OF_TASK = ""  # some are about no task
    UNIQUE = ("key",)

    class State(models.TextChoices):
        PENDING = "pending"
        SENDING = "sending"
        SENT = "sent"
        UNCERTAIN = "uncertain"  # it may have arrived; found out before it is repeated
        DEAD = "dead"

    key = models.CharField(max_length=200, unique=True, help_text="one message per key, for ever")
    kind = models.CharField(max_length=20, help_text="completion, escalation, stalled, overdue, decided")
    carrier = models.CharField(max_length=20, help_text="console, slack: a file in tasks/carriers/")
    recipient = models.CharField(max_length=120, help_text="group or person: editors, user:ana")
    task = models.ForeignKey(Task, models.CASCADE, null=True, related_name="notices")
    review = models.ForeignKey(Review, models.SET_NULL, null=True, related_name="notices")
    content = models.JSONField(help_text="the facts of the message: title, path, summary, ...")
    text = models.TextField(help_text="the message as one plain text")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField()
    sending_until = models.DateTimeField(null=True, blank=True, help_text="the sender's deadline")
    sent_at = models.DateTimeField(null=True, blank=True)
    remote = models.JSONField(default=dict, help_text="where it arrived: channel, ts")
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "not_before", "id"], name="notice_due")]

    @classmethod
    def beside_columns(cls) -> dict[int, dict[str, Any]]:
        """How far each has come: the line that says so is no change, and a delivery tells nothing else."""
        return {pk: {"state": state} for pk, state in cls.objects.values_list("pk", "state")}
