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
    channel = models.CharField(
        max_length=40, blank=True, default="", help_text="the door it came through; empty: by itself"
    )
    data = models.JSONField(default=dict)
    changed = models.JSONField(
        null=True, help_text="which rows became what with it (tasks/history/changes.py)"
    )

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["task", "id"], name="event_by_task"),
            models.Index(fields=["kind", "id"], name="event_by_kind"),
        ]


class Seal(models.Model):
    """What binds a batch of committed events, in its order, to all before them (tasks/history/seal.py).

    Event `n` of the log is the `n - first`th of the seal with `first <= n < first + count`.
    """

    number = models.PositiveBigIntegerField(primary_key=True, help_text="1..n without gaps")
    first = models.PositiveBigIntegerField(help_text="place of its first event in the log, from 1")
    count = models.PositiveIntegerField()
    ids = models.JSONField(help_text="the events, as ranges of ids: [[from, to], ...]")
    hashes = models.TextField(help_text="the hash of each event, 64 hexadecimal digits each")
    gaps = models.JSONField(help_text="ids that may still commit: [[from, to, since, edge], ...]")
    top = models.PositiveBigIntegerField(help_text="the largest id sealed so far")
    sealed_at = models.DateTimeField()
    hash = models.CharField(max_length=64, help_text="of this row and its last event: the head of the chain")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class Wake(models.Model):
    """The doorbell's row: one per queue. Setting `pending` from False to True is what wakes a drain
    (django-q2 task, NOTIFY); losing it loses nothing."""

    queue = models.CharField(max_length=32, unique=True)
    pending = models.BooleanField(default=False)
    rung_at = models.DateTimeField(null=True, blank=True)
