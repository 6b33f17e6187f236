"""Takes back what dead workers held."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from tasks import lifecycle
from tasks.engine import workers
from tasks.models import Subtask, Worker


def rescue() -> int:
    """Return how many subtasks were taken back.

    1. Workers whose lease is past by the database's clock are declared dead and lose what they held.
    2. Ended workers that still hold something lose it too: one that was declared dead may have had a
       claim under way.

    A lease that ran out proves only that nobody heard of the worker; it may still be at work. Its fence
    is what keeps its late result out.
    """
    taken = 0
    for worker in workers.overdue():
        with transaction.atomic():
            if workers.still_overdue(worker):
                taken += lifecycle.rescue(worker)
    held = Subtask.objects.filter(status=Subtask.Status.DOING).values("worker")
    for worker in Worker.objects.filter(~Q(ended_at=None), pk__in=held):
        taken += lifecycle.rescue(worker)
    return taken
