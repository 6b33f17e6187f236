"""Figures about work, made from its rows: where it waits, how long it takes, what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from .models import Run, Subtask, Workflow

S = Subtask.Status


def stages(since: datetime, flows: QuerySet[Workflow] | None = None) -> list[dict[str, Any]]:
    """Every stage of every active workflow (or of these), in the order of the work: what is in it now, and
    what left it since then. Times in seconds: `seconds` from the start of the last attempt to the end."""
    known = Workflow.objects.all() if flows is None else flows
    flows = known.select_related("active").filter(active__isnull=False)
    now = _now()
    ended, spent = _ended(since), _spent(since)
    return [
        {
            "workflow": flow.slug,
            "stage": stage["name"],
            "agent": stage["agent"],
            "now": now.get((flow.pk, stage["name"]), dict.fromkeys(_NOW, 0)),
            "finished": len(ended.get((flow.pk, stage["name"]), [])),
            "seconds": _spread(ended.get((flow.pk, stage["name"]), [])),
            **spent.get((flow.pk, stage["name"]), _NOTHING),
        }
        for flow in flows
        for stage in (flow.active.stages if flow.active else [])
    ]


_NOW = {"queued": [S.BLOCKED, S.READY], "running": [S.DOING], "waiting": [S.WAITING]}
_NOTHING: dict[str, Any] = {"runs": 0, "returned": 0, "retried": 0, "tokens": 0, "cost_usd": 0.0}


def _now() -> dict[tuple[int, str], dict[str, int]]:
    """How many current rows of tasks that are under way are in each condition."""
    rows = Subtask.objects.filter(live=1, status__in=[S.BLOCKED, S.READY, S.DOING, S.WAITING])
    counts = {name: Count("id", filter=Q(status__in=of)) for name, of in _NOW.items()}
    found: Any = rows.order_by().values("workflow", "stage").annotate(**counts)
    return {(row["workflow"], row["stage"]): {name: row[name] for name in _NOW} for row in found}


def _ended(since: datetime) -> dict[tuple[int, str], list[float]]:
    """The seconds that each stage took which was done since then."""
    # The items of a stage that fans out are parts of it: the stage took from the first to the last.
    rows = Subtask.objects.filter(status=S.DONE, finished_at__gte=since, started_at__isnull=False, item="")
    took: dict[tuple[int, str], list[float]] = {}
    for flow, stage, start, end in rows.order_by().values_list(
        "workflow", "stage", "started_at", "finished_at"
    ):
        took.setdefault((flow, stage), []).append((end - start).total_seconds())  # type: ignore[operator]
    return took


def _spent(since: datetime) -> dict[tuple[int, str], dict[str, Any]]:
    """What agents' attempts that ended since then cost, and how often the work came back."""
    rows = Run.objects.filter(ended_at__gte=since).order_by()
    found = rows.values(flow=F("subtask__workflow"), stage=F("subtask__stage")).annotate(
        runs=Count("id"),
        returned=Count("id", filter=Q(status=Run.Status.RETURNED)),
        retried=Count("id", filter=Q(status__in=[Run.Status.RETRIED, Run.Status.LOST])),
        tokens=Sum(F("tokens_in") + F("tokens_out")),
        cost=Sum("cost_usd"),
    )
    return {
        (row["flow"], row["stage"]): {
            "runs": row["runs"],
            "returned": row["returned"],
            "retried": row["retried"],
            "tokens": row["tokens"],
            "cost_usd": float(row["cost"]),
        }
        for row in found
    }


def _spread(seconds: Sequence[float]) -> dict[str, float | None]:
    """The median, and what nineteen of twenty stay below; None where there is nothing."""
    ordered = sorted(seconds)
    return {f"p{share}": _at(ordered, share) for share in (50, 95)}


def _at(ordered: Sequence[float], share: int) -> float | None:
    return round(ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)], 3) if ordered else None
