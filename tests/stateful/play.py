"""Plays commands in a house, watched by its ledger; when it is healed, all that was begun must end."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command

from tasks import clock, why
from tasks.history import chain, seal
from tasks.models import Hold, Notice, Review, Subtask, Task
from tasks.workflow import versions
from tests.stateful.house import VERBS, Command, House, asked, tasks
from tests.stateful.ledger import Ledger

#: How often a process dies in a command, and at which commit.
DIES = (0,) * 14 + (1, 2, 3, 4)
#: Commands in which dying means something: the others have one transaction, or none.
MORTAL = {"inject", "work", "claim", "finish", "tick", "approve", "send_back", "edit", "cancel", "pause",
          "override", "release", "deliver", "answer", "rerun_from"}  # fmt: skip


WORKED: Command = ("work", {"limit": 20, "size": 1, "turns": 4})
A_TURN: Command = ("work", {"limit": 20, "size": 1, "turns": 1})
APPROVAL = {"who": "ana", "which": 0, "read": "now", "times": 1, "undo": 10, "note": "Good."}
ASK: Command = ("finish", {"which": 0, "many": 4, "word": "call", "size": 1, "text": "new"})
RETURN: Command = ("finish", {"which": 0, "many": 4, "word": "send_back", "size": 1, "text": "new"})
#: Where a life may begin: after a turn that seldom comes by chance.
SCENES: dict[str, list[Command]] = {
    "nothing is done": [],
    "all is at its gates": [WORKED],
    "a worker died": [("claim", {"worker": 0, "limit": 10}), ("die", {"worker": 0})],
    "one who was given up comes late": [
        ("claim", {"worker": 0, "limit": 10}), ("die", {"worker": 0}),
        ("tick", {"orchestrators": 1, "apart": 0}), ("claim", {"worker": 1, "limit": 10}),
        ("come_late", {"which": 0, "word": "done"}),
    ],
    "an agent asks before it calls": [
        ("claim", {"worker": 0, "limit": 10}), ASK, ("retry", {"who": "ben", "which": 0}),
        ("claim", {"worker": 0, "limit": 10}), ASK,
    ],
    "a reviewer is never content": [
        A_TURN, ("claim", {"worker": 0, "limit": 20}), RETURN,
        A_TURN, ("claim", {"worker": 0, "limit": 20}), RETURN,
        A_TURN, ("claim", {"worker": 0, "limit": 20}), RETURN,
    ],
    "somebody cancels at once": [("cancel", {"who": "ben", "which": 0})],
    "what was done is taken back": [A_TURN, A_TURN, ("cancel", {"who": "ben", "which": 1})],
    "a worker asks in a pause": [
        ("pause", {"who": "ben", "scope": "all", "which": 0, "until": None, "stop": False}),
        ("claim", {"worker": 0, "limit": 10}),
    ],
    "the post comes in a pause": [
        WORKED, ("pause", {"who": "ben", "scope": "all", "which": 0, "until": None, "stop": False}),
        ("deliver", {"sends": "fine", "finds": "tells"}),
    ],
    "the post is in doubt": [
        WORKED, ("deliver", {"sends": "unclear, arrived", "finds": "tells"}), ("wait", {"seconds": 700}),
        ("deliver", {"sends": "fine", "finds": "tells"}),
    ],
    "somebody wrote": [
        WORKED, ("edit", {"who": "ana", "which": 0, "base": "now", "kind": "draft"}), WORKED,
    ],
    "somebody has read": [WORKED, ("take", {"who": "ana", "which": 0})],
    "somebody has read something else": [WORKED, ("approve", APPROVAL | {"read": "older text"})],
    "somebody clicks twice": [WORKED, ("approve", APPROVAL | {"times": 2})],
}  # fmt: skip


class Count:
    """How many steps were played, for whoever wants to say so."""

    steps = 0


@contextmanager
def a_house() -> Iterator[House]:
    """A new house in an empty database."""
    empty()
    (settings.DATA / chain.HEADS).unlink(missing_ok=True)
    versions.forget()
    with House().open() as house:
        yield house


def empty() -> None:
    """Empty the tables that are not empty already."""
    call_command("flush", interactive=False, verbosity=0)


def by_chance(seed: int, steps: int, without: Iterable[str] = ()) -> list[Command]:
    """A list of commands that only this seed gives."""
    dice = random.Random(seed)
    names = [name for name in VERBS if name not in set(without)]
    weights = [VERBS[name].weight for name in names]
    found: list[Command] = [("inject", {"who": "ana", "flow": n, "key": None, "backlog": False,
                                        "priority": 0})
                            for n in range(4)]  # fmt: skip
    for _ in range(steps - len(found)):
        name = dice.choices(names, weights)[0]
        values = {word: dice.choice(among) for word, among in VERBS[name].choices.items()}
        if name in MORTAL and (dies := dice.choice(DIES)):
            values["dies"] = dies
        found.append((name, values))
    return found


def play(house: House, commands: Iterable[Command], ledger: Ledger | None = None) -> dict[str, int]:
    """Let the commands happen; returns how often each went which way."""
    went: dict[str, int] = {}
    for command in commands:
        Count.steps += 1
        happened = house.play(command)
        word = f"{command[0]} {happened.how}"
        went[word] = went.get(word, 0) + 1
        if ledger:
            ledger.check(command, happened)
    return went


def heal(house: House, ledger: Ledger | None = None, turns: int = 60) -> None:
    """Nothing fails any more and everybody works: in the end every task is done."""
    house.post.sends, house.post.finds = "fine", "tells"

    def do(name: str, **values: Any) -> None:
        Count.steps += 1
        happened = house.play((name, values))
        if ledger:
            ledger.check((name, values), happened)

    for worker in range(2):
        do("die", worker=worker)
    do("give_up_senders")
    for _ in range(Hold.objects.filter(open=1).count()):
        do("resume", who="ben", which=0)
    for who, group in (("dora", "editors"), ("cleo", "viewers")):
        do("change_role", who=who, group=group)
    for _ in range(turns):
        owed = Notice.objects.exclude(state__in=["sent", "dead"])
        if not Task.objects.exclude(status="done").exists() and not owed.exists():
            break
        house.now += timedelta(seconds=700)
        do("tick", orchestrators=1, apart=0)
        if Task.objects.filter(status="backlog", starts_at=None).exists():
            do("start", who="ana", which=0)
        do("work", limit=20, size=1, turns=2)
        for place in reversed(range(Review.objects.filter(open=1).count())):
            review = asked()[place]
            if "approve" in review.verbs:
                for who in ("ana", "dora", "ben", "admin"):
                    do("approve", who=who, which=place, read="now", times=1, undo=0, note="Good.")
                    if Review.objects.get(pk=review.pk).open is None:
                        break
            elif "retry" in review.verbs:
                do("retry", who="ben", which=_place(review.task))
            else:  # nothing was made that a person could read
                do("skip", who="ben", which=_place(review.task), stage=review.subtask.position)
        do("release")
    if ledger:
        ledger.look()
    _quiet()


def _place(task: Task) -> int:
    return [one.pk for one in tasks()].index(task.pk)


def _quiet() -> None:
    left = list(Task.objects.exclude(status="done"))
    said = {task.key: why.why(task).sentence for task in left}
    rows = Subtask.objects.filter(task__in=left, live=1).values_list(
        "task__key", "stage", "item", "status", "reason"
    )
    assert not left, f"Promise 28: these never end: {said} {list(rows)}"
    assert not Notice.objects.exclude(state__in=["sent", "dead"]).exists(), (
        "Promise 15: a notice never arrives"
    )
    while seal.seal(clock.now()):
        pass
    faults = chain.check(now=clock.now()).faults
    assert not faults, f"Promise 20: {list(map(str, faults))}"
