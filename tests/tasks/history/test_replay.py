"""The log alone gives back the rows it tells of, whatever happened to them."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from agents.contract import Finding, Outcome, Refused
from tasks import clock, lifecycle, orchestrator, supervision
from tasks.history import changes, replay
from tasks.models import Comment, Decision, Event, Hold, Review, Subtask, Task, Worker
from tests.tasks.builders import a_task, a_worker, a_workflow, claim_all, current, done, finish, work_until

STEPS = 300
FANNED: list[dict[str, Any]] = [
    {"name": "find", "agent": "research", "done_as": "found", "undo": "writer"},
    {"name": "read", "agent": "writer", "done_as": "read", "needs": ["find"], "each": "find.names",
     "at_most_at_once": 2, "on_failure": "skip"},
    {"name": "sum", "agent": "writer", "done_as": "summed", "needs": ["read"], "on_failure": "undo"},
    {"name": "approve", "agent": "human", "done_as": "approved", "needs": ["sum"], "notify": ["editors"]},
]  # fmt: skip


def left() -> list[str]:
    return [str(one) for one in replay.differences()] + list(replay.contradictions())


# -- One task -----------------------------------------------------------------------------------------


@pytest.fixture
def task(db) -> Task:
    made = a_task()
    work_until(made, "approve")
    return made


def test_gives_back_a_task_from_its_injection_to_its_end(task, ana) -> None:
    supervision.approve(Review.objects.get(open=1), by="user:ana", request_id="1", undo_seconds=0)
    (claimed,) = claim_all()
    finish(claimed)

    assert left() == []
    state = replay.past(task, Event.objects.latest("pk").pk)
    assert state.rows["task"][task.pk]["outcome"] == "completed"
    assert {row["status"] for row in state.rows["subtask"].values()} == {"done"}
    assert {row["sha256"] for row in state.rows["artifact"].values()} == set(
        task.artifacts.values_list("sha256", flat=True)
    )


def test_gives_back_each_moment_of_the_past(task) -> None:
    claimed = task.events.filter(kind="subtask.claimed", stage="write").get()

    before, after = replay.past(task, claimed.pk - 1), replay.past(task, claimed.pk)

    row = current(task, "write").pk
    assert (before.rows["subtask"][row]["status"], after.rows["subtask"][row]["status"]) == ("ready", "doing")
    assert before.rows["task"][task.pk]["stage_status"] == "research_done"
    assert not after.rows["review"]


def test_names_a_row_that_was_changed_behind_the_log(task) -> None:
    row = current(task, "format")
    changes.told(Subtask).filter(pk=row.pk).update(fence=7)
    changes.told(Task).filter(pk=task.pk).update(outcome="completed", status="done", done_at=clock.now())

    found = left()

    assert f"subtask {row.pk} (format): fence is 7, the log says 1" in found
    assert any("outcome is 'completed', the log says None" in one for one in found)


def test_names_a_row_that_is_gone_and_one_that_nobody_told_of(task, ana) -> None:
    Decision.objects.all().delete()
    supervision.approve(Review.objects.get(open=1), by="user:ana", request_id="1")
    Decision.objects.all().delete()
    changes.told(Hold).bulk_create([Hold(scope="all", why="x", placed_by="user:ana", placed_at=clock.now())])

    assert {one.split(" ", 2)[0]: one.partition(") ")[2] for one in left()} == {
        "decision": "is gone, and the log tells of it",
        "hold": "is there, and the log does not tell of it",
    }


def test_gives_changed_rows_back_what_the_log_says_and_says_so(task, admin) -> None:
    row = current(task, "format")
    changes.told(Subtask).filter(pk=row.pk).update(fence=7, reason="Hello")

    done, beyond = replay.restore(list(replay.differences()), by="user:admin")

    row.refresh_from_db()
    assert (done, beyond, row.fence, row.reason) == (1, [], 1, "")
    assert Event.objects.latest("pk").data["columns"] == {"fence": [7, 1], "reason": ["Hello", None]}
    assert left() == []


def test_lets_only_an_admin_give_rows_back(task, ana) -> None:
    with pytest.raises(Refused):
        replay.restore([], by="user:ana")


# -- A long run ---------------------------------------------------------------------------------------


class Crash(Exception):
    """A process dies before its transaction is committed."""


class Walk:
    """People, agents, sweeps and crashes in an order that only chance knows."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.held: list[lifecycle.Claimed] = []
        self.taken: set[str] = set()

    def go(self) -> None:
        """One step."""
        step = self.dice.choices(STEPS_OF_A_WALK, WEIGHTS)[0]
        if self.dice.random() < 0.05:
            held = list(self.held)
            with suppress(Crash, Refused), transaction.atomic():
                step(self)
                raise Crash
            self.held = held
        with suppress(Refused):
            step(self)
            self.taken.add(step.__name__)

    def inject(self) -> None:
        fans = self.dice.random() < 0.4
        a_task(
            f"Number {self.dice.random()}",
            flow="fanned" if fans else "article",
            backlog=self.dice.random() < 0.2,
        )

    def claim(self) -> None:
        worker = Worker.objects.filter(ended_at=None).first() or a_worker(f"worker-{self.dice.random()}")
        self.held += lifecycle.claim(worker, self.dice.randint(1, 6))

    def finish(self) -> None:
        for _ in range(min(len(self.held), self.dice.randint(1, 4))):
            claimed = self.held.pop(self.dice.randrange(len(self.held)))
            claimed.task.refresh_from_db()
            finish(claimed, self.outcome(claimed))

    def outcome(self, claimed: lifecycle.Claimed) -> Outcome:
        if claimed.subtask.agent == "reviewer":
            finding = Finding(kind="unsupported_claim", text="No source.", quote="Agents never sleep.")
            return Outcome(word=self.dice.choice(["done", "send_back"]), why="Look.", findings=(finding,))
        match self.dice.randrange(12):
            case 0:
                return Outcome(word="fail", why="It cannot be done.")
            case 1:
                return Outcome(word="escalate", question="Which year?")
            case 2:
                return Outcome(word="await", after_seconds=30)
        names = [str(n) for n in range(self.dice.randint(0, 4))]
        return done(
            text=f"# {self.dice.random()}", fields={"names": names} if claimed.subtask.stage == "find" else {}
        )

    def retry_later(self) -> None:
        if self.held:
            claimed = self.held.pop()
            lifecycle.retry_later(
                claimed, why="No answer.", delay=timedelta(0), counts=self.dice.random() < 0.7
            )

    def die(self) -> None:
        Worker.objects.filter(ended_at=None).update(lease_until=clock.now() - timedelta(days=2))

    def wait(self) -> None:
        clock.move(timedelta(seconds=self.dice.choice([1, 20, 4000])))
        orchestrator.tick()

    def any(self, rows: Any) -> Any:
        found = list(rows.order_by("pk"))
        if not found:
            raise Refused("There is none.")
        return self.dice.choice(found)

    def decide(self) -> None:
        review = self.any(Review.objects.filter(open=1))
        key = str(self.dice.random())
        if self.dice.random() < 0.6:
            wait = self.dice.choice([0, 10])
            wait = self.dice.choice([0, 900])
            decision = supervision.approve(review, by="user:ana", request_id=key, undo_seconds=wait)
            if wait and self.dice.random() < 0.5:
                supervision.undo(decision, by="user:ana")
                self.taken.add("undo")
        else:
            supervision.send_back(review, by="user:ana", request_id=key, requests=[{"text": "Shorter."}])

    def undo(self) -> None:
        supervision.undo(
            self.any(Decision.objects.filter(verb="approve", undone_at=None, released_at=None)), by="user:ana"
        )

    def read(self) -> None:
        review = self.any(Review.objects.filter(open=1))
        supervision.take(review, by="user:ana")
        if review.artifact:
            supervision.comment(review.artifact, by="user:ana", text="Say when.")
        if self.dice.random() < 0.3:
            supervision.uncomment(self.any(Comment.objects.filter(number=None)), by="user:ana")

    def edit(self) -> None:
        supervision.edit(self.any(Task.objects.all()), by="user:ana", text=f"# By hand {self.dice.random()}")

    def move(self) -> None:
        task = self.any(Task.objects.all())
        stage = self.dice.choice([one["name"] for one in task.workflow_version.stages])
        verb = self.dice.choice([supervision.override, supervision.rerun_from])
        verb(task, by="user:ben", stage=stage, reason="It must go on.")

    def mend(self) -> None:
        row = self.any(Subtask.objects.filter(live=1, status__in=["waiting", "ready"]))
        if self.dice.random() < 0.5:
            supervision.retry(row.task, by="user:ben")
        else:
            supervision.skip(row.task, by="user:ben", stage=row.stage, reason="We know enough.")

    def cancel(self) -> None:
        supervision.cancel(self.any(Task.objects.all()), by="user:ben", reason="Not needed.")

    def hold(self) -> None:
        hold = supervision.pause("all", by="user:ben", why="Lunch.", stop_now=self.dice.random() < 0.5)
        clock.move(timedelta(minutes=1))
        supervision.resume(hold, by="user:ben")


STEPS_OF_A_WALK = [
    Walk.inject, Walk.claim, Walk.finish, Walk.retry_later, Walk.die, Walk.wait, Walk.decide, Walk.undo,
    Walk.read, Walk.edit, Walk.move, Walk.mend, Walk.cancel, Walk.hold,
]  # fmt: skip
WEIGHTS = [5, 20, 20, 3, 1, 8, 8, 5, 3, 2, 2, 3, 1, 1]


@pytest.mark.parametrize("seed", [1, 2])
def test_gives_back_everything_after_a_long_run(seed, database, ana, ben, caplog) -> None:
    a_workflow()
    a_workflow("fanned", FANNED, key="FAN")
    walk = Walk(seed)
    for _ in range(3):
        walk.inject()

    for _ in range(STEPS):
        walk.go()

    assert walk.taken >= {step.__name__ for step in STEPS_OF_A_WALK}
    assert left() == []
    assert [one.getMessage() for one in caplog.records if one.name == "tasks.history.changes"] == []
