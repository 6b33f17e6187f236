"""Finds stages that run much longer than they used to, tells the operators and tries again."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from tasks import lifecycle, log, notices, outbox
from tasks.models import Review, Run, Subtask
from tasks.standing import of_tries

BY = "orchestrator:stalled"
#: Below this nothing is called stalled: a stage of seconds that takes a minute is no alarm.
FLOOR = timedelta(minutes=10)
#: With fewer past runs than this there is no "usual"; the stage's own timeout is what ends it.
SAMPLES = 5
NEWEST = 100
MARGIN = 1.5

Usual = tuple[timedelta, timedelta]  # what it usually takes, what it may take


def alert(now: datetime) -> int:
    """Return how many stalls were found.

    1. Runs older than any stage may be called stalled.
    2. What the stage may take: one and a half times the 95th percentile of its newest finished runs.
    3. A run beyond that is taken from its worker, with one event and one notice to the operators, and
       its stage is ready again; out of attempts it waits for a person instead.

    It sees only how long a run takes, not what it does: a run that rightly takes long is tried again too.
    """
    old = Run.objects.filter(
        status=Run.Status.DOING, started_at__lt=now - FLOOR, subtask__status=Subtask.Status.DOING
    )
    held = old.filter(fence=F("subtask__fence")).select_related(
        "subtask", "task__workflow", "task__workflow_version"
    )
    known: dict[tuple[int, str], Usual | None] = {}
    found = 0
    for run in held:
        stage = (run.subtask.workflow_id, run.subtask.stage)
        if stage not in known:
            known[stage] = usual(*stage)
        spans = known[stage]
        if spans and now - run.started_at > spans[1]:
            found += _take_back(run, spans, now)
    return found


def usual(workflow: int, stage: str) -> Usual | None:
    """What this stage usually takes and what it may take, from its own history; None where that is short."""
    past = Run.objects.filter(status=Run.Status.DONE, subtask__workflow=workflow, subtask__stage=stage)
    times = past.order_by("-id").values_list("started_at", "ended_at")[:NEWEST]
    lasted = sorted(ended - started for started, ended in times if ended)
    if len(lasted) < SAMPLES:
        return None
    worst = lasted[math.ceil(0.95 * len(lasted)) - 1]
    return lasted[len(lasted) // 2], max(MARGIN * worst, FLOOR)


def _take_back(run: Run, spans: Usual, now: datetime) -> int:
    with transaction.atomic():
        # Locked, so that a result which arrives at this moment comes before or after, not in between.
        rows = Subtask.objects.select_for_update().filter(pk=run.subtask_id, fence=run.fence)
        row = rows.filter(status=Subtask.Status.DOING).first()
        if row is None:
            return 0
        row.task = run.task
        lasted = now - run.started_at
        log.record(
            "stage.stalled", by=BY, task=run.task, stage=row.stage,
            seconds=round(lasted.total_seconds()), usual=round(spans[0].total_seconds()),
        )  # fmt: skip
        why = f"It ran for {_words(lasted)}; this stage usually takes {_words(spans[0])}."
        if row.attempts >= row.max_attempts:
            # The review's own notice is the alert.
            ask = f"{why} That was attempt {row.attempts}, so a person decides."
            lifecycle.escalate(row, Review.Kind.STALLED, ask, by=BY)
        else:
            _tell(run, row, spans, lasted)
            held = lifecycle.Claimed(subtask=row, task=run.task, run=run, fence=run.fence)
            lifecycle.retry_later(held, why=why, delay=timedelta(0))
    return 1


def _tell(run: Run, row: Subtask, spans: Usual, lasted: timedelta) -> None:
    following = (
        f"Clawbot has stopped it and tries again (attempt {row.attempts + 1}{of_tries(row, run.task)})."
    )
    content = {
        "stage": row.stage.replace("_", " "), "lasted": _words(lasted), "usual": _words(spans[0]),
        "limit": _words(spans[1]), "next": following,
    }  # fmt: skip
    key = f"stalled:{row.pk}:{run.fence}"
    outbox.owe("stalled", task=run.task, to=["operators"], content=content, key=key)


def _words(span: timedelta) -> str:
    return notices.words(span.total_seconds())
