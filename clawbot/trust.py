"""What an agent has earned, for every door: its record in each workflow, and trusting it or not any more.

The rules are `tasks.people.authority`; here names become rows, and rows become answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clawbot.acts import Unknown
from tasks import access
from tasks.models import Finding, Trust, Workflow
from tasks.people import authority

VERBS = ("raise", "end")


@dataclass(frozen=True)
class Kept:
    """The record of one kind of remark in one workflow."""

    workflow: Workflow
    agent: str
    record: authority.Record


def kept(agent: str, who: Any) -> list[Kept]:
    """Everything an agent's remarks were judged on, in the workflows that `who` may see."""
    made = Finding.objects.filter(run__agent=agent).order_by().values("task__workflow")
    known = access.seen(Workflow, who).filter(pk__in=made) | access.seen(Workflow, who).filter(
        pk__in=Trust.objects.filter(agent=agent).order_by().values("workflow")
    )
    return [
        Kept(flow, agent, record)
        for flow in known.distinct().order_by("title")
        for record in authority.records(flow.pk, agent)
    ]


def history(agent: str, who: Any) -> list[Trust]:
    """Every trust there was, newest first."""
    flows = access.seen(Workflow, who)
    return list(Trust.objects.filter(agent=agent, workflow__in=flows).select_related("workflow"))


def act(verb: str, *, workflow: str, agent: str, kind: str, by: str, why: str = "") -> bool:
    """Trust an agent with a kind of remark in a workflow (`raise`), or no more (`end`). Whether that was new.

    Raises Unknown for a workflow or kind that is not there, and what `tasks.people.authority` refuses.
    """
    flow = access.seen(Workflow, by).filter(slug=workflow).first()
    if flow is None:
        names = ", ".join(access.seen(Workflow, by).order_by("slug").values_list("slug", flat=True))
        raise Unknown(f"There is no workflow {workflow!r}. There are: {names or 'none yet'}.")
    known = [one.kind for one in authority.records(flow.pk, agent)]
    if kind not in known:
        kinds = ", ".join(known) or "none yet"
        raise Unknown(f"{agent} made no remark of kind {kind!r} in {workflow}. It made: {kinds}.")
    held = Trust.objects.filter(workflow=flow, agent=agent, kind=kind, open=1).select_related("workflow")
    if verb == "raise":
        was = held.exists()
        authority.raise_trust(flow, agent, kind, by=by)
        return not was
    access.require(by, "configure", flow)
    trust = held.first()
    return trust is not None and authority.end_trust(trust, by=by, why=why.strip() or "An admin ended it.")


def shape(one: Kept) -> dict[str, Any]:
    """As programs get it: the record, and the trust that holds."""
    record, trust = one.record, one.record.trust
    return {
        "workflow": one.workflow.slug,
        "agent": one.agent,
        "kind": record.kind,
        "judged": record.judged,
        "agreed": record.agreed,
        "low": round(record.low, 3),
        "high": round(record.high, 3),
        "missing": record.enough or None,
        "trusted": trust is not None,
        "given_by": trust.given_by if trust else None,
        "given_at": trust.given_at.isoformat() if trust else None,
    }
