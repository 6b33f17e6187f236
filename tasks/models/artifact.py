"""Immutable numbered versions of the things that runs and people make, and remarks about them."""

from __future__ import annotations

from django.db import models

from tasks.history.changes import Recorded

from .run import Run
from .task import Subtask, Task


class Artifact(Recorded):
    """One version of one kind of thing in a task. Never updated, except `stale_since`."""

    NOUN = "artifact"
    LOGGED = ("task_id", "kind", "number", "stage", "sha256", "path", "made_by", "stale_since")
    HASHED = ("built_on",)
    NAMED_BY = ("task_id", "kind", "number")

    task = models.ForeignKey(Task, models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=40)
    number = models.PositiveIntegerField(help_text="1..n within the task and kind, without gaps")
    stage = models.CharField(max_length=64, help_text="the stage that made it, or whose work a person edited")
    subtask = models.ForeignKey(Subtask, models.SET_NULL, null=True, related_name="artifacts")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, blank=True, related_name="artifacts")
    text = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64, help_text="of the text, then of the data as canonical JSON")
    path = models.CharField(max_length=300, blank=True, help_text="file relative to CLAWBOT_DATA, if written")
    built_on = models.JSONField(default=list, help_text="SHA-256 of every artifact it was made from")
    made_by = models.CharField(max_length=100, help_text="agent:writer or user:ana")
    made_at = models.DateTimeField()
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text="when something it was built on changed"
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["task", "kind", "number"], name="artifact_number")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class Finding(Recorded):
    """One remark of a reviewing agent, anchored to a sentence of one artifact."""

    NOUN = "finding"
    LOGGED = ("task_id", "artifact_id", "number", "kind", "severity", "state", "decided_by", "source")
    HASHED = ("text", "quote", "before", "passage", "suggestion", "answer")

    class State(models.TextChoices):
        OPEN = "open"
        CORRECTED = "corrected"  # the reviewer mended it within its authority
        RESOLVED = "resolved"  # a later draft no longer has it
        AGREED = "agreed"
        DISPUTED = "disputed"

    task = models.ForeignKey(Task, models.CASCADE, related_name="findings")
    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="findings")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="findings")
    number = models.PositiveIntegerField(help_text="1..n within the task")
    kind = models.CharField(max_length=40)
    severity = models.CharField(max_length=5)
    text = models.TextField()
    quote = models.TextField(blank=True)
    before = models.TextField(blank=True, help_text="the sentence before the reviewer corrected it")
    source = models.PositiveIntegerField(null=True)
    passage = models.TextField(blank=True)
    suggestion = models.TextField(blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    answer = models.TextField(blank=True, help_text="what the agent did about it")
    decided_by = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="finding_number")]


class Comment(Recorded):
    """A person's remark on a draft: pending until a decision, then one numbered request."""

    NOUN = "comment"
    LOGGED = ("task_id", "artifact_id", "by", "made_at", "number", "answered_in_id")
    MASKED = ("text", "answer")
    HASHED = ("quote", "text", "answer", "answer_quote")

    task = models.ForeignKey(Task, models.CASCADE, related_name="comments")
    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="comments")
    quote = models.TextField(blank=True)
    text = models.TextField()
    by = models.CharField(max_length=100)
    made_at = models.DateTimeField()
    number = models.PositiveIntegerField(null=True, help_text="number as a request; empty while pending")
    answer = models.TextField(blank=True)
    answer_quote = models.TextField(blank=True)
    answered_in = models.ForeignKey(Artifact, models.SET_NULL, null=True, related_name="answered_comments")

    class Meta:
        ordering = ["id"]
