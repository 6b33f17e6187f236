"""A second, naive book of what must be true: written from the promises, not from the code.

It sees each command, what came of it, and the tables before and after; it keeps for itself who was given
which fence, who approved which words, what is paused, what arrived. Whatever does not fit is a broken
promise, by its number in the list of promises. It reads rows, never a rule of `tasks`, but for the table of
moves and the checks that the product itself offers.
"""

from __future__ import annotations

import itertools
import logging
from collections import defaultdict
from typing import Any

from tasks import invariants, machine
from tasks.history import changes, replay
from tasks.models import Event
from tests.stateful import flows
from tests.stateful.house import Command, Happened, House
from tests.stateful.picture import Picture, Row, take

OPEN = {"blocked", "ready", "doing", "waiting"}
#: who may do what, as people are told it
RANK = {"viewers": 0, "editors": 1, "operators": 2, "admins": 3}
NEEDS = {
    "inject": 1, "start": 1, "approve": 1, "send_back": 1, "undo": 1, "edit": 1, "comment": 1, "uncomment": 1,
    "judge": 1, "take": 1, "put_back": 1, "assign": 2, "override": 2, "rerun_from": 2, "retry": 2, "skip": 2,
    "cancel": 2, "pause": 2, "resume": 2, "resend": 2,
}  # fmt: skip
#: every pair of statuses that some move allows
EDGES = {(str(was), str(now)) for sources, now in machine.MOVES.values() for was in sources}


class Broken(AssertionError):
    """A promise does not hold."""


class _Complaints(logging.Handler):
    """What the product says by itself about a change that no event tells of."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []
        self.logger = logging.getLogger("tasks.history.changes")
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())

    def take(self) -> list[str]:
        """What was said since the last time."""
        said, self.said = self.said, []
        return said


class Ledger:
    """The book of one house."""

    def __init__(self, house: House, every: int = 1) -> None:
        """`every`: at each so manieth change the product's own checks are run too; the book looks at all."""
        self.house = house
        self.every, self.changes = every, 0
        self.complaints = _Complaints()
        self.before = take()
        self.last_event = 0
        self.fences: dict[int, int] = {}  # row -> the highest fence ever given
        self.doing: dict[int, int] = {}  # row -> the fence of who holds it now
        self.claims: dict[int, int] = defaultdict(int)
        self.texts: dict[tuple[int, str, int], tuple[str, str]] = {}  # version -> (hash, text)
        self.holds: dict[tuple[str, str], Any] = {}  # what is paused -> until
        self.keys: dict[str, int] = {}  # key of an injection -> task
        self.allowed: dict[str, int] = defaultdict(lambda: 1)  # copies of a notice that people asked for
        self.order: dict[int, int] = {}  # row -> step in which its effect happened last
        self.released: dict[int, int] = defaultdict(int)
        self.returns: dict[int, int] = defaultdict(int)  # task -> how often an agent has returned its work
        self.step = 0

    def check(self, command: Command, happened: Happened) -> None:
        """Compare one step with the book, then write it down."""
        self.step += 1
        after = take()
        verb, values = command
        self._roles(verb, values, happened)
        if happened.how == "refused":
            _say(self.before == after, 4, f"{verb} was refused ({happened.error}) and changed something")
        self._moves(after)
        self._claims(after)
        self._results(after)
        self._versions(after)
        self._approvals(verb, values, happened, after)
        self._gates(after)
        self._calls(after)
        self._cancelled(after)
        self._undone(after)
        self._once(verb, values, happened, after)
        self._post(verb, happened)
        self._pauses(verb, values, happened, after)
        self._log(verb, values, happened, after)
        self._asked(after)
        if after != self.before:
            self.changes += 1
            if self.changes % self.every == 0:
                self.look()
        self.before = after

    def close(self) -> None:
        """Stop listening to what the product says."""
        self.complaints.logger.removeHandler(self.complaints)

    def look(self) -> None:
        """Run the checks that the product itself offers."""
        found = invariants.check()
        if found:
            raise Broken(f"Promise of verify: {found}")
        differ = [str(one) for one in replay.differences()] + list(replay.contradictions())
        _say(not differ, 24, "; ".join(differ[:5]))

    # -- 21 Who may -----------------------------------------------------------------------------------

    def _roles(self, verb: str, values: Row, happened: Happened) -> None:
        least = NEEDS.get(verb)
        if least is None or happened.how == "refused":
            return
        from clawbot.people.models import User

        groups = User.objects.get(username=values["who"]).groups.values_list("name", flat=True)
        rank = max((RANK[group] for group in groups), default=-1)
        _say(rank >= least, 21, f"{values['who']} ({', '.join(groups)}) was let {verb}")

    # -- 4, 7 Moves -----------------------------------------------------------------------------------

    def _moves(self, after: Picture) -> None:
        for pk, row in after.subtask.items():
            was = self.before.subtask.get(pk)
            if was is None or was["status"] == row["status"]:
                continue
            if was["status"] not in OPEN:
                _say(
                    row["status"] == "superseded", 7, f"{_name(row)} was {was['status']}, now {row['status']}"
                )
        for pk, run in self.before.run.items():
            if run["status"] in {"done", "returned", "escalated", "retried", "failed", "asked"}:
                _say(after.run[pk]["status"] == run["status"], 7, f"run {run} changed to {after.run[pk]}")
        for pk, row in self.before.subtask.items():
            _say(pk in after.subtask, 11, f"{_name(row)} is gone")
        for pk, task in after.task.items():
            open_rows = [
                r for r in after.subtask.values() if r["task"] == pk and r["live"] and r["status"] in OPEN
            ]
            _say(
                not (task["status"] == "done" and open_rows), 1, f"{task['key']} is done and has open stages"
            )
            rounds = [r["round"] for r in after.subtask.values() if r["task"] == pk]
            _say(task["round"] == max(rounds), 2, f"{task['key']} is not in its newest round")

    # -- 5, 6, 8, 9 Claims ----------------------------------------------------------------------------

    def _claims(self, after: Picture) -> None:
        runs = {(run["subtask"], run["fence"]) for run in after.run.values()}
        before = {(run["subtask"], run["fence"]) for run in self.before.run.values()}
        for pk, fence in sorted(runs - before):
            _say(
                fence > self.fences.get(pk, 0),
                5,
                f"fence {fence} was given again for {_name(after.subtask[pk])}",
            )
            self.fences[pk] = fence
            self.claims[pk] += 1
            row = after.subtask[pk]
            task = after.task[row["task"]]
            place = {
                "all": "",
                "workflow": task["workflow__slug"],
                "agent": row["agent"],
                "task": task["key"],
            }
            _say(not self._held(place), 9, f"{_name(row)} was claimed while it is paused")
            _say(row["agent"] != "human", 13, f"an agent claimed {_name(row)}")
        for pk, row in after.subtask.items():
            _say(row["fence"] >= self.fences.get(pk, 0), 5, f"the fence of {_name(row)} went back")
            _say(row["attempts"] <= self.claims[pk], 8, f"{_name(row)} has more attempts than claims")
        owners = [run["subtask"] for run in after.run.values() if run["status"] == "doing"]
        _say(len(owners) == len(set(owners)), 6, "two workers hold one stage")

    def _held(self, place: dict[str, str]) -> bool:
        now = self.house.now
        return any(
            place.get(scope) == target and (until is None or until > now)
            for (scope, target), until in self.holds.items()
        )

    # -- 2, 5, 25 Results -----------------------------------------------------------------------------

    def _results(self, after: Picture) -> None:
        """A result counts where, and only where, its worker still held the stage."""
        single = len(self.house.results) <= 1 and not self.house.claims
        for claimed, taken in self.house.results:
            pk, fence = claimed.subtask.pk, claimed.fence
            row = self.before.subtask.get(pk)
            if not single or row is None:
                continue
            holds = row["status"] == "doing" and row["fence"] == fence
            _say(holds == taken, 5, f"{_name(row)}: fence {fence}, held: {holds}, accepted: {taken}")
            if not taken:
                _say(
                    self.before.artifact == after.artifact,
                    25,
                    f"a refused result of {_name(row)} left its work",
                )
                _say(_statuses(self.before) == _statuses(after), 25, f"a refused result moved {_name(row)}")
        accepted = [run["subtask"] for run in after.run.values() if run["status"] == "done"]
        _say(len(accepted) == len(set(accepted)), 2, "a stage has two accepted results")

    # -- 11 Versions ----------------------------------------------------------------------------------

    def _versions(self, after: Picture) -> None:
        numbers: dict[tuple[int, str], list[int]] = defaultdict(list)
        for row in after.artifact.values():
            version = (row["task"], row["kind"], row["number"])
            is_now = (row["sha256"], row["text"])
            _say(self.texts.setdefault(version, is_now) == is_now, 11, f"version {version} was overwritten")
            numbers[row["task"], row["kind"]].append(row["number"])
        for of, found in numbers.items():
            _say(
                sorted(found) == list(range(1, len(found) + 1)), 11, f"{of} has the versions {sorted(found)}"
            )
        _say(len(self.texts) == len(after.artifact), 11, "a version is gone")

    # -- 12, 13 Approvals -----------------------------------------------------------------------------

    def _approvals(self, verb: str, values: Row, happened: Happened, after: Picture) -> None:
        new = [pk for pk in after.decision if pk not in self.before.decision]
        for pk in new:
            decision = after.decision[pk]
            review = self.before.review.get(decision["review"])
            if review is None:  # opened and ended in the same sweep
                continue
            _say(review["open"] == 1, 12, f"{decision} answers a review that was closed")
            _say(decision["verb"] in review["verbs"], 12, f"{decision} is no answer to {review['kind']}")
            _say(
                decision["review_version"] == review["version"],
                12,
                f"{decision}: version {review['version']}",
            )
            _say(decision["artifact_sha256"] == review["artifact_sha256"], 12, f"{decision}: another text")
        if verb in {"approve", "send_back"}:
            _say(len(new) <= 1, 18, f"{values['times']} deliveries of one click are {len(new)} decisions")
            if happened.how == "ok":
                _say(values["read"] == "now", 12, f"{values['who']} decided on an {values['read']}")
                _say(len({one.pk for one in happened.value}) == 1, 18, "one click has several answers")
        for pk, decision in self.before.decision.items():
            now = after.decision.get(pk)
            _say(now is not None, 11, "a decision is gone")
            for name in ("verb", "by", "artifact_sha256", "review_version", "request_id"):
                _say(now[name] == decision[name], 12, f"{decision} became {now}")

    def _gates(self, after: Picture) -> None:
        """What a person's approval has moved: it was enough people's, and of the words that are there now."""
        for pk, row in after.subtask.items():
            was = self.before.subtask.get(pk)
            opened = row["agent"] == "human" if was is None else was["status"] == "waiting"
            if row["status"] != "done" or not opened:
                continue
            reviews = {key: one for key, one in after.review.items() if one["subtask"] == pk}
            given = [d for d in after.decision.values() if d["review"] in reviews and d["verb"] == "approve"]
            given = [d for d in given if d["released_at"] and not d["undone_at"]]
            _say(bool(given), 12, f"{_name(row)} is done without an approval")
            _say(row["needs_left"] == 0, 3, f"{_name(row)} was released before what it needs")
            last = max(given, key=lambda one: one["released_at"])
            review = reviews[last["review"]]
            kind = review["artifact__kind"]
            texts = [a for a in after.artifact.values() if a["task"] == row["task"] and a["kind"] == kind]
            mine = next((a for a in texts if a["sha256"] == last["artifact_sha256"]), None)
            _say(kind is None or mine is not None, 12, f"{_name(row)}: nobody knows the approved text")
            if mine and row["agent"] == "human":
                edits = [
                    a for a in texts if a["number"] > mine["number"] and a["made_by"].startswith("user:")
                ]
                _say(not edits, 12, f"{_name(row)}: {kind} {mine['number']} was approved, then edited")
            same = {d["by"] for d in given if d["artifact_sha256"] == last["artifact_sha256"]
                    and d["review"] == last["review"]}  # fmt: skip
            if any(by.startswith("policy:") for by in same):
                _say(
                    any(rung.get("end") == "approve" for rung in review["ladder"]),
                    13,
                    "a policy approved unasked",
                )
                continue
            wrote = self._wrote(texts, last, after)
            _say(self._enough(review["deciders"], same, wrote), 13,
                 f"{_name(row)}: {sorted(same)} approved, {sorted(wrote)} wrote")  # fmt: skip

    # -- 14 Calls -------------------------------------------------------------------------------------

    def _calls(self, after: Picture) -> None:
        """Whatever was done outside, enough people had allowed: those words, for that piece of work."""
        for pk, text in self.house.calls:
            allowed = any(
                one["kind"] == "tool" and one["subtask"] == pk and self._allowed(key, text, after)
                for key, one in after.review.items()
            )
            _say(allowed, 14, f"{_name(after.subtask[pk])} called {text} and nobody had allowed it")

    def _allowed(self, review: int, text: str, after: Picture) -> bool:
        shas = {
            one["sha256"] for one in after.artifact.values() if one["kind"] == "call" and one["text"] == text
        }
        by = {
            d["by"] for d in after.decision.values()
            if d["review"] == review and d["verb"] == "approve" and d["artifact_sha256"] in shas
            and d["released_at"] and not d["undone_at"]
        }  # fmt: skip
        return bool(by) and self._enough(after.review[review]["deciders"], by, set())

    def _wrote(self, texts: list[Row], last: Row, after: Picture) -> set[str]:
        """The people who wrote a version since the newest one that was approved in another review."""
        earlier = {
            d["artifact_sha256"] for d in after.decision.values()
            if d["verb"] == "approve" and d["released_at"] and not d["undone_at"]
            and d["review"] != last["review"]
        }  # fmt: skip
        since = max((a["number"] for a in texts if a["sha256"] in earlier), default=0)
        return {a["made_by"] for a in texts if a["number"] > since and a["made_by"].startswith("user:")}

    def _enough(self, rule: Row, given: set[str], wrote: set[str]) -> bool:
        from clawbot.people.models import User

        ranks = {
            f"user:{user.username}": max((RANK[g.name] for g in user.groups.all()), default=-1)
            for user in User.objects.prefetch_related("groups")
        }
        if any(not by.startswith("user:") for by in given):
            return False
        if rule.get("four_eyes") and not given - wrote:
            return False
        if each := rule.get("each"):
            return any(
                all(ranks[by] >= RANK[group] for by, group in zip(people, each, strict=True))
                for people in itertools.permutations(sorted(given), len(each))
            )
        if rule.get("count") == "all":
            return len(given) >= 1  # who is away changes between the answers; the product's own tests count
        return len(given) >= int(rule.get("count", 1))

    # -- 25 Cancel ------------------------------------------------------------------------------------

    def _cancelled(self, after: Picture) -> None:
        for pk, task in self.before.task.items():
            if task["outcome"] != "cancelled" or after.task[pk]["outcome"] != "cancelled":
                continue
            made = [
                a for k, a in after.artifact.items() if k not in self.before.artifact and a["task"] == pk
            ]  # fmt: skip
            _say(
                all(a["made_by"].startswith("user:") for a in made),
                25,
                f"{task['key']} is cancelled and took {made}",
            )
            then = {k: r["status"] for k, r in self.before.subtask.items() if r["task"] == pk}
            now = {k: r["status"] for k, r in after.subtask.items() if r["task"] == pk}
            _say(then == now, 25, f"{task['key']} is cancelled and moved")

    def _undone(self, after: Picture) -> None:
        """Effects are taken back in the opposite order of their happening, one after the other."""
        for pk, row in after.subtask.items():
            was = self.before.subtask.get(pk)
            if (row["status"] == "done" and (was is None or was["status"] != "done")) or (
                row["status"] == "doing" and (was is None or was["fence"] != row["fence"])
            ):
                self.order[pk] = self.step
        for pk, row in after.subtask.items():
            if not row["stage"].endswith(".undo") or pk in self.before.subtask or not row["live"]:
                continue
            undoes = [
                one for key, one in self.before.subtask.items()
                if one["live"] and one["task"] == row["task"] and one["item"] == row["item"]
                and one["stage"] + ".undo" == row["stage"] and key in self.order
            ]  # fmt: skip
            _say(bool(undoes), 25, f"{_name(row)} takes back what never happened")
        for task in {row["task"] for row in after.subtask.values() if row["stage"].endswith(".undo")}:
            rows = {k: r for k, r in after.subtask.items() if r["task"] == task and r["live"]}
            undo = [(k, r) for k, r in rows.items() if r["stage"].endswith(".undo")]
            begun = [(k, r) for k, r in undo if r["status"] in {"ready", "doing"}]
            _say(len(begun) <= 1, 25, "two effects are taken back at once")
            for key, row in begun:
                mine = self._effect(rows, row)
                for other, open_one in undo:
                    if other != key and open_one["status"] == "blocked":
                        _say(self._effect(rows, open_one) <= mine, 25,
                             f"{_name(row)} comes before {_name(open_one)}, which is newer")  # fmt: skip

    def _effect(self, rows: dict[int, Row], undo: Row) -> int:
        name = undo["stage"].removesuffix(".undo")
        found = [
            self.order.get(k, 0) for k, r in rows.items() if r["stage"] == name and r["item"] == undo["item"]
        ]
        return max(found, default=0)

    # -- 18 Once --------------------------------------------------------------------------------------

    def _once(self, verb: str, values: Row, happened: Happened, after: Picture) -> None:
        for pk, task in after.task.items():
            if key := task["idempotency_key"]:
                _say(self.keys.setdefault(key, pk) == pk, 18, f"the key {key} injected two tasks")
        if verb == "inject" and happened.how == "ok" and values["key"]:
            _say(self.keys[values["key"]] == happened.value.pk, 18, f"{values['key']} gave another task")
        # A person who lets a stage try again lets it inject another one; never beside the first.
        parents = [task["parent"] for task in after.task.values() if task["parent"] and not task["outcome"]]
        _say(len(parents) == len(set(parents)), 18, "a stage waits for two tasks")

    # -- 9, 15 The post --------------------------------------------------------------------------------

    def _post(self, verb: str, happened: Happened) -> None:
        from tasks.models import Notice

        for task, flow in self.house.post.sent_now:
            _say(
                not self._held({"all": "", "workflow": flow, "task": task}),
                9,
                f"a notice of {task} left in a pause",
            )
        if verb == "resend" and happened.how == "ok":
            self.allowed[happened.value.key] += 1
        for key, count in self.house.post.arrived.items():
            _say(count <= self.allowed[key], 15, f"{key} arrived {count} times")
        for key in Notice.objects.filter(state="sent", carrier="console").values_list("key", flat=True):
            _say(self.house.post.arrived[key] > 0, 15, f"{key} is called sent and never arrived")

    def _pauses(self, verb: str, values: Row, happened: Happened, after: Picture) -> None:
        """What this book calls paused is what people did, whatever the table says."""
        if verb == "pause" and happened.how == "ok":
            hold = happened.value
            self.holds.setdefault((hold.scope, hold.target), hold.until)
        elif happened.how == "crashed":  # the person looks whether it was done
            self.holds = {(h["scope"], h["target"]): h["until"] for h in after.hold.values() if h["open"]}
        if verb == "resume" and happened.how == "ok":
            self.holds.pop((happened.value.scope, happened.value.target), None)
        shown = {(h["scope"], h["target"]) for h in after.hold.values() if h["open"]}
        now = self.house.now
        for place, until in list(self.holds.items()):
            if place not in shown:
                # A sweep whose clock is ahead may have lifted it; nobody else may.
                ahead = until is not None and until.timestamp() <= now.timestamp() + 90
                _say(ahead, 9, f"the pause of {place} was lifted by nobody")
                del self.holds[place]
        _say(shown == set(self.holds), 9, f"paused: {sorted(shown)}; asked for: {sorted(self.holds)}")

    # -- 20, 24 The log -------------------------------------------------------------------------------

    def _log(self, verb: str, values: Row, happened: Happened, after: Picture) -> None:
        new = list(Event.objects.filter(pk__gt=self.last_event).order_by("pk"))
        if verb in NEEDS and happened.how == "ok" and after.rows != self.before.rows:
            # That somebody has seen a review is noted beside what they did, not instead of it.
            told_of = [e for e in new if e.by == f"user:{values['who']}" and e.kind != "review.seen"]
            _say(bool(told_of), 20, f"{values['who']} did {verb}, and no event tells of it")
        told = {
            int(change.id): change for event in new for change in changes.unpacked(event.changed or ())
            if change.of == "subtask" and "status" in change.now and change.was
        }  # fmt: skip
        for pk, change in told.items():
            assert change.was
            edge = (change.was.get("status"), change.now["status"])
            _say(
                edge in EDGES or edge[0] == edge[1],
                4,
                f"{_name(after.subtask[pk])} went from {edge[0]} to {edge[1]}: no such move",
            )
        for event in new:
            kind, _, name = event.by.partition(":")
            known = kind in {"clawbot", "orchestrator"} or (kind == "user" and name in _people())
            known = known or (kind == "agent" and name in {*flows.AGENTS, "reviewer", "loser", "human"})
            known = known or (kind == "policy" and name in flows.NAMES)
            _say(known, 20, f"event {event.kind} was done by {event.by!r}, who is nobody")
            if event.kind == "review.released":
                self.released[event.data["review"]] += 1
            if event.kind == "subtask.returned" and kind == "agent":
                self.returns[event.task_id or 0] += 1
                _say(self.returns[event.task_id or 0] <= flows.RETURNS, 26, "agents return work without end")
        for review, count in self.released.items():
            given = [
                d for d in after.decision.values()
                if d["review"] == review and d["verb"] == "approve" and d["released_at"]
            ]  # fmt: skip
            _say(count <= max(1, len(given)), 12, f"review {review} was released {count} times")
        if new:
            self.last_event = new[-1].pk
        _say(after.events >= self.before.events, 20, "events are gone")
        _say(
            not (self.before.subtask != after.subtask and not new and self._more(after)),
            20,
            "no event tells of it",
        )

    def _asked(self, after: Picture) -> None:
        """People are asked about what waits for them, and about nothing else."""
        told = self.complaints.take()
        _say(not told, 20, "; ".join(told))
        waits = {d["review"] for d in after.decision.values() if not d["released_at"] and not d["undone_at"]}
        for pk, review in after.review.items():
            if review["open"] or pk in waits:
                row = after.subtask[review["subtask"]]
                _say(row["status"] == "waiting", 4, f"people are asked about {_name(row)}")
                _say(
                    not (review["open"] and pk in waits),
                    12,
                    f"{_name(row)} is decided and asked about at once",
                )

    def _more(self, after: Picture) -> bool:
        return _statuses(self.before) != _statuses(after)


def _statuses(seen: Picture) -> dict[int, str]:
    return {pk: row["status"] for pk, row in seen.subtask.items()}


def _people() -> set[str]:
    from tests.stateful.house import PEOPLE

    return set(PEOPLE)


def _name(row: Row) -> str:
    return f"{row['task__key']} {row['stage']}{row['item']} (round {row['round']}, {row['status']})"


def _say(holds: bool, promise: int, text: str) -> None:
    if not holds:
        raise Broken(f"Promise {promise}: {text}")
