"""What a reviewer may correct by itself: a budget, and what it has earned on top of it.

The budget stands in the agent's file (kinds of remark, words per run) and is measured here on what it
handed in, whatever it says of itself. What people agreed with is kept per workflow, agent and kind; where
the record is long and good enough an admin may trust the agent with one kind more. Nobody else may, and
nothing does so silently; it ends by itself when agreement drops.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from tasks import access, artifacts, clock, log, outbox
from tasks.machine import Refused
from tasks.models import Decision, Finding, Task, Trust, Workflow
from tasks.results import Result
from tasks.workflow import versions

F = Finding.State

#: An admin may trust on at least so many judgements, with at least this share agreed at the low end of
#: the 95 % interval.
LEAST_JUDGED = 20
LEAST_SHARE = 0.85
#: Trust ends when of the newest judgements too few were agreed with.
NEWEST = 20
TOO_FEW = 0.80
#: Records are long; so often is soon enough.
EVERY = timedelta(minutes=1)

_WORD = re.compile(r"\w+")


# -- The budget -------------------------------------------------------------------------------------


def overstepped(result: Result) -> str:
    """Why a reviewer's own corrections go to a person: it changed more, or other things, than it may.
    Empty where it kept within its budget, or corrected nothing."""
    row, task = result.claimed.subtask, result.claimed.task
    judges = versions.workflow(task.workflow_version_id).stage(row.stage)["judges"]
    if not judges or result.claimed.run.agent_version is None:
        return ""
    before = artifacts.judged(task, judges)
    made = next((one for one in result.outcome.made if before and one.kind == before.kind), None)
    if before is None or made is None or made.text == before.text:
        return ""
    rule = versions.agent(row.agent, result.claimed.run.agent_version).authority
    words = changed_words(before.text, made.text)
    name = row.agent.replace("-", " ").replace("_", " ").capitalize()
    if rule.correct == "none":
        return f"{name} changed {_words(words)} of the text, and it may correct nothing by itself."
    if words > rule.words:
        return f"{name} changed {_words(words)} by itself; its budget is {_words(rule.words)}."
    if rule.correct == "minor":
        earned = trusted(task.workflow_id, row.agent)
        kinds = {one.kind for one in result.outcome.findings if one.state == "corrected"}
        major = {
            one.kind
            for one in result.outcome.findings
            if one.state == "corrected" and one.severity == "major"
        }
        if beyond := sorted((major | (kinds - set(rule.kinds) if rule.kinds else set())) - earned):
            return f"{name} corrected {' and '.join(beyond).replace('_', ' ')} by itself, which it may not."
    return ""


def changed_words(one: str, other: str) -> int:
    """How many words of two texts are not in the other one: what was taken out and put in."""
    left, right = Counter(_WORD.findall(one)), Counter(_WORD.findall(other))
    return max(sum((left - right).values()), sum((right - left).values()))


def _words(count: int) -> str:
    return "one word" if count == 1 else f"{count:,} words"


# -- Taking a correction back -------------------------------------------------------------------------


def revoke(finding: Finding, *, by: str) -> None:
    """Put back the sentence that a reviewer corrected by itself, as a new version. The person's no counts
    in the agent's record. Refused where the sentence has changed since."""
    from tasks import supervision  # which edits for people

    access.require(by, "judge", finding.task)
    if finding.state == F.DISPUTED:
        return
    draft = artifacts.latest(finding.task, finding.artifact.kind)
    if finding.state != F.CORRECTED or not finding.before:
        raise Refused(f"Cannot take back finding {finding.number}: the reviewer corrected nothing there.")
    if draft is None or finding.quote not in draft.text:
        raise Refused(
            f"Cannot take back finding {finding.number}: its sentence was changed since. Edit the text."
        )
    with transaction.atomic():
        text = draft.text.replace(finding.quote, finding.before, 1)
        supervision.edit(finding.task, by=by, text=text, kind=draft.kind, base_sha256=draft.sha256)
        Finding.objects.filter(pk=finding.pk).update(state=F.DISPUTED, decided_by=by)
        log.record(
            "finding.revoked", by=by, task=finding.task, finding=finding.pk, kind=finding.kind,
            quote=finding.quote[:200],
        )  # fmt: skip


# -- The record ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """How often people agreed with one kind of remark of one agent in one workflow."""

    kind: str
    judged: int
    agreed: int
    low: float  # the 95 % interval of the share agreed, 0 to 1
    high: float
    trust: Trust | None = None

    @property
    def share(self) -> float:
        """The share of judgements that agreed, 0 to 1."""
        return self.agreed / self.judged if self.judged else 0.0

    @property
    def enough(self) -> str:
        """What is missing before an admin may trust the agent with this kind; empty where nothing is."""
        if self.judged < LEAST_JUDGED:
            return f"{self.judged} of at least {LEAST_JUDGED} judgements so far."
        if self.low < LEAST_SHARE:
            return (
                f"People agreed with {self.agreed} of {self.judged}; at the low end of the interval that is "
                f"{self.low:.0%}, and {LEAST_SHARE:.0%} is asked for."
            )
        return ""


def interval(agreed: int, judged: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927): honest for few
    judgements, where agreed / judged is not."""
    if judged == 0:
        return 0.0, 1.0
    z = 1.96
    share, spread = agreed / judged, z * z / judged
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / judged + spread / (4 * judged))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def judgements(workflow: int, agent: str, kind: str) -> list[bool]:
    """Whether people agreed with each remark they judged, oldest first.

    Agree and dispute count as they are; a correction counts as agreed once a person has approved the
    text with it, and as disputed where they took it back.
    """
    approved = Decision.objects.filter(verb="approve", released_at__isnull=False, by__startswith="user:")
    done = set(approved.filter(review__task__workflow=workflow).values_list("review__task", flat=True))
    found = Finding.objects.filter(task__workflow=workflow, run__agent=agent, kind=kind)
    rows = found.filter(state__in=[F.AGREED, F.DISPUTED, F.CORRECTED]).order_by("pk")
    return [
        state != F.DISPUTED
        for state, task in rows.values_list("state", "task")
        if state != F.CORRECTED or task in done
    ]


def records(workflow: int, agent: str) -> list[Record]:
    """The record of an agent in a workflow, one per kind of remark it has made there."""
    made = Finding.objects.filter(task__workflow=workflow, run__agent=agent)
    open_trust = {one.kind: one for one in Trust.objects.filter(workflow=workflow, agent=agent, open=1)}
    return [
        _record(workflow, agent, kind, open_trust.get(kind))
        for kind in sorted({*made.order_by().values_list("kind", flat=True).distinct(), *open_trust})
    ]


def _record(workflow: int, agent: str, kind: str, trust: Trust | None = None) -> Record:
    given = judgements(workflow, agent, kind)
    low, high = interval(sum(given), len(given))
    return Record(kind, len(given), sum(given), low, high, trust)


# -- Trust --------------------------------------------------------------------------------------------


def trusted(workflow: int, agent: str) -> set[str]:
    """The kinds of remark that an agent may act on by itself beyond its budget's kinds."""
    mine = Trust.objects.filter(workflow=workflow, agent=agent, open=1)
    return set(mine.values_list("kind", flat=True))


def raise_trust(workflow: Workflow, agent: str, kind: str, *, by: str) -> Trust:
    """Trust an agent with one kind of remark more. Admins only, and only on enough evidence."""
    access.require(by, "configure", workflow)
    record = _record(workflow.pk, agent, kind)
    if record.enough:
        raise Refused(
            f"Cannot trust {agent} with {kind.replace('_', ' ')} in {workflow.slug}: {record.enough}"
        )
    evidence: dict[str, Any] = {"judged": record.judged, "agreed": record.agreed, "low": round(record.low, 3)}
    try:
        with transaction.atomic():
            made = Trust.objects.create(
                workflow=workflow,
                agent=agent,
                kind=kind,
                evidence=evidence,
                given_by=by,
                given_at=clock.now(),
                looked_at=clock.now(),
            )
            log.record("trust.raised", by=by, workflow=workflow.slug, agent=agent, kind=kind, **evidence)
    except IntegrityError:
        return Trust.objects.get(workflow=workflow, agent=agent, kind=kind, open=1)
    return made


def end_trust(trust: Trust, *, by: str, why: str, now: datetime | None = None) -> bool:
    """Take trust away again; False where it had ended already."""
    if by.startswith("user:"):
        access.require(by, "configure", trust.workflow)
    with transaction.atomic():
        mine = Trust.objects.filter(pk=trust.pk, open=1)
        if not mine.update(open=None, ended_by=by, ended_at=now or clock.now(), ended_why=why[:300]):
            return False
        log.record(
            "trust.ended", by=by, workflow=trust.workflow.slug, agent=trust.agent, kind=trust.kind, why=why
        )
    return True


def review_trust(now: datetime) -> int:
    """End the trust that the newest judgements no longer support, and tell the admins. Returns how many."""
    ended = 0
    for trust in Trust.objects.filter(open=1, looked_at__lte=now - EVERY).select_related("workflow"):
        if not Trust.objects.filter(pk=trust.pk, looked_at=trust.looked_at).update(looked_at=now):
            continue  # another orchestrator looks
        newest = judgements(trust.workflow_id, trust.agent, trust.kind)[-NEWEST:]
        if len(newest) < NEWEST or sum(newest) / len(newest) >= TOO_FEW:
            continue
        why = f"People agreed with {sum(newest)} of the newest {len(newest)}; {TOO_FEW:.0%} is asked for."
        with transaction.atomic():
            if end_trust(trust, by="orchestrator:trust", why=why, now=now):
                _tell_admins(trust, why)
                ended += 1
    return ended


def _tell_admins(trust: Trust, why: str) -> None:
    task = Task.objects.filter(workflow=trust.workflow, runs__agent=trust.agent).order_by("-id").first()
    if task is None:
        return
    content: dict[str, Any] = {"agent": trust.agent, "kind": trust.kind.replace("_", " "), "why": why}
    outbox.owe("trust", task=task, to=["admins"], content=content, key=f"trust:{trust.pk}")
    log.record("notice.owed", by="orchestrator:trust", task=task, notices=1, kind="trust")
