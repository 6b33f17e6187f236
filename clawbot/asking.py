"""Which events somebody asks for. Activity, the API, `./manage.py tail` and `./manage.py events export` read
the same filters: `task:ART-12 agent:writer kind:review words`."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from tasks.event_kinds import KINDS
from tasks.models import Event, Task

FILTERS = ("q", "task", "agent", "kind", "stage")


def asked_for(query: Mapping[str, str]) -> dict[str, str]:
    """The filters of an address. `task:ART-1 agent:writer words` in `q` means what the filters mean."""
    asked = {name: query.get(name, "").strip() for name in FILTERS}
    rest = []
    for word in asked["q"].split():
        name, colon, value = word.partition(":")
        if colon and name in FILTERS[1:]:
            asked[name] = value
        else:
            rest.append(word)
    asked["q"] = " ".join(rest)
    return asked


def narrow(events: QuerySet[Event], asked: dict[str, str]) -> QuerySet[Event]:
    """The events that were asked for. Words match a task's key or title, a kind, or who did it."""
    if asked["task"]:
        events = events.filter(task__key__iexact=asked["task"])
    if asked["agent"]:
        events = events.filter(by=f"agent:{asked['agent']}")
    if asked["stage"]:
        events = events.filter(stage=asked["stage"])
    if asked["kind"]:
        events = events.filter(kind__in=[k for k in KINDS if asked["kind"] in (k, k.partition(".")[0])])
    for word in asked["q"].split():
        # Tasks first, in one small query: a join would search every event's task.
        tasks = list(
            Task.objects.filter(Q(key__iexact=word) | Q(title__icontains=word)).values_list("pk", flat=True)[
                :200
            ]
        )
        events = events.filter(
            Q(task__in=tasks) | Q(kind__icontains=word) | Q(by__icontains=word) | Q(stage__iexact=word)
        )
    return events
