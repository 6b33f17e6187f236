"""What machines ask: is the process up, can it serve, does work move."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from tasks import database
from tasks.clock import now
from tasks.engine import site
from tasks.engine.workers import overdue
from tasks.history import seal
from tasks.models import Hold, Run, Subtask, Worker
from tasks.supervision import under

# Free work that nobody took for this long while nothing ran means that work stands still.
PATIENCE = timedelta(seconds=60)


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks the database nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers, takes changes and is migrated, and the data folder is the one that all hosts
    share; 503 with the reason otherwise."""
    try:
        executor = MigrationExecutor(connection)
        missing = [str(step[0]) for step in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    except (DatabaseError, InterfaceError) as error:
        database.ails(error)
        return _not_ready(f"the database does not answer: {type(error).__name__}")
    if missing:
        return _not_ready(f"{len(missing)} migrations are missing; run ./manage.py migrate")
    if ailment := database.look():
        return _not_ready(ailment.value)
    if site.here and site.here.fault:
        return _not_ready(site.here.fault)
    return JsonResponse({"ready": True})


def _not_ready(why: str) -> JsonResponse:
    response = JsonResponse({"ready": False, "why": why}, status=503)
    response["Retry-After"] = str(database.RETRY_SECONDS)
    return response


@require_safe
def progress(request: HttpRequest) -> JsonResponse:
    """Workers live and free work is taken; 503 where not. What is paused need not move."""
    workers = Worker.objects.filter(ended_at=None).exclude(pk__in=overdue()).count()
    paused = Hold.objects.filter(scope=Hold.Scope.ALL, open=1).exists()
    idle_seconds = _untouched_seconds()
    moves = workers > 0 and idle_seconds < PATIENCE.total_seconds()
    data = {
        "moves": moves, "workers": workers, "paused": paused, "untouched_seconds": round(idle_seconds),
        "unsealed_seconds": round(seal.unsealed_seconds()),
    }  # fmt: skip
    return JsonResponse(data, status=200 if moves else 503)


def _untouched_seconds() -> float:
    """How long free work has lain there while nothing at all ran; 0 where something runs."""
    if Run.objects.filter(status=Run.Status.DOING).exists():
        return 0
    free = Subtask.objects.filter(status=Subtask.Status.READY)
    for hold in Hold.objects.filter(open=1):
        free = free.exclude(pk__in=under(hold).values("pk"))
    oldest = free.order_by("not_before").values_list("not_before", flat=True).first()
    return max(0.0, (now() - oldest).total_seconds()) if oldest else 0
