"""Bugs to plant: each takes one guard out of the real code, and the stateful test must find it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import models
from django.db.models import F

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    """A bug: how it is planted, a pattern of the promises by which it may be found, and whereabouts."""

    plant: Plant
    promise: str
    near: str


MUTANTS: dict[str, Mutant] = {}


def breaks(*promises: int, near: str = "all is at its gates", check: str = "") -> Callable[[Plant], Plant]:
    """Keep a bug under its function's name. It breaks these promises, or this check of the product's own, in
    lives that begin in the scene `near`."""
    ways = [*(f"{number}:" for number in promises), *([f"of verify: .*{check}"] if check else [])]

    def keep(plant: Plant) -> Plant:
        MUTANTS[plant.__name__] = Mutant(plant, f"^Promise ({'|'.join(ways)})", near)
        return plant

    return keep


@breaks(2, 5, 25, near="one who was given up comes late")
def no_fence_in_settle(patch: pytest.MonkeyPatch) -> None:
    """Whoever comes with a result is believed, also one that was given up meanwhile."""
    from tasks import store
    from tasks.history import changes
    from tasks.models import Subtask

    def settle(held: Any, now: Any) -> set[int]:
        ids = {one.subtask_id for one in held}
        rows = changes.told(Subtask).filter(pk__in=ids, status__in=["doing", "ready"])
        found = set(rows.values_list("pk", flat=True))
        rows.update(status="done", worker=None, finished_at=now, reason="", version=F("version") + 1)
        return found

    patch.setattr(store, "settle", settle)


@breaks(9, near="a worker asks in a pause")
def claim_ignores_holds(patch: pytest.MonkeyPatch) -> None:
    """A hold is written down, and nobody looks."""
    from tasks.store import gate

    patch.setattr(gate, "holds", lambda now: gate.Gate())


@breaks(12, near="somebody has read something else")
def approval_not_bound_to_the_text(patch: pytest.MonkeyPatch) -> None:
    """Whoever approves approves what is there now, whatever they have read."""
    from tasks import supervision

    real = supervision.decisions.decidable

    def decidable(review: Any, verb: str, by: str, sha: Any, version: Any) -> Any:
        return real(review, verb, by, None, None)

    patch.setattr(supervision.decisions, "decidable", decidable)


@breaks(12)
def released_twice(patch: pytest.MonkeyPatch) -> None:
    """A release is told, and takes effect, a second time."""
    from tasks import log

    real = log.record

    def record(kind: str, /, **more: Any) -> None:
        real(kind, **more)
        if kind == "review.released":
            real(kind, **more)

    patch.setattr(log, "record", record)


@breaks(3, check="A stage begins only when all it needs has passed")
def unblock_counts_wrong(patch: pytest.MonkeyPatch) -> None:
    """One need that has passed frees whatever waits for several."""
    from tasks.models import Subtask
    from tasks.store import portable, postgres

    for module in (portable, postgres):
        real = module.unblock

        def unblock(done: Any, now: Any, real: Any = real) -> Any:
            for row in Subtask.objects.filter(
                needs__on__in=list(done), status="blocked", awaits=""
            ).distinct():
                passed = row.needs.filter(on__in=list(done)).count()
                Subtask.objects.filter(pk=row.pk).update(needs_left=passed)
            return real(done, now)

        patch.setattr(module, "unblock", unblock)


@breaks(11, near="somebody wrote")
def edit_overwrites_a_version(patch: pytest.MonkeyPatch) -> None:
    """An edit changes the newest version instead of adding one."""
    from tasks import artifacts
    from tasks.models import Artifact

    real = artifacts.build

    def build(numbers: Any, **values: Any) -> Any:
        made = real(numbers, **values)
        if values["made_by"].startswith("user:"):
            made.number -= 1
            made.pk = Artifact.objects.get(task=made.task, kind=made.kind, number=made.number).pk
            made._state.adding = False
        return made

    patch.setattr(artifacts, "build", build)


@breaks(1, 25, near="somebody cancels at once")
def cancel_leaves_rows_open(patch: pytest.MonkeyPatch) -> None:
    """A cancel ends what waits, and forgets what is ready."""
    from tasks import rounds

    real = rounds.end_open
    patch.setattr(
        rounds, "end_open", lambda rows, *more, **by: real(rows.exclude(status="ready"), *more, **by)
    )


@breaks(13, near="somebody wrote")
def four_eyes_ignores_an_author(patch: pytest.MonkeyPatch) -> None:
    """Who edited a text counts as somebody who wrote nothing of it."""
    from tasks.people import policy

    patch.setattr(policy, "authors", lambda review: set())


@breaks(14, near="an agent asks before it calls")
def whoever_asked_may_call(patch: pytest.MonkeyPatch) -> None:
    """To have asked is enough."""
    from agents.contract import digest
    from tasks.models import Artifact
    from tasks.people import grants

    def of(row: Any) -> tuple[str, ...]:
        texts = Artifact.objects.filter(subtask=row, kind="call").values_list("text", flat=True)
        return tuple(map(digest, texts))

    patch.setattr(grants, "of", of)


@breaks(25, near="what was done is taken back")
def undone_oldest_first(patch: pytest.MonkeyPatch) -> None:
    """What was done first is taken back first."""
    from tasks import compensation

    real = compensation.effects
    patch.setattr(compensation, "effects", lambda task: list(reversed(real(task))))


@breaks(20, 24, near="somebody has read")
def a_verb_without_an_event(patch: pytest.MonkeyPatch) -> None:
    """Somebody is given a review, and the log says nothing of it."""
    from tasks import log

    real = log.record
    silent = lambda kind, /, **more: None if kind == "review.taken" else real(kind, **more)  # noqa: E731
    patch.setattr(log, "record", silent)


@breaks(9, near="the post comes in a pause")
def notices_leave_in_a_pause(patch: pytest.MonkeyPatch) -> None:
    """The outbox sends whatever is due."""
    from tasks import outbox

    patch.setattr(outbox, "_under", lambda holds: models.Q(pk__in=[]))


@breaks(15, near="the post is in doubt")
def doubtful_notices_are_sent_again(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether a doubtful notice has arrived."""
    from tasks import outbox

    real = outbox.deliver

    def deliver(notice: Any, now: Any) -> bool:
        if notice.state == "uncertain":
            notice.state = "pending"
            type(notice).objects.filter(pk=notice.pk).update(state="pending")
        return real(notice, now)

    patch.setattr(outbox, "deliver", deliver)


@breaks(4, 18, near="somebody clicks twice")
def a_click_counts_each_time(patch: pytest.MonkeyPatch) -> None:
    """Every delivery of one click is a decision of its own."""
    from tasks import supervision

    numbers = itertools.count()
    real = supervision.approve

    def approve(review: Any, *, request_id: str, **more: Any) -> Any:
        return real(review, request_id=f"{request_id}-{next(numbers)}", **more)

    patch.setattr(supervision, "approve", approve)


@breaks(26, near="a reviewer is never content")
def returned_without_end(patch: pytest.MonkeyPatch) -> None:
    """Nobody counts how often a reviewer has returned a draft."""
    from tasks.models import WorkflowVersion

    real = WorkflowVersion.stage

    def stage(version: Any, name: str) -> Any:
        found = real(version, name)
        return found | {"send_back": found["send_back"] | {"at_most": 99}} if found["send_back"] else found

    patch.setattr(WorkflowVersion, "stage", stage)
