"""Why a task is where it is and what happens next without you: one sentence, made in one place.

Card, page, API, Slack and command line show exactly this. What the sentences are made of is gathered in
`standing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings

from . import moments
from .items import Items, number
from .models import Decision, Event, Hold, Review, Subtask, Task
from .people import grants, policy
from .standing import (
    Standing,
    capital,
    gather,
    is_skipped_gate,
    is_undo,
    of_tries,
    stage_name,
    standing_then,
)
from .workflow.graph import UNDO
from .workflow.shape import ENGINE

S = Subtask.Status
STALLED_KINDS = {Review.Kind.STALLED}
FAILED_KINDS = {Review.Kind.ATTEMPTS, Review.Kind.POISON}


@dataclass(frozen=True)
class Why:
    """`condition` is one of queued, running, waiting, returned, stalled, failed, done; `paused` lies
    over any of them."""

    condition: str
    text: str
    next: str = ""
    due_at: datetime | None = None
    review: Review | None = None
    needs: str = ""  # who approved and who is still needed, where one answer is not enough
    row: Subtask | None = None  # the stage that the sentence is about; of a fan-out perhaps one item
    hold: Hold | None = None
    at: tuple[str, ...] = ()  # every stage that is under way, the furthest back first
    items: Items | None = None  # of the stage it is at, where that fans out
    waits_for: str = ""  # answer, or the key of the task that it waits for
    undoing: bool = False  # what it did is being taken back

    @property
    def paused(self) -> bool:
        """Whether a hold covers the task."""
        return self.hold is not None

    @property
    def sentence(self) -> str:
        """Where it is, then what comes next."""
        return f"{self.text} {self.next}".strip()


def why(task: Task) -> Why:
    """The sentence of one task."""
    return whys([task])[task.pk]


def as_it_was(
    task: Task,
    rows: list[Subtask],
    *,
    review: Review | None,
    needs: str = "",
    decision: Decision | None,
    returned: Event | None,
    holds: list[Hold],
    now: datetime,
) -> Why:
    """The sentence of a task whose rows are those of an earlier moment, `now`. Nothing else is looked up."""
    one = standing_then(
        task, rows, review=review, needs=needs, decision=decision, returned=returned, holds=holds, now=now
    )
    return _placed(one, _one(one))


def whys(tasks: Sequence[Task]) -> dict[int, Why]:
    """The sentences of many tasks, in a fixed number of queries."""
    return {one.task.pk: _placed(one, _one(one)) for one in gather(tasks)}


def _placed(one: Standing, said: Why) -> Why:
    """The sentence with where the task is."""
    if one.task.status == Task.Status.DONE:
        return said
    at = tuple(dict.fromkeys(stage_name(row) for row in one.active))
    return replace(
        said, hold=one.hold, at=at, undoing=one.task.undoing_at is not None,
        items=one.items.get(said.row.stage) if said.row else None,
    )  # fmt: skip


def _one(one: Standing) -> Why:
    if one.task.status == Task.Status.DONE:
        return _ended(one)
    if one.review is not None:
        return _asked(one, one.review)
    if one.decision is not None:
        return _decided(one)
    if one.task.undoing_at:
        return _undoing(one)
    active = one.active
    if spread := next((row for row in active if row.spread is not None and row.status == S.BLOCKED), None):
        return _spread(one, spread)
    if any(row.status == S.DOING for row in active):
        return _running(one)
    if ready := next((row for row in active if row.status == S.READY), None):
        return _ready(one, ready)
    if awaiting := next((row for row in active if row.awaits), None):
        return _awaiting(one, awaiting)
    return _backlog(one)


# -- The end -------------------------------------------------------------------------------------------


def _ended(one: Standing) -> Why:
    last = one.stages[-1] if one.stages else None
    if one.task.undoing_at:
        return Why("done", f"Cancelled. {_taken_back(one)} {one.undone_why}".strip(), row=last)
    if one.task.outcome == Task.Ending.CANCELLED:
        return Why("done", "Cancelled. Everything made so far is kept.", row=last)
    said = (one.task.stage_status or "all stages passed").replace("_", " ")
    gates = [_stage(row) for row in one.stages if is_skipped_gate(row)]
    were = "was" if len(gates) == 1 else "were"
    then = f"Nobody approved it: {_list(gates)} {were} skipped." if gates else ""
    return Why("done", f"Done: {said}.", then, row=last)


def _taken_back(one: Standing) -> str:
    left = [_stage(row) for row in one.undo if row.status != S.DONE]
    if left:
        stays = "stays as it is" if len(left) == 1 else "stay as they are"
        return f"Not all was taken back: {_list(left)} {stays}."
    return "What it had done was taken back." if one.undo else "Nothing had to be taken back."


# -- People --------------------------------------------------------------------------------------------


def _asked(one: Standing, review: Review) -> Why:
    """What a person is asked, and what goes on meanwhile."""
    row = review.subtask
    text = one.asked or review.why
    if is_undo(row):
        text = f"{capital(_stage(row))} could not be taken back: {text}"
    elif row.item and row.stage in one.items and one.items[row.stage].waiting > 1:
        waiting = one.items[row.stage].waiting
        text = f"{waiting:,} items of {_stage(row)} wait for a person. Item {number(row.item)}: {text}"
    elif row.item:
        text = f"Item {number(row.item)} of {_stage(row)}: {text}"
    return Why(_condition(review), text, _then(one, review), review.due_at, review, one.needs, row)


def _condition(review: Review) -> str:
    if review.kind in STALLED_KINDS:
        return "stalled"
    return "failed" if review.kind in FAILED_KINDS else "waiting"


def _then(one: Standing, review: Review) -> str:
    if not review.ladder or review.rung >= len(review.ladder):
        then = f"{_meanwhile(one, review.subtask)}."
    else:
        rung = review.ladder[review.rung]
        after = f"goes to {rung['escalate']} as well" if rung.get("escalate") else "a reminder goes out"
        then = f"when it is due, {after}."
    if one.needs:
        return f"{one.needs} {capital(then)}"
    who = one.names.get(review.owner, "") or f"Any {policy.whom(review.deciders).removesuffix('s')}"
    return f"{who} decides; {then}"


def _meanwhile(one: Standing, row: Subtask) -> str:
    items = one.items.get(row.stage)
    if row.item and items and items.passed + items.waiting < items.of:
        return "the other items go on meanwhile"
    if others := [_stage(other) for other in one.active if other.stage != row.stage]:
        return f"{_list(others)} {_go(others)} on meanwhile"
    return "nothing moves until then"


def _decided(one: Standing) -> Why:
    decision = one.decision
    assert decision is not None
    name = one.names.get(decision.by, decision.by)
    row = next((row for row in one.rows if row.pk == decision.review.subtask_id), None)
    if any(row.status == S.DOING for row in one.rows):
        then = "It is released when the new version has been rendered."
    else:
        left = max(0, round((decision.release_at - one.now).total_seconds()))
        most = "at most " if left > settings.UNDO_SECONDS else ""  # its person has not seen the Undo yet
        then = f"It is released in {most}{left} s unless somebody takes it back."
        then = then if left else "It is being released."
    return Why("running", f"{name} approved it.", then, row=row)


# -- Agents --------------------------------------------------------------------------------------------


def _running(one: Standing) -> Why:
    doing = [row for row in one.active if row.status == S.DOING]
    row = doing[0]
    agents = list(dict.fromkeys(one.who(each) for each in doing))
    tries = f", attempt {row.attempts}{of_tries(row, one.task)}" if row.attempts > 1 else ""
    verb = "works" if len(agents) == 1 else "work"
    text = f"{_back(one, row)}{_list(agents)} {verb} on it{tries}."
    return Why("running", text, "It finishes, then the task is held." if one.hold else "", row=row)


def _back(one: Standing, row: Subtask) -> str:
    returned = one.returned
    if returned is None or returned.data.get("round") != row.round or returned.data.get("to") != row.stage:
        return ""
    who = returned.by.partition(":")[2] or returned.by
    count = returned.data.get("requests", 0)
    wishes = "one change asked" if count == 1 else f"{count} changes asked"
    return f"Returned by {who.capitalize()}, {wishes}. "


def _ready(one: Standing, row: Subtask) -> Why:
    stage = _stage(row)
    if one.hold is not None:
        return Why("queued", f"{_back(one, row)}Ready for {stage}.", _held(one), row=row)
    if row.reason and not row.attempts:  # nobody began it: `tasks/orchestrator/silent.py`
        return Why("stalled", row.reason, "Operators were told.", row=row)
    if row.reason and row.attempts and row.not_before > one.now:
        wait = _span(row.not_before - one.now)
        then = f"Try {row.attempts + 1}{of_tries(row, one.task)} at {stage} in {wait}."
        return Why("queued", row.reason, then, row=row)
    if back := _back(one, row):
        return Why("returned", back.strip(), f"{one.who(row)} is next.", row=row)
    if row.reason and row.attempts:
        next_ = "makes it next" if row.reason == grants.ALLOWED else "tries again next"
        return Why("queued", row.reason, f"{one.who(row)} {next_}.", row=row)
    then = f"{one.who(row)} starts as soon as a worker is free."
    return Why("queued", f"Ready for {stage}.", then, row=row)


def _spread(one: Standing, row: Subtask) -> Why:
    items = one.items.get(row.stage, Items(of=row.spread or 0))
    verb = "is" if items.passed == 1 else "are"
    text = f"{capital(_stage(row))}: {items.passed:,} of {_count(items.of, 'item')} {verb} done."
    if one.hold:
        return Why("running", text, _held(one), row=row)
    skipped = f"{_count(items.skipped, 'item')} skipped." if items.skipped else ""
    rest = "Their tasks do" if row.agent == ENGINE else f"{one.who(row)} does"
    then = f"{rest} the rest; then they are joined.{_beside(one, row)}"
    return Why("running", f"{text} {skipped}".strip(), then, row=row)


def _beside(one: Standing, row: Subtask) -> str:
    """What else is under way."""
    others = [_stage(other) for other in one.active if other.pk != row.pk]
    return f" {capital(_list(others))} {_go(others)} on beside it." if others else ""


# -- What is outside of it -----------------------------------------------------------------------------


def _awaiting(one: Standing, row: Subtask) -> Why:
    stage = capital(_stage(row))
    if row.awaits == Subtask.Awaits.MESSAGE:
        text = row.reason or f"{stage} waits for an answer from another system."
        late = "it asks again" if row.attempts < row.max_attempts else "it gives up"
        then = f"Without an answer in time {late}.{_beside(one, row)}"
        return Why("queued", text, then, row.not_before, row=row, waits_for="answer")
    child = one.children.get(row.pk)
    if child is None:
        return Why("running", f"{stage} injects a task.", "Then it waits for it.", row=row)
    asks = getattr(child, "asks", False)
    then = f"A person decides about {child.key} first." if asks else "It goes on when that task is done."
    return Why(
        "running", f"{stage} waits for {child.key}.", f"{then}{_beside(one, row)}", row=row,
        waits_for=child.key,
    )  # fmt: skip


def _undoing(one: Standing) -> Why:
    undo = one.undo
    now = next((row for row in undo if row.status in {S.DOING, S.READY}), undo[0] if undo else None)
    if now is None:  # all of them are items of one stage
        left = sum(found.of - found.passed for stage, found in one.items.items() if stage.endswith(UNDO))
        then = f"{_count(left, 'item')} {'is' if left == 1 else 'are'} left, then it ends as cancelled."
        return Why("running", f"Taking back what it did. {one.undone_why}".strip(), then)
    if now.status == S.READY and now.reason and now.attempts and now.not_before > one.now:
        wait = _span(now.not_before - one.now)
        then = f"Try {now.attempts + 1}{of_tries(now, one.task)} at taking it back in {wait}."
        return Why("running", f"Taking back {_stage(now)}. {now.reason}", then, row=now)
    left = sum(row.status in Subtask.OPEN and row.pk != now.pk for row in undo)
    verb = "is" if left == 1 else "are"
    then = f"{_count(left, 'more stage')} {verb} left, then it ends as cancelled." if left else (
        "Then it ends as cancelled."
    )  # fmt: skip
    then = _held(one) if one.hold else then
    return Why("running", f"Taking back {_stage(now)}. {one.undone_why}".strip(), then, row=now)


# -- Not yet -------------------------------------------------------------------------------------------


def _backlog(one: Standing) -> Why:
    row = next((row for row in one.stages if row.status == S.BLOCKED), None)
    task = one.task
    if task.status == Task.Status.BACKLOG:
        if one.limit:
            return Why("queued", "In the backlog.", f"{one.limit} It starts when one ends.", row=row)
        if task.starts_at:
            return Why("queued", "In the backlog.", "It starts at its time.", task.starts_at, row=row)
        return Why("queued", "In the backlog.", "The schedule starts it, or start it by hand.", row=row)
    return Why("queued", f"Waits for {_count(row.needs_left if row else 0, 'earlier stage')}.", row=row)


def _held(one: Standing) -> str:
    hold = one.hold
    assert hold is not None
    ends = (
        f"It lifts by itself at {moments.named(hold.until, one.now)}."
        if hold.until
        else "It stays until it is resumed."
    )
    return f"Paused by {one.names.get(hold.placed_by, hold.placed_by)}: {hold.why}. {ends}"


# -- Words ---------------------------------------------------------------------------------------------


def _stage(row: Subtask) -> str:
    return stage_name(row).replace("_", " ")


def _list(words: Sequence[str], most: int = 3) -> str:
    """Words in a row: "a", "a and b", "a, b and c", "a, b, c and 2 more"."""
    words = list(dict.fromkeys(words))
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _go(others: Sequence[str]) -> str:
    return "goes" if len(set(others)) == 1 else "go"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _span(delta: timedelta) -> str:
    seconds = round(delta.total_seconds())
    if seconds < 90:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
