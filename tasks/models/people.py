"""What is a person's own beyond their group: a role in one workflow, a time away, a
glance, an unsaved edit."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from tasks.history.changes import Recorded

from .review import Review
from .task import Task
from .workflow import Workflow


class Member(Recorded):
    """A person's role in one workflow. It adds to the role of their groups; who has no group at all sees
    only the workflows they are a member of."""

    NOUN = "member"
    LOGGED = ("user_id", "workflow_id", "role", "added_by", "added_at")
    NAMED_BY = ("workflow_id", "user_id")
    OF_TASK = ""

    class Role(models.TextChoices):
        VIEWERS = "viewers"
        EDITORS = "editors"
        OPERATORS = "operators"
        ADMINS = "admins"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="members")
    role = models.CharField(max_length=9, choices=Role.choices)
    added_by = models.CharField(max_length=100)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["workflow", "user"]
        constraints = [models.UniqueConstraint(fields=["user", "workflow"], name="member_once")]


class Absence(Recorded):
    """A time away. Reviews that would be theirs go to the delegate, who decides by their own rights."""

    NOUN = "absence"
    LOGGED = ("user_id", "starts_at", "ends_at", "delegate_id", "ended_at")
    MASKED = ("why",)
    HASHED = ("why",)
    OF_TASK = ""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="stands_in"
    )
    why = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="they came back before it was over")

    class Meta:
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["user", "ends_at"], name="absence_now")]


class Presence(models.Model):
    """Somebody is reading a review. Only a hint for others: no rule reads it."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="readers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reading")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "user"], name="presence_once")]


class UnsavedEdit(models.Model):
    """What a person has typed into the editor of a text and not saved as a draft yet. Only they see it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="unsaved_edits")
    task = models.ForeignKey(Task, models.CASCADE, related_name="unsaved_edits")
    kind = models.CharField(max_length=50)
    text = models.TextField(blank=True)
    base_sha256 = models.CharField(max_length=64, blank=True, help_text="the version they began from")
    typed_at = models.DateTimeField()
    saved_at = models.DateTimeField(
        null=True, blank=True, help_text="then this is a draft, and nothing unsaved"
    )
    discarded_at = models.DateTimeField(
        null=True, blank=True, help_text="until it is typed over it can come back"
    )
    settled = models.CharField(
        max_length=64, blank=True, help_text="the form that was saved or discarded last"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "task", "kind"], name="unsaved_edit_once")]
