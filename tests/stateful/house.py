"""A house in which everything happens, one plain command after the other.

A command is a verb's name with small plain values: `("approve", {"who": "ana", "which": 3, ...})`. "Which"
counts among what is there at that moment, in an order that is the same on every database, so that one list
of commands does the same everywhere. Nothing here asks the real clock, chance, or a key of the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone

from agents.contract import Call, Made, Outcome, Refused
from agents.contract import Finding as Found
from clawbot.people.models import User
from tasks import clock, lifecycle, orchestrator, outbox, supervision
from tasks.border import messages
from tasks.models import (
    Absence,
    Artifact,
    Comment,
    Decision,
    Finding,
    Hold,
    Notice,
    Review,
    Run,
    Subtask,
    Task,
    Worker,
)
from tasks.people import away, grants
from tests.stateful import flows
from tests.stateful.post import Post

Command = tuple[str, dict[str, Any]]
START = datetime(2030, 3, 31, 0, 30, tzinfo=UTC)  # clocks change in this night
GROUPS = {"ana": "editors", "dora": "editors", "ben": "operators", "cleo": "viewers", "admin": "admins"}
PEOPLE = tuple(GROUPS)
EDITORS = ("ana", "dora", "ana", "dora", "ben", "admin", "cleo")
OPERATORS = ("ben", "ben", "admin", "ana")
READ = ("now", "now", "now", "now", "older text", "older version")


class Crash(BaseException):
    """The process dies here."""


class Nothing(Refused):
    """There is none to do it to."""


@dataclass(frozen=True)
class Verb:
    """What may happen: its function, the values it takes, and how often it comes beside the others."""

    do: Callable[..., Any]
    choices: dict[str, tuple[Any, ...]]
    weight: int


VERBS: dict[str, Verb] = {}


def verb(weight: int = 2, **choices: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Offer a method of House as a command; a number stands for 0 .. n-1."""

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        values = {k: tuple(range(v)) if isinstance(v, int) else v for k, v in choices.items()}
        VERBS[function.__name__] = Verb(function, values, weight)
        return function

    return keep


@dataclass
class Happened:
    """How a command went: ok, refused or crashed, and what it gave back."""

    how: str
    value: Any = None
    error: BaseException | None = None


@dataclass
class House:
    """The house with its people, two workers, and the post that carries its notices."""

    post: Post = field(default_factory=Post)
    now: datetime = START
    count: int = 0
    held: list[lifecycle.Claimed] = field(default_factory=list)  # by workers that live
    late: list[lifecycle.Claimed] = field(default_factory=list)  # by workers that were given up
    workers: list[Worker] = field(default_factory=list)
    claims: list[lifecycle.Claimed] = field(default_factory=list)  # given in this step
    results: list[tuple[lifecycle.Claimed, bool]] = field(default_factory=list)  # handed in: was it taken

    def __post_init__(self) -> None:
        for name, group in GROUPS.items():
            user = User.objects.create_user(name, is_staff=name == "admin", is_superuser=name == "admin")
            user.join(Group.objects.get_or_create(name=group)[0])
        flows.lay()
        self.workers = [self._hire() for _ in range(2)]

    @contextmanager
    def open(self) -> Iterator[House]:
        """While the house is open its clock is the clock and its post is the carrier."""
        real, clock.now = clock.now, lambda: self.now
        try:
            with self.post.carries():
                yield self
        finally:
            clock.now = real

    def play(self, command: Command) -> Happened:
        """Let one command happen. `dies` says at which commit its process dies: odd numbers before it, even
        ones right after it."""
        name, values = command
        values = dict(values)
        self.now += timedelta(milliseconds=5)
        self.count += 1
        self.claims, self.results = [], []
        self.calls: list[tuple[int, str]] = []  # row, and the call that was made in this step
        self.post.begin()
        try:
            with dying(values.pop("dies", 0)):
                return Happened("ok", VERBS[name].do(self, **values))
        except Refused as refused:
            return Happened("refused", error=refused)
        except Crash as crash:
            return Happened("crashed", error=crash)

    # -- Work ---------------------------------------------------------------------------------------

    @verb(7, who=("ana", "ana", "ben", "cleo"), flow=4, key=(None, None, "one", "two"),
          backlog=(False, False, False, True), priority=(0, 0, 5))  # fmt: skip
    def inject(self, who: str, flow: int, key: str | None, backlog: bool, priority: int) -> Task:
        return lifecycle.inject(
            flows.NAMES[flow], title=f"Number {self.count}", input={}, by=f"user:{who}", key=key,
            backlog=backlog, priority=priority,
        )  # fmt: skip

    @verb(1, who=EDITORS, which=3)
    def start(self, who: str, which: int) -> Any:
        backlog = pick(Task.objects.filter(status="backlog").order_by("workflow__slug", "number"), which)
        return lifecycle.start([backlog], by=f"user:{who}")

    @verb(14, limit=(2, 20), size=(0, 1, 3), turns=(1, 2, 4))
    def work(self, limit: int, size: int, turns: int) -> None:
        """Both workers claim and finish all they hold, a few times over."""
        for _ in range(turns):
            for worker in self.workers:
                self._claim(worker, limit)
            self._hand_in(list(self.held), "done", size, "new")

    @verb(6, worker=2, limit=(1, 2, 10))
    def claim(self, worker: int, limit: int) -> None:
        self._claim(self.workers[worker], limit)

    @verb(8, which=6, many=(1, 2, 4), size=(0, 1, 3), text=("new", "new", "same"),
          word=(*["done"] * 3, "call", "send_back", "escalate", "retry", "fail", "await"))  # fmt: skip
    def finish(self, which: int, many: int, word: str, size: int, text: str) -> None:
        if not self.held:
            raise Nothing("Nobody holds anything.")
        first = which % len(self.held)
        self._hand_in(self.held[first : first + many], word, size, text)

    @verb(4, which=4, word=("done", "done", "call", "send_back", "escalate", "retry", "fail", "await"))
    def come_late(self, which: int, word: str) -> None:
        """A worker that was given up comes with its result all the same."""
        if not self.late:
            raise Nothing("Nobody was given up.")
        self._hand_in([self.late.pop(which % len(self.late))], word, 1, "new")

    @verb(3, worker=2)
    def die(self, worker: int) -> None:
        """A worker is not heard of any more; another one takes its place."""
        gone = self.workers[worker]
        Worker.objects.filter(pk=gone.pk).update(lease_until=timezone.now() - timedelta(seconds=10))
        self.late += [one for one in self.held if one.run.worker_name == gone.name]
        self.held = [one for one in self.held if one.run.worker_name != gone.name]
        self.workers[worker] = self._hire()

    @verb(5, seconds=(1, 11, 35, 700, 4000, 4000, 86_400, -3600))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @verb(8, orchestrators=(1, 1, 2), apart=(-90, 0, 90))
    def tick(self, orchestrators: int, apart: int) -> None:
        for number in range(orchestrators):
            orchestrator.tick(self.now + timedelta(seconds=apart * number))

    @verb(3, which=3, times=(1, 2))
    def answer(self, which: int, times: int) -> Any:
        """Another system answers what an agent asked it, perhaps twice."""
        asking = pick(Subtask.objects.filter(live=1, awaits="message").select_related("task"), which)
        key = f"answer-{self.count}"
        for _ in range(times):
            envelope = {
                "from": "shop", "to": asking.agent, "type": "answer", "data": {},
                "correlation_id": asking.task.key,
            }  # fmt: skip
            got = messages.receive(envelope, channel="api", by="user:ana", key=key)
        return got

    # -- Decide -------------------------------------------------------------------------------------

    @verb(12, who=EDITORS, which=3, read=READ, times=(1, 1, 2, 4), undo=(0, 10, 10),
          note=("It may go out.", "It may go out.", ""))  # fmt: skip
    def approve(self, who: str, which: int, read: str, times: int, undo: int, note: str) -> list[Decision]:
        review, values = self._reading(which, read)
        return [
            supervision.approve(
                review,
                by=f"user:{who}",
                request_id=f"approve-{self.count}",
                undo_seconds=undo,
                note=note,
                **values,
            )
            for _ in range(times)
        ]

    @verb(3, who=EDITORS, which=3, read=READ, times=(1, 1, 3), requests=(1, 0))
    def send_back(self, who: str, which: int, read: str, times: int, requests: int) -> list[Decision]:
        review, values = self._reading(which, read)
        return [
            supervision.send_back(
                review, by=f"user:{who}", request_id=f"return-{self.count}", reason="Not yet.",
                requests=[{"text": f"Say it shorter ({self.count})."}] * requests, **values,
            )
            for _ in range(times)
        ]  # fmt: skip

    @verb(4, who=EDITORS, which=4)
    def undo(self, who: str, which: int) -> Decision:
        given = Decision.objects.filter(verb="approve").order_by("-id")
        return supervision.undo(pick(given, which), by=f"user:{who}")

    @verb(4)
    def release(self) -> int:
        return supervision.release_due(self.now)

    @verb(5, who=EDITORS, which=4, base=("now", "now", "older", "unsaid"), kind=("draft", "draft", "note"))
    def edit(self, who: str, which: int, base: str, kind: str) -> Artifact:
        task = pick(tasks(), which)
        texts = list(Artifact.objects.filter(task=task, kind=kind).order_by("number"))
        if not texts:
            raise Nothing("Nothing is written yet.")
        shas = {"now": texts[-1].sha256, "older": texts[0].sha256, "unsaid": None}
        text = f"By hand {self.count}: people decide."
        return supervision.edit(task, by=f"user:{who}", text=text, kind=kind, base_sha256=shas[base])

    @verb(1, who=EDITORS, which=4)
    def comment(self, who: str, which: int) -> Comment:
        made = pick(Artifact.objects.filter(kind="draft").order_by("-id"), which)
        return supervision.comment(made, by=f"user:{who}", text=f"Say when ({self.count}).")

    @verb(1, who=EDITORS, which=4)
    def uncomment(self, who: str, which: int) -> None:
        supervision.uncomment(pick(Comment.objects.order_by("-id"), which), by=f"user:{who}")

    @verb(1, who=EDITORS, which=4, state=("agreed", "disputed"))
    def judge(self, who: str, which: int, state: str) -> None:
        supervision.judge(pick(Finding.objects.order_by("-id"), which), by=f"user:{who}", state=state)

    @verb(1, who=EDITORS, which=3)
    def take(self, who: str, which: int) -> bool:
        return supervision.take(pick(asked(), which), by=f"user:{who}")

    @verb(1, who=EDITORS, which=3)
    def put_back(self, who: str, which: int) -> bool:
        return supervision.put_back(pick(asked(), which), by=f"user:{who}")

    @verb(1, who=OPERATORS, which=3, to=PEOPLE)
    def assign(self, who: str, which: int, to: str) -> None:
        supervision.assign(pick(asked(), which), by=f"user:{who}", to=f"user:{to}")

    # -- Move by hand -------------------------------------------------------------------------------

    @verb(2, who=OPERATORS, which=4, stage=5)
    def override(self, who: str, which: int, stage: int) -> Task:
        task = pick(tasks(), which)
        return supervision.override(
            task, by=f"user:{who}", stage=_stage(task, stage), reason="It must go on."
        )

    @verb(2, who=OPERATORS, which=4, stage=5)
    def rerun_from(self, who: str, which: int, stage: int) -> Task:
        task = pick(tasks(), which)
        return supervision.rerun_from(task, by=f"user:{who}", stage=_stage(task, stage), reason="Again.")

    @verb(2, who=OPERATORS, which=4)
    def retry(self, who: str, which: int) -> int:
        return supervision.retry(pick(tasks(), which), by=f"user:{who}", reason="Try now.")

    @verb(2, who=OPERATORS, which=4, stage=5)
    def skip(self, who: str, which: int, stage: int) -> int:
        task = pick(tasks(), which)
        return supervision.skip(task, by=f"user:{who}", stage=_stage(task, stage), reason="We know enough.")

    @verb(4, who=OPERATORS, which=4)
    def cancel(self, who: str, which: int) -> Task:
        return supervision.cancel(pick(tasks(), which), by=f"user:{who}", reason="Not needed.")

    # -- Hold ---------------------------------------------------------------------------------------

    @verb(4, who=OPERATORS, scope=("all", "workflow", "agent", "task"), which=4,
          until=(None, None, 600), stop=(False, False, True))  # fmt: skip
    def pause(self, who: str, scope: str, which: int, until: int | None, stop: bool) -> Hold:
        target = {
            "all": lambda: "",
            "workflow": lambda: flows.NAMES[which],
            "agent": lambda: flows.AGENTS[which],
            "task": lambda: str(pick(tasks(), which).key),
        }[scope]()
        end = self.now + timedelta(seconds=until) if until else None
        return supervision.pause(scope, target, by=f"user:{who}", why="Lunch.", until=end, stop_now=stop)

    @verb(5, who=OPERATORS, which=3)
    def resume(self, who: str, which: int) -> Hold:
        open_ones = Hold.objects.filter(open=1).order_by("scope", "target")
        return supervision.resume(pick(open_ones, which), by=f"user:{who}")

    # -- The post -----------------------------------------------------------------------------------

    @verb(5, sends=Post.SENDS, finds=Post.FINDS)
    def deliver(self, sends: str, finds: str) -> int:
        self.post.sends, self.post.finds = sends, finds
        return outbox.send_due(self.now)

    @verb(2)
    def give_up_senders(self) -> int:
        """So much time passes that whoever was sending a notice is called late."""
        past = timezone.now() - timedelta(seconds=1)
        Notice.objects.filter(state="sending").update(sending_until=past)
        return outbox.lapse(self.now)

    @verb(1, who=OPERATORS, which=3)
    def resend(self, who: str, which: int) -> Notice:
        notice = pick(Notice.objects.filter(state__in=["uncertain", "dead", "sent"]).order_by("id"), which)
        outbox.resend(notice, by=f"user:{who}")
        return notice

    # -- People -------------------------------------------------------------------------------------

    @verb(1, who=("ana", "dora", "ben"), delegate=("", "ana", "dora", "cleo"), days=(1, 3))
    def leave(self, who: str, delegate: str, days: int) -> Absence:
        end = self.now + timedelta(days=days)
        return away.leave(
            f"user:{who}", starts_at=self.now, ends_at=end, delegate=f"user:{delegate}" if delegate else ""
        )

    @verb(1, which=3)
    def come_back(self, which: int) -> None:
        absence = pick(Absence.objects.filter(ended_at=None).select_related("user").order_by("id"), which)
        away.come_back(f"user:{absence.user.username}", absence)

    @verb(1, who=("dora", "cleo"), group=("viewers", "editors", "operators"))
    def change_role(self, who: str, group: str) -> None:
        """An admin gives somebody another role, unless a review would then be left without any decider."""
        from tasks import invariants

        user = User.objects.get(username=who)
        before = list(user.groups.all())
        user.join(Group.objects.get_or_create(name=group)[0])
        if list(invariants.somebody_can_decide()):
            user.join(*before)

    # -- Shared -------------------------------------------------------------------------------------

    def _hire(self) -> Worker:
        now = timezone.now()
        return Worker.objects.create(
            name=f"worker-{Worker.objects.count()}", host="host", pid=1, started_at=now, heartbeat_at=now,
            lease_until=now + timedelta(days=1),
        )  # fmt: skip

    def _claim(self, worker: Worker, limit: int) -> None:
        given = lifecycle.claim(worker, limit)
        self.claims += given
        self.held += given

    def _hand_in(self, claimed: list[lifecycle.Claimed], word: str, size: int, text: str) -> None:
        results = [self._result(one, word, size, text) for one in claimed]
        refused = lifecycle.finish(results)
        self.results += [(one, one.subtask.pk not in refused) for one in claimed]
        self.held = [one for one in self.held if one not in claimed]

    def _result(self, one: lifecycle.Claimed, word: str, size: int, text: str) -> lifecycle.Result:
        one.task.refresh_from_db()
        row = one.subtask
        findings: tuple[Found, ...] = ()
        if row.agent == "reviewer" and word == "send_back":
            quote = f"Agents never sleep ({size})."
            findings = (Found(kind="unsupported_claim", text="No source says so.", quote=quote),)
        if word == "call":
            if asks := self._asks_first(one, size):
                return lifecycle.Result(one, asks)
            word = "done"
        self.count += 1
        words = "Agents work, people decide." if text == "same" else f"{row.stage} {self.count}: words."
        made = (
            (Made(kind=flows.MAKES.get(row.agent, "note"), text=words),)
            if word in {"done", "escalate"}
            else ()
        )
        names = [f"name {n}" for n in range(size)]
        fields = {"names": names, "way": "left" if size else "right"} if word == "done" else {}
        built = one.task.artifacts.order_by("id").values_list("sha256", flat=True)
        outcome = Outcome(
            word=word, made=made, findings=findings, fields=fields, why=f"So it is ({word}).",
            question="Which year?" if word == "escalate" else "", summary="Done.", after_seconds=30,
        )  # fmt: skip
        return lifecycle.Result(one, outcome, built_on=list(built) if row.agent == "formatter" else [])

    def _asks_first(self, one: lifecycle.Claimed, size: int) -> Outcome | None:
        """As a role that asks first does: it makes a call that was allowed, and asks about any other."""
        target = f"POST https://pay.example/{one.task.key}/{one.subtask.stage}/{one.subtask.item}"
        call = Call(tool="http", target=target, arguments={"size": size})
        if call.sha256 in grants.of(one.subtask):
            self.calls.append((one.subtask.pk, call.text))
            return None
        return Outcome(word="escalate", question="May it be called?", call=call)

    def _reading(self, which: int, read: str) -> tuple[Review, dict[str, Any]]:
        """A review, and what its reader believes to decide about: text and version."""
        review = pick(asked(), which)
        values: dict[str, Any] = {"artifact_sha256": review.artifact_sha256, "review_version": review.version}
        if read == "older text":
            values["artifact_sha256"] = "0" * 64
        if read == "older version":
            values["review_version"] -= 1
        return review, values


def pick(rows: Any, which: int) -> Any:
    found = list(rows[:50])
    if not found:
        raise Nothing("There is none.")
    return found[which % len(found)]


def tasks() -> Any:
    return Task.objects.order_by("workflow__slug", "-number").select_related("workflow_version")


def asked() -> Any:
    """Reviews, the open ones first, the newest of them first."""
    order = ("closed_at", "task__workflow__slug", "-task__number", "subtask__position", "subtask__item")
    from django.db.models import F

    return Review.objects.select_related("task").order_by(F("open").asc(nulls_last=True), *order[1:], "-id")


def _stage(task: Task, which: int) -> str:
    names = [stage["name"] for stage in task.workflow_version.stages]
    return str(names[which % len(names)])


@contextmanager
def dying(at: int) -> Iterator[None]:
    """Inside, the process dies at commit (at + 1) // 2 of an outermost transaction: before it takes effect
    where `at` is odd, after it where it is even; never where it is 0."""
    if not at:
        yield
        return
    real, seen = transaction.Atomic.__exit__, 0

    def leave(self: Any, kind: Any, value: Any, trace: Any) -> None:
        nonlocal seen
        if kind is not None or len(connection.atomic_blocks) > 1:
            return real(self, kind, value, trace)
        seen += 1
        if seen != (at + 1) // 2:
            return real(self, kind, value, trace)
        crash = Crash(f"at commit {seen}")
        if at % 2:
            real(self, Crash, crash, None)
        else:
            real(self, None, None, None)
        raise crash

    transaction.Atomic.__exit__ = leave  # type: ignore[method-assign]
    try:
        yield
    finally:
        transaction.Atomic.__exit__ = real  # type: ignore[method-assign]


def plain(command: Command) -> str:
    """A command as one line that can be played again."""
    return json.dumps(command)


__all__ = ["VERBS", "Command", "Crash", "Happened", "House", "Nothing", "Run", "plain"]
