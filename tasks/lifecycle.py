"""How work flows by itself: inject, start, claim, finish, retry_later, escalate, rescue.

Each verb is one transaction and writes its events in it; nothing slow happens inside one. A worker
proves with the fence it got at the claim that it still holds a subtask; who comes late is refused.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.text import slugify

from agents.contract import Made, Outcome, Usage

from . import (
    access,
    artifacts,
    clock,
    log,
    machine,
    outbox,
    queue,
    reviews,
    rounds,
    store,
    versions,
    workspace,
)
from .machine import Refused
from .models import Artifact, Comment, Event, Finding, Review, Run, Subtask, Task, Worker, Workflow
from .workflow import check_input

S = Subtask.Status


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
    built_on: list[str] = field(default_factory=list)


# -- Inject and start -----------------------------------------------------------------------------


def inject(
    workflow: str,
    *,
    title: str,
    input: dict[str, Any],
    by: str,
    folder: Path | None = None,
    anywhere: bool = False,
    key: str | None = None,
    backlog: bool = False,
    starts_at: datetime | None = None,
    due_on: date | None = None,
    priority: int = 0,
    owner: str = "",
) -> Task:
    """Inject a task with its subtasks; it may run at once, at `starts_at`, or waits in the backlog.

    `folder` is where the files that the input names are found; `key` makes a repeated call return
    the first call's task. Refuses an unknown workflow, an input its schema does not allow, a missing file.
    """
    access.require(by, "inject")
    if key and (known := Task.objects.filter(idempotency_key=key).first()):
        return known
    flow = Workflow.objects.select_related("active").filter(slug=workflow).first()
    if flow is None or flow.active is None:
        names = ", ".join(Workflow.objects.values_list("slug", flat=True)) or "none yet; run `manage.py sync`"
        raise Refused(f"Cannot inject {title!r}: there is no workflow {workflow!r}. There are: {names}.")
    title = " ".join(str(title).split())[:200]
    problems = check_input(flow.active.definition["input"], {**input, "title": title})
    if not title or problems:
        raise Refused(
            f"Cannot inject {title!r} into {workflow}: {'; '.join(problems) or 'it needs a title'}."
        )
    # Files are copied before the transaction: a copy can take long.
    given, waiting = workspace.collect({**input, "title": title}, folder, anywhere=anywhere)
    with transaction.atomic():
        return _store_task(
            flow,
            title,
            given,
            waiting,
            by=by,
            key=key,
            priority=priority,
            due_on=due_on,
            owner=owner,
            starts_at=None if backlog else starts_at or clock.now(),
        )


def _store_task(
    flow: Workflow,
    title: str,
    given: dict[str, Any],
    waiting: Path | None,
    *,
    by: str,
    starts_at: datetime | None,
    key: str | None,
    **values: Any,
) -> Task:
    now = clock.now()
    # The update takes the workflow's row: two injections at once get two numbers and two slugs.
    Workflow.objects.filter(pk=flow.pk).update(last_number=F("last_number") + 1)
    number = Workflow.objects.values_list("last_number", flat=True).get(pk=flow.pk)
    if key and (known := Task.objects.filter(idempotency_key=key).first()):
        return known
    assert flow.active is not None  # inject refused a workflow without a version
    task = Task.objects.create(
        key=f"{flow.key}-{number}",
        number=number,
        workflow=flow,
        workflow_version=flow.active,
        title=title,
        slug=_free_slug(flow, title, f"{flow.key}-{number}"),
        input=given,
        starts_at=starts_at,
        idempotency_key=key,
        created_at=now,
        created_by=by,
        **values,
    )
    workspace.keep(waiting, task.key)
    names = [stage["name"] for stage in task.workflow_version.stages]
    ready = rounds.lay(task, names, now=now, go=starts_at is not None and starts_at <= now, requests=[])
    events = [
        log.line("task.injected", by=by, task=task, workflow=flow.slug, version=task.workflow_version.number)
    ]
    log.write(events + _begin(task, ready, by=by, now=now))
    return task


def _free_slug(flow: Workflow, title: str, key: str) -> str:
    slug = slugify(title)[:60].strip("-") or "untitled"
    return f"{slug}-{key.lower()}" if Task.objects.filter(workflow=flow, slug=slug).exists() else slug


def let_go(ready: Sequence[Subtask], *, now: datetime) -> list[Event]:
    """What follows when rows become ready: human stages open their review, workers are rung."""
    if not ready:
        return []
    queue.ring()
    return [event for row in ready if rounds.is_human(row) for event in reviews.open_gate(row, now=now)]


def _begin(task: Task, ready: Sequence[Subtask], *, by: str, now: datetime) -> list[Event]:
    """A task leaves the backlog."""
    if not ready:
        return []
    started = log.line("task.started", by=by, task=task, stages=[row.stage for row in ready])
    return [started, *let_go(ready, now=now)]


def start(tasks: Iterable[Task], *, by: str) -> list[Task]:
    """Let backlog tasks begin: first stages blocked -> ready. Returns the tasks that began now."""
    access.require(by, "start")
    begun: list[Task] = []
    now = clock.now()
    with transaction.atomic():
        for task in tasks:
            first = Subtask.objects.filter(task=task, live=1, needs_left=0, task__status=Task.Status.BACKLOG)
            if not machine.move(first, "start", not_before=now):
                continue
            machine.touch(Task.objects.filter(pk=task.pk), starts_at=now)
            rows = list(
                Subtask.objects.filter(task=task, live=1, status=S.READY).select_related(
                    "task__workflow_version"
                )
            )
            log.write(_begin(task, rows, by=by, now=now))
            begun.append(task)
    return begun


# -- Claim ------------------------------------------------------------------------------------------


def claim(worker: Worker, limit: int) -> list[Claimed]:
    """Give up to `limit` ready subtasks to a worker: ready -> doing. Nothing under a hold is given."""
    with transaction.atomic(savepoint=False):
        rows = store.claim(worker, limit, clock.now())
    return [Claimed(subtask=row, task=row.task, run=run, fence=row.fence) for row, run in rows]


# -- Finish -----------------------------------------------------------------------------------------


def finish(results: Sequence[Result]) -> set[int]:
    """Take back a batch of results in one transaction; returns the subtasks whose result was refused
    because the worker no longer holds them (rescued, stopped, cancelled or returned meanwhile)."""
    now = clock.now()
    refused: set[int] = set()
    with transaction.atomic(savepoint=False):
        done = [result for result in results if result.outcome.word == "done"]
        refused |= _finish_done(done, now)
        for result in results:
            if result.outcome.word == "send_back":
                refused |= _finish_send_back(result, now)
            elif result.outcome.word == "escalate":
                refused |= _finish_escalate(result, now)
    for result in results:
        if result.outcome.word == "retry":
            delay = timedelta(seconds=result.outcome.after_seconds or 0)
            if not retry_later(
                result.claimed, why=result.outcome.why, delay=delay, usage=result.usage, notes=result.notes
            ):
                refused.add(result.claimed.subtask.pk)
    _sweep_files(results)
    return refused


def _finish_done(results: list[Result], now: datetime) -> set[int]:
    if not results:
        return set()
    held = [store.Held(result.claimed.subtask.pk, result.claimed.fence) for result in results]
    accepted = store.settle(held, now)
    kept = [result for result in results if result.claimed.subtask.pk in accepted]
    events = _close_runs(results, accepted, now, Run.Status.DONE)
    events += _keep_work(kept, now)
    ready = store.unblock(accepted, now)
    events += _note_stages(kept, now)
    gates = [row for row in ready if rounds.is_human(row)]
    events += [event for row in gates for event in reviews.open_gate(row, now=now)]
    # A task in which something has just become ready is not over; that spares most of them the question.
    maybe = {result.claimed.task.pk for result in kept} - {row.task_id for row in ready}
    events += complete(maybe, by="clawbot", now=now) if maybe else []
    log.write(events)
    if len(ready) > len(gates):
        queue.ring()
    return {result.claimed.subtask.pk for result in results} - accepted


def _close_runs(results: list[Result], accepted: set[int], now: datetime, status: str) -> list[Event]:
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
    return events


def _fill(run: Run, result: Result) -> None:
    run.summary = (result.outcome.summary or result.outcome.question or result.outcome.why)[:300]
    run.error = result.outcome.why if result.outcome.word == "retry" else run.error
    run.tokens_in, run.tokens_out = result.usage.tokens_in, result.usage.tokens_out
    run.cost_usd = round(result.usage.cost_usd, 4)
    run.notes = result.notes


def _keep_work(results: list[Result], now: datetime) -> list[Event]:
    """Store what was made, put files in their place, keep findings and answers."""
    if not results:
        return []
    numbers = artifacts.Numbers({result.claimed.task.pk for result in results if result.outcome.made})
    made: list[Artifact] = []
    per_result: list[tuple[Result, list[Artifact]]] = []
    for result in results:
        mine = [_artifact(numbers, result, one, now) for one in result.outcome.made]
        made += mine
        per_result.append((result, mine))
    if made:
        Artifact.objects.bulk_create(made)
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
        )
        for one in made
    ]


def _artifact(numbers: artifacts.Numbers, result: Result, made: Made, now: datetime) -> Artifact:
    path = next((placed.path for placed in result.placed if placed.made is made), "")
    row = result.claimed.subtask
    return artifacts.build(
        numbers,
        task=result.claimed.task,
        subtask=row,
        run=result.claimed.run,
        kind=made.kind,
        text=made.text,
        data=made.data,
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
            source=found.source,
            passage=found.passage,
            suggestion=found.suggestion,
            state=found.state,
        )


def _keep_answers(result: Result, mine: list[Artifact]) -> None:
    """Write each answer beside the comment or finding that asked for it."""
    asked = {request["number"]: request for request in result.claimed.subtask.requests}
    draft = mine[-1] if mine else None
    for answer in result.outcome.answers:
        request = asked.get(answer.number, {})
        if pk := request.get("comment"):
            Comment.objects.filter(pk=pk).update(
                answer=answer.text, answer_quote=answer.quote, answered_in=draft
            )
        if pk := request.get("finding"):
            Finding.objects.filter(pk=pk).update(answer=answer.text)


def _note_stages(results: list[Result], now: datetime) -> list[Event]:
    """Tell each task which stage it has just passed."""
    words: dict[str, set[int]] = defaultdict(set)
    events = []
    for result in results:
        row, run = result.claimed.subtask, result.claimed.run
        words[row.done_as].add(result.claimed.task.pk)
        events.append(
            log.line(
                "subtask.finished",
                by=f"agent:{row.agent}",
                task=result.claimed.task,
                stage=row.stage,
                done_as=row.done_as,
                summary=run.summary,
                attempt=row.attempts,
                seconds=round((now - run.started_at).total_seconds(), 3),
            )
        )
    for word, tasks in words.items():
        machine.touch(Task.objects.filter(pk__in=tasks), stage_status=word)
    _keep_fields(results)
    return events


def _keep_fields(results: list[Result]) -> None:
    rows = [result.claimed.subtask for result in results if result.outcome.fields]
    for result in results:
        result.claimed.subtask.fields = result.outcome.fields
    if rows:
        Subtask.objects.bulk_update(rows, ["fields"])


def complete(tasks: Iterable[int], *, by: str, now: datetime) -> list[Event]:
    """End the tasks of which nothing is open any more: doing -> done, completed."""
    open_rows = Subtask.objects.filter(task=OuterRef("pk"), live=1, status__in=Subtask.OPEN)
    ended = list(Task.objects.filter(~Exists(open_rows), pk__in=list(tasks)).exclude(status=Task.Status.DONE))
    if not ended:
        return []
    machine.move_task(
        Task.objects.filter(pk__in=[task.pk for task in ended]),
        "complete",
        done_at=now,
        outcome=Task.Ending.COMPLETED,
    )
    for task in ended:
        _announce(task)
    return [log.line("task.done", by=by, task=task, outcome="completed") for task in ended]


def _announce(task: Task) -> None:
    """A workflow without a gate says at its end what a gate would have said: it is done."""
    stages = versions.workflow(task.workflow_version_id).stages
    if any(stage["agent"] == "human" and stage["notify"] for stage in stages):
        return
    groups = sorted({group for stage in stages for group in stage["notify"]})
    if not groups:
        return
    last = Artifact.objects.filter(task=task).exclude(path="").order_by("-id").first()
    summary = artifacts.latest(task, "summary")
    facts = {
        "key": task.key,
        "title": task.title,
        "path": last.path if last else "",
        "workflow": task.workflow.title,
        "summary": summary.text if summary else "Done.",
        "verbs": [],
    }
    outbox.owe(
        "completion", task=task, to=groups, content=facts, key=f"completion:task:{task.pk}:{task.round}"
    )


# -- What went otherwise -----------------------------------------------------------------------------


def _held(claimed: Claimed) -> Any:
    """The row, if this worker still holds it."""
    return Subtask.objects.filter(pk=claimed.subtask.pk, fence=claimed.fence)


def _finish_send_back(result: Result, now: datetime) -> set[int]:
    """A reviewer returns the judged text: a new round from the stage its workflow names; a person
    is asked instead once it came back too often."""
    claimed, row = result.claimed, result.claimed.subtask
    # Taking the row first, in the same guarded update that ends it, decides between two late workers.
    if not _held(claimed).filter(status=S.DOING).update(finished_at=now, reason=result.outcome.why[:300]):
        return _discard(result, now)
    back = claimed.task.workflow_version.stage(row.stage)["send_back"]
    returned = Run.objects.filter(
        task=claimed.task, subtask__stage=row.stage, status=Run.Status.RETURNED
    ).count()
    events = _close_runs([result], {row.pk}, now, Run.Status.RETURNED)
    events += _keep_work([result], now)
    if back is None or returned >= back["at_most"]:
        log.write(
            events
            + _ask(
                row,
                Review.Kind.LOOP,
                _loop_sentence(result, returned, back),
                by=f"agent:{row.agent}",
                now=now,
            )
        )
        return set()
    requests = _requests(result)
    ready = rounds.again(claimed.task, back["to"], now=now, requests=requests)
    events.append(
        log.line(
            "subtask.returned",
            by=f"agent:{row.agent}",
            task=claimed.task,
            stage=row.stage,
            to=back["to"],
            round=claimed.task.round,
            requests=len(requests),
            why=result.outcome.why,
        )
    )
    log.write(events + let_go(ready, now=now))
    return set()


def _loop_sentence(result: Result, returned: int, back: dict[str, Any] | None) -> str:
    why = result.outcome.why or result.outcome.summary or "It found something to mend."
    if back is None:
        return f"{why} This stage has nowhere to return work to, so a person decides."
    return f"{why} It has been returned {returned} times already, so a person decides."


def _requests(result: Result) -> list[dict[str, Any]]:
    """A reviewer's open findings as numbered requests for the next draft."""
    findings = Finding.objects.filter(task=result.claimed.task, state=Finding.State.OPEN).order_by("number")
    return [
        {
            "number": place,
            "text": f"{found.text} {found.suggestion}".strip(),
            "quote": found.quote,
            "by": f"agent:{result.claimed.subtask.agent}",
            "finding": found.pk,
        }
        for place, found in enumerate(findings, start=1)
    ]


def _finish_escalate(result: Result, now: datetime) -> set[int]:
    """An agent asks a person: doing -> waiting, with what was made so far."""
    row = result.claimed.subtask
    why = result.outcome.question or result.outcome.why or "The agent needs a person."
    if not machine.move(_held(result.claimed).filter(status=S.DOING), "escalate", reason=why[:300]):
        return _discard(result, now)
    events = _close_runs([result], {row.pk}, now, Run.Status.ESCALATED) + _keep_work([result], now)
    events += reviews.open_review(row, Review.Kind.ESCALATION, why, by=f"agent:{row.agent}", now=now)
    machine.touch(Task.objects.filter(pk=row.task_id))
    log.write(events)
    return set()


def _discard(result: Result, now: datetime) -> set[int]:
    log.write(_close_runs([result], set(), now, Run.Status.DISCARDED))
    return {result.claimed.subtask.pk}


def _ask(row: Subtask, kind: str, why: str, *, by: str, now: datetime) -> list[Event]:
    """doing/ready -> waiting for a person, with an open review."""
    machine.move(Subtask.objects.filter(pk=row.pk), "escalate", reason=why[:300])
    machine.touch(Task.objects.filter(pk=row.task_id))
    return reviews.open_review(row, kind, why, by=by, now=now)


def escalate(row: Subtask, kind: str, why: str, *, by: str) -> bool:
    """A sweep asks a person about a subtask that is ready or doing; False where it is neither."""
    now = clock.now()
    with transaction.atomic():
        rows = Subtask.objects.filter(pk=row.pk, version=row.version)
        if not machine.move(rows, "escalate", reason=why[:300], fence=F("fence") + 1):
            return False
        Run.objects.filter(subtask=row, status=Run.Status.DOING).update(
            status=Run.Status.STOPPED, ended_at=now, error=why
        )
        machine.touch(Task.objects.filter(pk=row.task_id))
        log.write(reviews.open_review(row, kind, why, by=by, now=now))
    return True


def retry_later(
    claimed: Claimed,
    *,
    why: str,
    delay: timedelta,
    counts: bool = True,
    usage: Usage | None = None,
    notes: list[dict[str, Any]] | None = None,
) -> bool:
    """doing -> ready, not before `delay` from now; out of attempts: doing -> waiting for a person.

    `counts` False gives the attempt back (the worker was told to stop). False where the worker no
    longer holds the subtask.
    """
    now, row = clock.now(), claimed.subtask
    by = f"agent:{row.agent}"
    result = Result(claimed, Outcome(word="retry", why=why), usage or Usage(), notes or [])
    with transaction.atomic():
        if counts and row.attempts >= row.max_attempts:
            if not machine.move(_held(claimed).filter(status=S.DOING), "escalate", reason=why[:300]):
                return not _discard(result, now)
            sentence = f"{why} It was tried {_times(row.attempts)}; a person decides what to do."
            events = reviews.open_review(row, Review.Kind.ATTEMPTS, sentence, by=by, now=now)
            machine.touch(Task.objects.filter(pk=row.task_id))
        else:
            values: dict[str, Any] = {} if counts else {"attempts": F("attempts") - 1}
            if not machine.move(
                _held(claimed), "retry_later", not_before=now + delay, reason=why[:300], **values
            ):
                return not _discard(result, now)
            kind = "subtask.retried" if counts else "subtask.released"
            events = [
                log.line(
                    kind,
                    by=by,
                    task=claimed.task,
                    stage=row.stage,
                    why=why,
                    attempt=row.attempts,
                    not_before=(now + delay).isoformat(),
                )
            ]
            machine.touch(Task.objects.filter(pk=row.task_id))
            queue.ring()
        events += _close_runs([result], {row.pk}, now, Run.Status.RETRIED)
        log.write(events)
    return True


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def rescue(worker: Worker) -> int:
    """Take back all that a dead worker held: doing -> ready, the attempt counted; a subtask that took
    too many workers down with it waits for a person. Returns how many subtasks were taken back."""
    now = clock.now()
    by = "orchestrator:rescue"
    with transaction.atomic():
        ended = Worker.objects.filter(pk=worker.pk, ended_at__isnull=True).update(
            ended_at=now, ended_why="lease ran out"
        )
        rows = list(
            Subtask.objects.filter(worker=worker, status=S.DOING).select_related("task__workflow_version")
        )
        events = [log.line("worker.lost", by=by, worker=worker.name, held=len(rows))] if ended else []
        taken = 0
        for row in rows:
            held = Subtask.objects.filter(pk=row.pk, worker=worker, fence=row.fence)
            if not machine.move(
                held,
                "rescue",
                crashes=F("crashes") + 1,
                not_before=now,
                reason=f"Recovered from {worker.name}, which died.",
            ):
                continue
            taken += 1
            Run.objects.filter(subtask=row, fence=row.fence).update(
                status=Run.Status.LOST, ended_at=now, error=f"{worker.name} died while it worked on this."
            )
            events.append(
                log.line(
                    "subtask.rescued",
                    by=by,
                    task=row.task,
                    stage=row.stage,
                    worker=worker.name,
                    attempt=row.attempts,
                    crashes=row.crashes + 1,
                )
            )
            if row.crashes + 1 >= settings.POISON_CRASHES:
                sentence = (
                    f"{row.crashes + 1} workers died while they worked on this stage, so it was set aside."
                )
                events += _ask(row, Review.Kind.POISON, sentence, by=by, now=now)
        machine.touch(Task.objects.filter(pk__in={row.task_id for row in rows}))
        log.write(events)
        if taken:
            queue.ring()
    return taken


def _sweep_files(results: Sequence[Result]) -> None:
    """Remove what was written for results that were not accepted."""
    for result in results:
        for placed in result.placed:
            placed.waiting.unlink(missing_ok=True)
