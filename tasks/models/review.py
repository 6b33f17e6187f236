"""One wait for a person, and a person's answer to it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.history.changes import Recorded

from .artifact import Artifact
from .task import Subtask, Task


class Review(Recorded):
    """Why a person is needed, who may decide, by when, and with which verbs."""

    NOUN = "review"
    LOGGED = (
        "task_id", "subtask_id", "artifact_sha256", "kind", "why", "verbs", "deciders", "owner",
        "taken_until", "due_at", "ladder", "rung", "version", "open", "opened_at", "first_seen_at",
        "closed_at", "granted_until", "artifact_id",
    )  # fmt: skip

    MASKED = ("why",)

    class Kind(models.TextChoices):
        GATE = "gate"  # the workflow asks for a person here
        ESCALATION = "escalation"  # an agent asks a question
        ATTEMPTS = "attempts"  # out of attempts
        LOOP = "loop"  # returned too often
        POISON = "poison"  # its worker died too often
        STALLED = "stalled"
        TOOL = "tool"  # an agent asks leave for one call to the outside

    task = models.ForeignKey(Task, models.CASCADE, related_name="reviews")
    subtask = models.ForeignKey(Subtask, models.CASCADE, related_name="reviews")
    artifact = models.ForeignKey(Artifact, models.SET_NULL, null=True, related_name="reviews")
    artifact_sha256 = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    why = models.TextField(help_text="the one sentence or question a person reads first")
    verbs = models.JSONField(help_text="which verbs may answer it")
    deciders = models.JSONField(default=dict, help_text="{group, count, four_eyes}")
    owner = models.CharField(max_length=100, blank=True, help_text="user:ana; empty: anyone who may decide")
    taken_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    ladder = models.JSONField(default=list, help_text="what happens when it is due, rung by rung")
    rung = models.PositiveSmallIntegerField(default=0, help_text="rungs already climbed")
    version = models.PositiveIntegerField(default=1)
    # 1 while open, NULL once closed: one open review per subtask, on every database.
    open = models.PositiveSmallIntegerField(null=True, default=1)
    opened_at = models.DateTimeField()
    first_seen_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    granted_until = models.DateTimeField(
        null=True, blank=True, help_text="the call it asks about may be made until then; empty: it may not"
    )

    class Meta:
        ordering = ["due_at", "opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["subtask", "open"], name="review_one_open"),
            models.CheckConstraint(
                condition=Q(open=1, closed_at__isnull=True) | Q(open__isnull=True, closed_at__isnull=False),
                name="review_closed_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["open", "due_at"], name="review_queue"),
            # Insights ask for the last weeks, however many years there are.
            models.Index(fields=["opened_at"], name="review_by_opened"),
        ]


class Decision(Recorded):
    """One person's answer, bound to the exact artifact they read. Taken effect once `released_at`."""

    NOUN = "decision"
    LOGGED = (
        "review_id", "verb", "by", "channel", "artifact_sha256", "review_version", "request_id", "decided_at",
        "release_at", "released_at", "undone_at",
    )  # fmt: skip
    MASKED = ("note",)
    HASHED = ("note",)
    OF_TASK = "review__task_id"

    review = models.ForeignKey(Review, models.CASCADE, related_name="decisions")
    verb = models.CharField(max_length=12)
    by = models.CharField(max_length=100)
    channel = models.CharField(max_length=10, help_text="page, cli, api, slack, mcp")
    note = models.TextField(blank=True)
    artifact_sha256 = models.CharField(max_length=64, blank=True)
    review_version = models.PositiveIntegerField()
    request_id = models.CharField(max_length=64, unique=True, help_text="one click is one decision")
    decided_at = models.DateTimeField()
    release_at = models.DateTimeField(help_text="until then it can be undone")
    released_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(released_at__isnull=True) | Q(undone_at__isnull=True), name="decision_not_both"
            ),
        ]
        indexes = [
            models.Index(
                fields=["release_at"],
                condition=Q(released_at__isnull=True, undone_at__isnull=True),
                name="decision_to_release",
            ),
            models.Index(fields=["decided_at"], name="decision_by_time"),
        ]
