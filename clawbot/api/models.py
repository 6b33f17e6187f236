"""What was answered to a request that carried an Idempotency-Key, so that a repeat gets the same answer."""

from __future__ import annotations

from django.db import models


class Answer(models.Model):
    """One key of one person. `status` is empty until the effect has committed, in the same transaction."""

    by = models.CharField(max_length=160)
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64, help_text="method, address and body")
    at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["by", "key"], name="answer_once")]

    def __str__(self) -> str:
        return f"{self.by} {self.key}"
