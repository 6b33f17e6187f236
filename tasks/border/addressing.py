"""Which workflow a message means: `to` names a workflow, or an agent that begins some; `type` picks one."""

from __future__ import annotations

from typing import Any

from agents.strict_yaml import nearest
from tasks.machine import Refused
from tasks.models import Workflow

#: Addressed to nobody in particular: the type alone says which workflow is meant.
HOUSE = "clawbot"


def workflow(envelope: dict[str, Any]) -> str:
    """The slug of the workflow that this envelope begins. Refused where `to` is nobody, begins nothing, or
    begins several and `type` names none of them; the sentence names the choices."""
    to, kind = envelope["to"], envelope["type"]
    flows = {flow.slug: flow for flow in Workflow.objects.exclude(active=None).select_related("active")}
    if to in flows:
        return to
    begins = {slug: _entries(flow, to) for slug, flow in flows.items()}
    chosen = {slug: stages for slug, stages in begins.items() if stages}
    if len(chosen) == 1:
        return next(iter(chosen))
    named = [slug for slug, stages in chosen.items() if _plain(kind) in {_plain(slug), *stages}]
    if len(named) == 1:
        return named[0]
    raise Refused(_why_not(to, kind, sorted(flows), sorted(named or chosen)))


def _entries(flow: Workflow, to: str) -> set[str]:
    """The stages with which this workflow begins, where they are this agent's."""
    assert flow.active is not None
    first = [stage for stage in flow.active.stages if not stage["needs"]]
    return {_plain(stage["name"]) for stage in first if to in (stage.get("agent"), HOUSE)}


def _why_not(to: str, kind: str, flows: list[str], chosen: list[str]) -> str:
    if chosen:
        choices = " or ".join(f"`{slug}`" for slug in chosen)
        return (
            f"Cannot take the message: `{to}` begins more than one workflow, and the type `{kind}` names "
            f"none of them alone. Write {choices} as its `to` or its `type`."
        )
    return (
        f"Cannot take the message: `{to}` is no workflow, and no agent of that name begins one. "
        f"{nearest(to, flows)} A message that answers needs the `correlation_id` it answers to."
    )


def _plain(word: str) -> str:
    """check-stock, check_stock and Check.Stock are one word."""
    return word.lower().replace("-", "_").replace(".", "_")
