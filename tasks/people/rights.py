"""What each verb of people does to a stage in each state: the table, made from the code that does it.

`docs/who_may_do_what.md` shows it, and a test tries every cell of it, as every role, on a real row.
"""

from __future__ import annotations

from typing import NamedTuple

from tasks import access, supervision
from tasks.machine import MOVES
from tasks.models import Review, Subtask

from . import reviews

S, K = Subtask.Status, Review.Kind

#: A cell is one of these, or the status that the stage has afterwards.
REFUSED = ""  # with a sentence; nothing changes
STAYS = "="  # done and written down; the stage stays where it is
NOTHING = "·"  # it is so already: nothing changes, nothing is written

#: verb -> the event that tells of it
TELLS: dict[str, str] = {
    "approve": "review.decided",
    "send_back": "subtask.returned",
    "answer": "review.answered",
    "edit": "artifact.edited",
    "override": "task.overridden",
    "rerun_from": "task.rerun",
    "retry": "subtask.retry",
    "skip": "subtask.skipped",
    "cancel": "task.cancelled",
    "pause": "hold.placed",
    "resume": "hold.lifted",
    "undo": "review.undone",
    "take": "review.taken",
    "put_back": "review.put_back",
    "assign": "review.assigned",
}


class State(NamedTuple):
    """Where a stage is; where it waits for a person, also why."""

    status: str
    kind: str = ""


#: A stage that was replaced by a newer round is out of reach: every verb means the newer one.
STATES = (
    *(State(status) for status in (S.BLOCKED, S.READY, S.DOING)),
    *(State(S.WAITING, kind) for kind in K.values),
    *(State(status) for status in (S.DONE, S.SKIPPED, S.CANCELLED)),
)


def effect(verb: str, state: State) -> str:
    """What a verb does to a stage in this state, for somebody who may use it."""
    match verb:
        case "approve" | "send_back":
            allowed = state.kind and verb in reviews.VERBS[state.kind]
            approves = "grant" if state.kind == K.TOOL else "approve"
            return MOVES[approves if verb == "approve" else "supersede"][1] if allowed else REFUSED
        case "answer":
            return MOVES["retry"][1] if state.kind and verb in reviews.VERBS[state.kind] else REFUSED
        case "take" | "put_back" | "assign":
            return STAYS if state.kind else REFUSED
        case "undo":  # of an approval that has not taken effect
            return STAYS if state.kind in {K.GATE, K.TOOL} else REFUSED
        case "edit" | "pause" | "resume":
            return STAYS
        case "override" | "rerun_from":
            return MOVES["supersede"][1]
    sources, target = MOVES[verb]
    if verb == "retry" and state.kind == K.GATE:
        return REFUSED  # nobody works there who could try again
    if state.status in sources:
        return target
    if verb == "cancel":  # of the task: what ended stays as it is
        return NOTHING if state.status == S.CANCELLED else STAYS
    return NOTHING if state.status in Subtask.ENDED else REFUSED


def page() -> str:
    """`docs/who_may_do_what.md`."""
    return "\n".join([HEAD, _roles(), STAGES, _stages(), REVIEWS, _reviews(), SYSTEM, _system(), ""])


HEAD = """# Who may do what

Four roles, each may do what the one before it may. A person has one by their group, for everything, and may
have another one as a member of a workflow, for that workflow. Who has no group sees only the workflows they
are a member of. Agents may use none of these verbs. The words are in the [glossary](glossary.md); how to give
people roles is [here](howto/give_people_roles.md).

This page is written by `make docs` from the code, and a test tries every cell.
"""
STAGES = """
## What a verb does to a stage

A cell says which status the stage has afterwards. **=** it stays where it is, **·** it is so already and
nothing is written, **–** refused with a sentence, and nothing changes. Where it waits for a person, the next
table says more. A stage that was replaced by a newer round is out of reach: every verb means the newer one.
"""
REVIEWS = """
## What a verb does to a stage that waits for a person, by why it waits
"""
SYSTEM = """
## What parts of the system may do by themselves
"""


def _roles() -> str:
    rows = [
        [f"`{verb}`", *("yes" if at >= access.GROUPS.index(least) else "–" for at in range(4))]
        for verb, least in access.LEAST.items()
    ]
    return _table(["verb", *access.GROUPS], rows)


def _stages() -> str:
    shown = [state for state in STATES if state.kind in {"", K.ESCALATION}]
    rows = [[f"`{verb}`", *(_cell(verb, state) for state in shown)] for verb in supervision.VERBS]
    return _table(["verb", *(state.status for state in shown)], rows)


def _reviews() -> str:
    shown = [state for state in STATES if state.kind]
    rows = [[f"`{verb}`", *(_cell(verb, state) for state in shown)] for verb in supervision.VERBS]
    return _table(["verb", *(state.kind for state in shown)], rows)


def _system() -> str:
    rows = [[name, ", ".join(f"`{verb}`" for verb in sorted(verbs))] for name, verbs in access.SYSTEM.items()]
    return _table(["part", "verbs"], rows)


def _cell(verb: str, state: State) -> str:
    return effect(verb, state) or "–"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
