"""Makes another version of a workflow the active one again.

A version is immutable, so going back makes no new one: the older one is active again, with an event that
says who and what was active before. New tasks run under it; running ones keep theirs. It stays until somebody
activates another one: a shipped file that changes is only offered (`offers`).
"""

from __future__ import annotations

from django.db import transaction

from agents import staff
from tasks import access, log, schedules
from tasks.machine import Refused
from tasks.models import Workflow, WorkflowVersion

from .shape import HUMAN


def activate(workflow: str, number: int, *, by: str) -> WorkflowVersion:
    """Let new tasks run under version `number`. Refuses one that is not there, or whose agents are gone."""
    access.require(by, "activate", access.seen(Workflow, by).filter(slug=workflow).first())
    with transaction.atomic():
        flow = Workflow.objects.select_for_update().filter(slug=workflow).first()
        version = flow.versions.filter(number=number).first() if flow else None
        if flow is None or version is None:
            raise Refused(f"Cannot activate {workflow} v{number}: {_there(flow)}")
        if flow.active_id == version.pk:
            return version
        _still_works(version)
        was = flow.active.number if flow.active else None
        flow.activate(version, by=by)
        flow.title, flow.about = version.definition["title"], version.definition["about"]
        flow.save(update_fields=["title", "about"])
        schedules.sync(flow, version.definition)
        log.record("workflow.activated", by=by, workflow=flow.slug, number=version.number, was=was)
    return version


def _there(flow: Workflow | None) -> str:
    if flow is None:
        names = ", ".join(Workflow.objects.values_list("slug", flat=True)) or "none yet"
        return f"there is no such workflow. There are: {names}."
    numbers = [f"v{number}" for number in flow.versions.order_by("number").values_list("number", flat=True)]
    return f"it has {', '.join(numbers)}."


def _still_works(version: WorkflowVersion) -> None:
    """An old version may name what has gone since; the first task that comes there would wait for ever."""
    named = {stage["agent"] for stage in version.stages} | {stage.get("undo", "") for stage in version.stages}
    gone = sorted(named - {"", HUMAN} - set(staff.definitions()))
    if gone:
        raise Refused(
            f"Cannot activate {version}: nobody is called {', '.join(gone)} any more. Hire them again with "
            "`./manage.py sync`, or change the workflow's file."
        )
    flows = set(Workflow.objects.filter(active__isnull=False).values_list("slug", flat=True))
    injected = {stage.get("inject", "") for stage in version.stages} - {""}
    if lost := sorted(injected - flows):
        raise Refused(f"Cannot activate {version}: it injects {', '.join(lost)}, which is no workflow now.")
