"""A task as it was right after one event, from the log alone: `/tasks/KEY/?at=EVENT`."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from clawbot.numbers import whole
from tasks import why
from tasks.history import changes
from tasks.history.replay import State, holds, instance, past
from tasks.models import Artifact, Comment, Decision, Event, Hold, Review, Subtask, Task
from tasks.people import quorum

from .cards import stage_title
from .sentences import CONDITIONS, sentence

S = Subtask.Status
#: of a stage that fans out so many items are shown one by one
SHOWN_ITEMS = 20


def show(request: HttpRequest, one: Task, at: str) -> HttpResponse:
    """The page: read-only, with the events before and after. 404 where the task had no event by then."""
    mine = one.events.order_by("pk")
    event = mine.filter(pk__lte=number).last() if (number := whole(at)) is not None else None
    if event is None:
        raise Http404(f"The log of {one.key} has nothing at {at!r}.")
    state = past(one, event.pk)
    then: Task = instance("task", one.pk, state.of("task", one.pk))
    rows = _rows(state, event, one)
    reason = _why(then, rows, state, event)
    context = {
        "task": one, "then": then, "event": event, "sentence": sentence(event), "why": reason,
        "condition": CONDITIONS.get(event.kind, ""),
        "before": mine.filter(pk__lt=event.pk).last(), "after": mine.filter(pk__gt=event.pk).first(),
        "stages": _stages(rows), "made": _made(state, one), "reviews": _reviews(state),
        "comments": _comments(state), "findings": _findings(state, one), "changed": _changed(event),
    }  # fmt: skip
    return render(request, "pages/task_past.html", context)


def _objects(noun: str, state: State) -> list[Any]:
    return [
        instance(noun, id, row) for id, row in sorted(state.rows[noun].items(), key=lambda one: str(one[0]))
    ]


def _rows(state: State, event: Event, one: Task) -> list[Subtask]:
    """The stages' current rows then, in the order of the workflow."""
    rows: list[Subtask] = [row for row in _objects("subtask", state) if row.live]
    open_ = {row.stage for row in rows if row.status in Subtask.OPEN}
    needs = {stage["name"]: set(stage["needs"]) for stage in one.workflow_version.stages}
    for row in rows:
        row.not_before, row.needs_left = event.at, len(needs.get(row.stage, set()) & open_)
    return sorted(rows, key=lambda row: (row.position, row.item, row.pk))


def _why(then: Task, rows: list[Subtask], state: State, event: Event) -> why.Why:
    """The sentence that the task showed at that moment, from what it is made of."""
    spread = next((row for row in rows if row.spread and row.status == S.BLOCKED), None)
    reviews: list[Review] = [one for one in _objects("review", state) if one.open]
    if spread and not reviews and then.status != Task.Status.DONE:
        items = Counter(
            row.status in Subtask.PASSED for row in rows if row.item and row.stage == spread.stage
        )
        title = stage_title(spread.stage)
        return why.Why(
            "running", f"{title}: {items[True]:,} of {spread.spread:,} items were done.", row=spread
        )
    return why.as_it_was(
        then, [row for row in rows if not row.item or row.status in {S.DOING, S.WAITING}],
        review=next(iter(reviews), None), needs=_needs(reviews[:1], state),
        decision=_undecided(state), returned=_returned(then, event),
        holds=_holds(event), now=event.at,
    )  # fmt: skip


def _needs(reviews: list[Review], state: State) -> str:
    """Who had approved by then, and who was still needed."""
    given: dict[int, list[quorum.Approval]] = defaultdict(list)
    for one in _objects("decision", state):
        if one.verb == "approve" and one.undone_at is None:
            given[one.review_id].append((one.by, one.artifact_sha256))
    return next(iter(quorum.said(reviews, given).values()), "")


def _undecided(state: State) -> Decision | None:
    """An approval inside its undo window."""
    for one in _objects("decision", state):
        if one.released_at is None and one.undone_at is None and one.review_id in state.rows["review"]:
            one.review = instance("review", one.review_id, state.rows["review"][one.review_id])
            return one
    return None


def _returned(then: Task, event: Event) -> Event | None:
    return Event.objects.filter(task=then.pk, kind="subtask.returned", pk__lte=event.pk).order_by("pk").last()


def _holds(event: Event) -> list[Hold]:
    return [hold for hold in _objects("hold", holds(event.pk)) if hold.open]


# -- What the page lists ------------------------------------------------------------------------------


def _stages(rows: list[Subtask]) -> list[dict[str, Any]]:
    """A line per stage; of many items their number by status."""
    many = {
        stage
        for stage, count in Counter(row.stage for row in rows if row.item).items()
        if count > SHOWN_ITEMS
    }
    lines: list[dict[str, Any]] = []
    for row in rows:
        if row.item and row.stage in many:
            continue
        counts = Counter(one.status for one in rows if one.item and one.stage == row.stage)
        items = (
            ", ".join(f"{count:,} {status}" for status, count in counts.items()) if row.stage in many else ""
        )
        lines.append(
            {"row": row, "title": stage_title(row.stage), "items": items, "condition": _condition(row)}
        )
    return lines


def _condition(row: Subtask) -> str:
    known = {
        S.DOING: "running",
        S.WAITING: "waiting",
        S.DONE: "done",
        S.CANCELLED: "failed",
        S.SKIPPED: "idle",
    }
    return known.get(S(row.status), "queued")


def _made(state: State, one: Task) -> list[dict[str, Any]]:
    """What was made by then. Texts do not change: the stored one is shown where its hash is the log's."""
    stored = {
        f"{made.task_id}/{made.kind}/{made.number}": made for made in one.artifacts.defer("text", "data")
    }
    found = []
    for name, row in state.rows["artifact"].items():
        made: Artifact = instance("artifact", name, row)
        there = stored.get(str(name))
        found.append({"made": made, "is_there": bool(there and there.sha256 == made.sha256), "stored": there})
    return sorted(found, key=lambda entry: entry["stored"].pk if entry["stored"] else 0)


def _reviews(state: State) -> list[dict[str, Any]]:
    decisions: list[Decision] = _objects("decision", state)
    return [
        {"review": review, "decisions": [one for one in decisions if one.review_id == review.pk]}
        for review in _objects("review", state)
    ]


def _comments(state: State) -> list[dict[str, Any]]:
    """The remarks there were. A remark's words are in its row: of one that was taken back they are gone."""
    texts = dict(Comment.objects.filter(pk__in=list(state.rows["comment"])).values_list("pk", "text"))
    return [{"comment": one, "text": texts.get(one.pk)} for one in _objects("comment", state)]


def _findings(state: State, one: Task) -> list[dict[str, Any]]:
    texts = dict(one.findings.values_list("pk", "text"))
    return [{"finding": each, "text": texts.get(each.pk, "")} for each in _objects("finding", state)]


def _changed(event: Event) -> list[dict[str, Any]]:
    """What this event changed, column by column."""
    return [
        {"of": change.of, "id": change.id, "name": name, "was": (change.was or {}).get(name), "now": now}
        for change in changes.unpacked(event.changed or ())
        for name, now in change.now.items()
    ]
