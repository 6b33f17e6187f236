"""The pace of a workflow's stages, people's included, from their own history: what "12 min of about 18 min"
is measured against."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from django.core.cache import cache

from tasks.models import Subtask

CACHE_SECONDS = 30
NEWEST = 400  # of a workflow: enough for eight stages, cheap enough for every page
LEAST = 3  # fewer say nothing about what is usual
QUICK = 2.0  # seconds: a stage that is over before one has read its bar needs none


@dataclass(frozen=True)
class Pace:
    """Seconds that a stage took: at the median, and at most but for one time in twenty."""

    usual: float
    p95: float


def pace(workflow_id: int) -> dict[str, Pace]:
    """The pace of each stage of a workflow; a stage with too little history, or too quick, is absent."""
    key = f"pace-{workflow_id}"
    known: dict[str, Pace] | None = cache.get(key)
    if known is None:
        found = {
            stage: _pace(seconds) for stage, seconds in _took(workflow_id).items() if len(seconds) >= LEAST
        }
        known = {stage: one for stage, one in found.items() if one.usual >= QUICK}
        cache.set(key, known, CACHE_SECONDS)
    return known


def _took(workflow_id: int) -> dict[str, list[float]]:
    rows = Subtask.objects.filter(
        workflow=workflow_id, status=Subtask.Status.DONE, started_at__isnull=False, finished_at__isnull=False
    ).order_by("-finished_at")
    took = defaultdict(list)
    for stage, started, finished in rows.values_list("stage", "started_at", "finished_at")[:NEWEST]:
        if started and finished:
            took[stage].append((finished - started).total_seconds())
    return took


def _pace(seconds: list[float]) -> Pace:
    ordered = sorted(seconds)
    return Pace(median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))])
