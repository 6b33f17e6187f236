"""What workers bring back, and how it is stored: runs, artifacts, findings, answers, envelopes, facts.

Every function works in the caller's transaction; whether a result is accepted was decided before.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from agents.contract import Made, Outcome, Usage
from agents.prose.asked import met, not_done

from . import artifacts, log, machine, store
from .desk import Crossing
from .history import changes
from .models import Artifact, Comment, Event, Finding, Message, Run, Subtask, Task
from .people import policy
from .people.policy import UNAPPROVED


@dataclass
class Claimed:
    """What a worker holds: the row, its task, the run it started, and the fence that proves it."""

    subtask: Subtask
    task: Task
    run: Run
    fence: int


@dataclass
class Placed:
    """A file already written beside its target; `finish` renames it when the result is accepted."""

    made: Made
    waiting: Path
    target: Path
    path: str  # relative to CLAWBOT_DATA

    def put(self) -> None:
        """Give the file its name, durably: what the database says of it must hold after a power cut. Done
        again, when the transaction is tried again, it changes nothing."""
        if self.waiting.exists() or not self.target.exists():
            os.replace(self.waiting, self.target)
        folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@dataclass
class Result:
    """What a worker brings back for one claimed subtask."""

    claimed: Claimed
    outcome: Outcome
    usage: Usage = field(default_factory=Usage)
    notes: list[dict[str, Any]] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    built_on: list[str] = field(default_factory=list)


def close_runs(results: list[Result], accepted: set[int], now: datetime, status: str) -> list[Event]:
    """Write down what each run cost and said; a refused one is kept as discarded."""
    events: list[Event] = []
    for result in results:
        run = result.claimed.run
        kept = result.claimed.subtask.pk in accepted
        run.status = status if kept else Run.Status.DISCARDED
        run.ended_at = now
        _fill(run, result)
        if kept:
            continue
        row = result.claimed.subtask
        events.append(
            log.line(
                "run.discarded",
                by=f"agent:{row.agent}",
                task=result.claimed.task,
                stage=row.stage,
                attempt=result.claimed.fence,
            )
        )
    store.write_runs([result.claimed.run for result in results])
    changes.note([_ended(result.claimed.run) for result in results])
    keep_crossings([(result.claimed, result.crossings) for result in results])
    return events


def _ended(run: Run) -> changes.Change:
    """How a run ended, for the log."""
    now = {name: changes.said(Run, name, getattr(run, name)) for name in store.RUN_FIELDS}
    return changes.Change("run", run.pk, run.task_id, {}, now)


def keep_crossings(crossed: Sequence[tuple[Claimed, Sequence[Crossing]]]) -> list[Message]:
    """Store the envelopes that crossed the border during these runs, and return them; a second time changes
    nothing."""
    rows = [
        Message(
            direction=one.direction, channel="http", key=f"run:{claimed.run.pk}:{number}",
            envelope=one.envelope,
            correlation_id=str(one.envelope.get("correlation_id") or claimed.task.key)[:200],
            task=claimed.task, subtask=claimed.subtask, run=claimed.run,
            state=Message.State.SENT if one.direction == "out" else Message.State.RECEIVED,
            address=one.address[:300], error=one.status[:300], not_before=one.at, at=one.at,
            sent_at=one.at if one.direction == "out" else None,
        )
        for claimed, crossings in crossed
        for number, one in enumerate(crossings)
    ]  # fmt: skip
    return Message.objects.bulk_create(rows, ignore_conflicts=True) if rows else []


def tell_crossings(crossed: Sequence[tuple[Claimed, Sequence[Crossing]]]) -> None:
    """Store what crossed the border while its runs go on, with a line that tells of it."""
    if kept := keep_crossings(crossed):
        log.record("message.crossed", by="clawbot", messages=len(kept))


def keep_sends(results: Sequence[Result], now: datetime) -> None:
    """Owe other systems the envelopes that agents wrote; `tasks/border/bridge/` publishes them."""
    rows = []
    for result in results:
        claimed = result.claimed
        for number, send in enumerate(result.outcome.sends):
            correlation = claimed.task.correlation_id or claimed.task.key
            envelope = {
                "from": claimed.subtask.agent, "to": send.to, "type": send.type, "data": send.data,
                "correlation_id": correlation, "timestamp": now.isoformat().replace("+00:00", "Z"),
            }  # fmt: skip
            rows.append(
                Message(
                    direction="out", channel="queue", key=f"send:{claimed.run.pk}:{number}",
                    envelope=envelope,
                    correlation_id=correlation, task=claimed.task, subtask=claimed.subtask, run=claimed.run,
                    state=Message.State.PENDING, address=send.to, not_before=now, at=now,
                )
            )  # fmt: skip
    if rows:
        Message.objects.bulk_create(rows, ignore_conflicts=True)


def _fill(run: Run, result: Result) -> None:
    run.summary = (result.outcome.summary or result.outcome.question or result.outcome.why)[:300]
    run.error = result.outcome.why if result.outcome.word == "retry" else run.error
    run.tokens_in, run.tokens_out = result.usage.tokens_in, result.usage.tokens_out
    run.cost_usd = round(result.usage.cost_usd, 4)
    run.notes = result.notes


def keep_work(results: list[Result], now: datetime) -> list[Event]:
    """Store what was made, put files in their place, keep findings and answers."""
    if not results:
        return []
    making = {result.claimed.task.pk for result in results if result.outcome.made}
    if making:  # parallel stages of one task number their artifacts one after the other
        list(locked(Task.objects.filter(pk__in=making).order_by("pk")).values_list("pk"))
    numbers = artifacts.Numbers(making)
    made: list[Artifact] = []
    per_result: list[tuple[Result, list[Artifact]]] = []
    for result in results:
        task, stage = result.claimed.task, result.claimed.subtask.stage
        doubt = policy.unapproved(task, stage) if result.placed else []
        mine = [_artifact(numbers, result, one, now, doubt) for one in result.outcome.made]
        made += mine
        per_result.append((result, mine))
    if made:
        changes.told(Artifact).bulk_create(made)
    keep_sends(results, now)
    for result in results:
        for placed in result.placed:
            placed.put()
    for result, mine in per_result:
        if result.outcome.findings or result.outcome.checks:
            _keep_findings(result, mine)
        if result.outcome.answers:
            _keep_answers(result, mine)
    return [
        log.line(
            "artifact.made",
            by=one.made_by,
            task=one.task,
            stage=one.stage,
            kind=one.kind,
            number=one.number,
            sha256=one.sha256,
            path=one.path,
            built_on=changes.fingerprint(one.built_on),
            **_skipped(one),
        )
        for one in made
    ]


def _skipped(made: Artifact) -> dict[str, list[str]]:
    gates = [gate["gate"] for gate in made.data.get(UNAPPROVED, ())]
    return {UNAPPROVED: gates} if gates else {}


def _artifact(
    numbers: artifacts.Numbers, result: Result, made: Made, now: datetime, doubt: list[dict[str, str]]
) -> Artifact:
    path = next((placed.path for placed in result.placed if placed.made is made), "")
    # Ours to say, whatever the agent says: which gates before this file nobody approved at.
    data = {name: value for name, value in made.data.items() if name != UNAPPROVED}
    data |= {UNAPPROVED: doubt} if doubt and path else {}
    row = result.claimed.subtask
    return artifacts.build(
        numbers,
        task=result.claimed.task,
        subtask=row,
        run=result.claimed.run,
        kind=made.kind,
        text=made.text,
        data=data,
        made_by=f"agent:{row.agent}",
        at=now,
        path=path,
        built_on=result.built_on,
    )


def _keep_findings(result: Result, mine: list[Artifact]) -> None:
    """Store a reviewer's remarks on the text it judged. Earlier open ones that it no
    longer makes are resolved."""
    claimed = result.claimed
    stage = claimed.task.workflow_version.stage(claimed.subtask.stage)
    judged = next((one for one in reversed(mine) if one.kind == "draft"), None)
    judged = judged or artifacts.judged(claimed.task, stage["judges"])
    if judged is None:
        return
    still = {(finding.kind, finding.quote) for finding in result.outcome.findings}
    old = Finding.objects.filter(task=claimed.task, state=Finding.State.OPEN)
    gone = [finding.pk for finding in old if (finding.kind, finding.quote) not in still]
    Finding.objects.filter(pk__in=gone).update(state=Finding.State.RESOLVED)
    known = {(finding.kind, finding.quote): finding for finding in old if finding.pk not in gone}
    # What a person has disputed stays so: the same remark about the same sentence is not made anew.
    disputed = Finding.objects.filter(task=claimed.task, state=Finding.State.DISPUTED)
    known |= {(finding.kind, finding.quote): finding for finding in disputed}
    number = Finding.objects.filter(task=claimed.task).count()
    for found in result.outcome.findings:
        if (again := known.get((found.kind, found.quote))) is not None:
            Finding.objects.filter(pk=again.pk).update(artifact=judged)
            continue
        number += 1
        Finding.objects.create(
            task=claimed.task,
            artifact=judged,
            run=claimed.run,
            number=number,
            kind=found.kind,
            text=found.text,
            severity=found.severity,
            quote=found.quote,
            before=found.before,
            source=found.source,
            passage=found.passage,
            suggestion=found.suggestion,
            state=found.state,
        )


def _keep_answers(result: Result, mine: list[Artifact]) -> None:
    """Write each answer beside the comment or finding that asked for it. Whatever the agent says: if no word
    that has to do with the request changed, it was not done."""
    asked = {request["number"]: request for request in result.claimed.subtask.requests}
    draft = mine[-1] if mine else None
    before = _before(draft) if asked and draft else None
    for answer in result.outcome.answers:
        request = asked.get(answer.number, {})
        said, quote = answer.text, answer.quote
        if (
            draft
            and before
            and not met(_text(request, "text"), _text(request, "quote"), before.text, draft.text)
        ):
            said, quote = not_done(said, changed=before.text != draft.text), ""
        if pk := request.get("comment"):
            Comment.objects.filter(pk=pk).update(answer=said, answer_quote=quote, answered_in=draft)
        if pk := request.get("finding"):
            Finding.objects.filter(pk=pk).update(answer=said)


def _before(made: Artifact) -> Artifact | None:
    """The version that came before this one, whichever stage made it."""
    older = Artifact.objects.filter(task=made.task_id, kind=made.kind, number__lt=made.number)
    return older.order_by("-number").first()


def _text(request: Mapping[str, Any], name: str) -> str:
    return str(request.get(name) or "")


def note_stages(results: list[Result], now: datetime) -> list[Event]:
    """Tell each task which stage it has just passed."""
    words: dict[str, set[int]] = defaultdict(set)
    events = []
    for result in results:
        row, run = result.claimed.subtask, result.claimed.run
        if not row.item:  # an item does not end its stage: the join does
            words[row.done_as].add(result.claimed.task.pk)
        events.append(
            log.line(
                "subtask.finished",
                by=f"agent:{row.agent}",
                task=result.claimed.task,
                stage=row.stage,
                subtask=row.pk,
                item=row.item,
                done_as=row.done_as,
                summary=run.summary,
                attempt=row.attempts,
                seconds=round((now - run.started_at).total_seconds(), 3),
            )
        )
    for word, tasks in words.items():
        machine.touch(changes.told(Task).filter(pk__in=tasks), stage_status=word)
    if items := {result.claimed.task.pk for result in results if result.claimed.subtask.item}:
        machine.touch(Task.objects.filter(pk__in=items))
    keep_fields(results)
    return events


def locked(rows: Any) -> Any:
    """These rows, locked until the transaction ends, where the database locks rows at all."""
    return rows.select_for_update() if connection.features.has_select_for_update else rows


def keep_fields(results: list[Result]) -> None:
    """Store the small facts that these results say, for routes and later stages."""
    saying = [result for result in results if result.outcome.fields]
    # The row in memory may hold what a transaction wrote that was rolled back, so it is always noted.
    changes.note([
        changes.Change(
            "subtask", one.claimed.subtask.pk, one.claimed.subtask.task_id, {},
            {"fields": changes.fingerprint(one.outcome.fields)},
        )
        for one in saying
    ])  # fmt: skip
    for result in results:
        result.claimed.subtask.fields = result.outcome.fields
    if saying:
        changes.told(Subtask).bulk_update([result.claimed.subtask for result in saying], ["fields"])
