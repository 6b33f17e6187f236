"""How work flows by itself: inject, start, claim, finish, retry_later, escalate, rescue.

Each verb is one transaction and writes its events in it; nothing slow happens inside one. A worker
proves with the fence it got at the claim that it still holds a subtask; who comes late is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from agents.contract import CALL, Call, Made, Outcome, Usage

from . import arrivals, brakes, clock, log, machine, queue, rounds, store
from .desk import Crossing
from .injection import inject, start
from .models import Artifact, Event, Review, Run, Subtask, Task, Worker
from .people import authority, reviews
from .results import Claimed, Placed, Result, close_runs, keep_fields, keep_work, note_stages
from .workflow import downstream, versions

__all__ = [
    "Claimed", "Placed", "Result", "claim", "escalate", "finish", "inject", "overdue_answers", "rescue",
    "retry_later", "start",
]  # fmt: skip

S = Subtask.Status


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
        braked = {result.claimed.subtask.pk: found for result in done if (found := _brake(result))}
        refused |= _finish_done([one for one in done if one.claimed.subtask.pk not in braked], now)
        for result in results:
            if result.claimed.subtask.pk in braked:
                refused |= _finish_braked(result, *braked[result.claimed.subtask.pk], now)
            elif result.outcome.word == "send_back":
                refused |= _finish_send_back(result, now)
            elif result.outcome.word == "escalate":
                refused |= _finish_escalate(result, now)
            elif result.outcome.word == "fail":
                refused |= _finish_fail(result, now)
            elif result.outcome.word == "await":
                refused |= _finish_await(result, now)
    for result in results:
        if result.outcome.word == "retry":
            delay = timedelta(seconds=result.outcome.after_seconds or 0)
            if not retry_later(
                result.claimed, why=result.outcome.why, delay=delay, usage=result.usage, notes=result.notes,
                crossings=result.crossings,
            ):  # fmt: skip
                refused.add(result.claimed.subtask.pk)
    _sweep_files(results)
    return refused


def _finish_done(results: list[Result], now: datetime) -> set[int]:
    if not results:
        return set()
    held = [store.Held(result.claimed.subtask.pk, result.claimed.fence) for result in results]
    accepted = store.settle(held, now)
    kept = [result for result in results if result.claimed.subtask.pk in accepted]
    events = close_runs(results, accepted, now, Run.Status.DONE)
    events += keep_work(kept, now)
    ready = store.unblock(accepted, now)
    events += note_stages(kept, now)
    events += arrivals.arrive(ready, now=now)
    # A task in which something waits for a worker is not over; that spares most of them the question.
    special = {result.claimed.task.pk: _special(result) for result in kept}
    maybe = set(special) - {row.task_id for row in ready if row.stage not in special[row.task_id]}
    events += arrivals.complete(maybe, by="clawbot", now=now) if maybe else []
    log.write(events)
    return {result.claimed.subtask.pk for result in results} - accepted


def _special(result: Result) -> frozenset[str]:
    return versions.workflow(result.claimed.task.workflow_version_id).special


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
    events = close_runs([result], {row.pk}, now, Run.Status.RETURNED)
    events += keep_work([result], now)
    if author := _author(result):
        why = result.outcome.why or result.outcome.summary or "It found something to mend."
        events += _ask(
            row, Review.Kind.LOOP, f"{why} You edited this text, so it came back to you.",
            by=f"agent:{row.agent}", now=now, owner=author,
        )  # fmt: skip
        _wait_for(row, now)
        log.write(events)
        return set()
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
    requests = reviews.requests(claimed.task, by=f"agent:{row.agent}")
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
    log.write(events + arrivals.arrive(ready, now=now))
    return set()


def _author(result: Result) -> str:
    """The person who made the text that was judged ("user:ana"); empty if an agent did. No agent rewrites
    a person's text unless a person hands it over."""
    drafts = Artifact.objects.filter(task=result.claimed.task, kind="draft").exclude(run=result.claimed.run)
    given = drafts.filter(sha256__in=result.built_on).order_by("-number").first() if result.built_on else None
    judged = given or drafts.order_by("-number").first()
    return judged.made_by if judged and judged.made_by.startswith("user:") else ""


def _wait_for(row: Subtask, now: datetime) -> None:
    """What comes after a stage waits for it again: one wait asks people about a text, not two."""
    task = row.task
    later = [name for name in downstream(row.stage, task.workflow_version.stages) if name != row.stage]
    begun = task.subtasks.filter(live=1, stage__in=later).exclude(status=S.BLOCKED)
    if begun.exists():
        rounds.again(task, later[0], now=now, requests=[], only=set(later))


def _loop_sentence(result: Result, returned: int, back: dict[str, Any] | None) -> str:
    why = result.outcome.why or result.outcome.summary or "It found something to mend."
    if back is None:
        return f"{why} This stage has nowhere to return work to, so a person decides."
    return f"{why} It has been returned {returned} times already, so a person decides."


def _finish_escalate(result: Result, now: datetime) -> set[int]:
    """An agent asks a person, or asks leave for a call: doing -> waiting, with what was made so far."""
    row, kind = result.claimed.subtask, Review.Kind.ESCALATION
    if call := result.outcome.call:
        result, kind = _with_call(result, call), Review.Kind.TOOL
    why = result.outcome.question or result.outcome.why or "The agent needs a person."
    if not machine.move(_held(result.claimed).filter(status=S.DOING), "escalate", reason=why[:300]):
        return _discard(result, now)
    events = close_runs([result], {row.pk}, now, Run.Status.ESCALATED) + keep_work([result], now)
    events += reviews.open_review(row, kind, why, by=f"agent:{row.agent}", now=now)
    machine.touch(Task.objects.filter(pk=row.task_id))
    log.write(events)
    return set()


def _with_call(result: Result, call: Call) -> Result:
    """The result with the call as the last thing made: to its text a decision is bound."""
    made = (*result.outcome.made, Made(kind=CALL, text=call.text))
    return replace(result, outcome=result.outcome.model_copy(update={"made": made}))


def _brake(result: Result) -> tuple[str, str] | None:
    """The kind of review, and why a person decides instead of letting finished work go on; None mostly."""
    if why := brakes.stubborn(result):
        return Review.Kind.LOOP, why
    if why := authority.overstepped(result):
        return Review.Kind.ESCALATION, why
    return None


def _finish_braked(result: Result, kind: str, why: str, now: datetime) -> set[int]:
    """What was made is kept, and a person decides how to go on."""
    row = result.claimed.subtask
    if not machine.move(_held(result.claimed).filter(status=S.DOING), "escalate", reason=why[:300]):
        return _discard(result, now)
    events = close_runs([result], {row.pk}, now, Run.Status.ESCALATED) + keep_work([result], now)
    events += reviews.open_review(row, kind, why, by=f"agent:{row.agent}", now=now)
    machine.touch(Task.objects.filter(pk=row.task_id))
    log.write(events)
    return set()


def _finish_fail(result: Result, now: datetime) -> set[int]:
    """An agent says that it cannot be done: the stage's `on_failure` decides what becomes of it."""
    row = result.claimed.subtask
    if not _held(result.claimed).filter(status=S.DOING).exists():
        return _discard(result, now)
    why = result.outcome.why or result.outcome.summary or "The agent says that it cannot be done."
    events = close_runs([result], {row.pk}, now, Run.Status.FAILED) + keep_work([result], now)
    keep_fields([result])
    log.write(events + arrivals.give_up(_fresh(row), why, by=f"agent:{row.agent}", now=now))
    return set()


def _finish_await(result: Result, now: datetime) -> set[int]:
    """An agent has asked another system: doing -> blocked until the answer comes, or too long has passed."""
    row = result.claimed.subtask
    until = now + timedelta(seconds=result.outcome.after_seconds or 3600)
    why = result.outcome.summary or "It waits for an answer from another system."
    values = {"awaits": Subtask.Awaits.MESSAGE, "needs_left": 1, "not_before": until, "reason": why[:300]}
    if not machine.move(_held(result.claimed).filter(status=S.DOING), "await", **values):
        return _discard(result, now)
    events = close_runs([result], {row.pk}, now, Run.Status.ASKED) + keep_work([result], now)
    machine.touch(Task.objects.filter(pk=row.task_id))
    asked = log.line(
        "subtask.awaits", by=f"agent:{row.agent}", task=result.claimed.task, stage=row.stage,
        until=until.isoformat(), why=why,
    )  # fmt: skip
    log.write([*events, asked])
    return set()


def overdue_answers(now: datetime) -> int:
    """Let stages whose answer did not come in time ask again, or give up after the last attempt.
    Returns how many."""
    late = Subtask.objects.filter(awaits=Subtask.Awaits.MESSAGE, status=S.BLOCKED, not_before__lte=now)
    found = 0
    for row in late.select_related("task__workflow_version", "task__workflow")[:500]:
        with transaction.atomic():
            mine = Subtask.objects.filter(pk=row.pk, version=row.version)
            if row.attempts >= row.max_attempts:
                why = f"No answer came in time; it was asked {_times(row.attempts)}."
                events = arrivals.give_up(row, why, by="orchestrator:answers", now=now)
            elif machine.move(
                mine, "answer", awaits="", needs_left=0, not_before=now, reason="No answer yet."
            ):
                machine.touch(Task.objects.filter(pk=row.task_id))
                why = "No answer came in time; it is asked again."
                events = [
                    log.line("subtask.retried", by="orchestrator:answers", task=row.task, stage=row.stage,
                             why=why, attempt=row.attempts, not_before=now.isoformat())
                ]  # fmt: skip
                queue.ring()
            else:
                continue
            log.write(events)
            found += 1
    return found


def _discard(result: Result, now: datetime) -> set[int]:
    log.write(close_runs([result], set(), now, Run.Status.DISCARDED))
    return {result.claimed.subtask.pk}


def _ask(row: Subtask, kind: str, why: str, *, by: str, now: datetime, owner: str = "") -> list[Event]:
    """doing/ready -> waiting for a person, with an open review; the `owner`'s, if it is about their text."""
    machine.move(Subtask.objects.filter(pk=row.pk), "escalate", reason=why[:300])
    machine.touch(Task.objects.filter(pk=row.task_id))
    return reviews.open_review(row, kind, why, by=by, now=now, author=owner)


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
    crossings: Sequence[Crossing] = (),
) -> bool:
    """doing -> ready, not before `delay` from now; out of attempts: doing -> waiting for a person.

    `counts` False gives the attempt back (the worker was told to stop). False where the worker no
    longer holds the subtask.
    """
    now, row = clock.now(), claimed.subtask
    by = f"agent:{row.agent}"
    result = Result(
        claimed, Outcome(word="retry", why=why), usage or Usage(), notes or [], [], list(crossings)
    )
    stage = claimed.task.workflow_version.stage(row.stage)
    last = counts and row.attempts >= row.max_attempts and stage.get("on_failure") != "retry"
    with transaction.atomic():
        if last:
            if not _held(claimed).filter(status=S.DOING).exists():
                return not _discard(result, now)
            events = arrivals.give_up(_fresh(row), _sentence(why, row, stage), by=by, now=now)
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
        events += close_runs([result], {row.pk}, now, Run.Status.RETRIED)
        log.write(events)
    return True


def _sentence(why: str, row: Subtask, stage: dict[str, Any]) -> str:
    then = {"skip": "it is skipped", "undo": "what was done is taken back"}
    what = then.get(stage.get("on_failure", ""), "a person decides what to do")
    return f"{why} It was tried {_times(row.attempts)}; {what}."


def _fresh(row: Subtask) -> Subtask:
    """The row with all that `on_failure` needs to know."""
    return Subtask.objects.select_related("task__workflow_version", "task__workflow").get(pk=row.pk)


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
