"""Answers several reviews at once: first the list of what each answer does, then one by one.

Approving takes gates of any task; retrying and going on without takes the items of one stage.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from agents.contract import Refused
from clawbot import draft
from clawbot.numbers import whole, whole_ones
from tasks import access, supervision
from tasks.items import number
from tasks.models import Decision, Hold, Review, Task

from . import consequences, deciders, history, queue, task_items

MOST = 50
#: what can be done to all items of one stage that wait: verb -> how it is said, and what was done
TOGETHER = {"retry": ("Retry", "tried again"), "skip": ("Go on without", "left out")}


@dataclass(frozen=True)
class Item:
    """One review on the list: what it is about and what its approval does."""

    review: Review
    length: str
    consequence: str
    chosen: bool
    request_id: str


@dataclass(frozen=True)
class Answer:
    """How one of them went."""

    review: Review
    decision: Decision | None
    refused: str = ""


@dataclass(frozen=True)
class Part:
    """One item of a stage that waits, and what the verb does to it."""

    review: Review
    value: str
    consequence: str


@require_http_methods(["GET", "POST"])
def approve(request: HttpRequest) -> HttpResponse:
    """GET: what may be approved together, with each consequence. POST: one decision for each that was chosen,
    bound to the text it had on the list; what changed meanwhile is refused by itself."""
    answers = _decide(request) if request.method == "POST" else []
    chosen = set(whole_ones(request.GET.getlist("pick")))
    items = [_item(review, review.pk in chosen) for review in eligible(request.user)]
    context = {
        "items": items,
        "flows": _by_flow(items),
        "held": [(one, hold) for one, hold in _fit(request.user) if hold],
        "answers": answers,
        "approved": sum(1 for one in answers if one.decision),
        "refused": sum(1 for one in answers if one.refused),
    }
    return render(request, "pages/bulk_approve.html", context)


def eligible(user: Any) -> list[Review]:
    """What this person may approve without opening it: a gate with no open finding, of a task that nobody
    holds."""
    return [one for one, hold in _fit(user) if hold is None][:MOST]


def _fit(user: Any) -> list[tuple[Review, Hold | None]]:
    """The gates without an open finding that wait for this person, each with the hold on its task or its
    workflow. A hold on everything stands above the page."""
    holds = {
        (one.scope, one.target): one
        for one in Hold.objects.filter(open=1, scope__in=[Hold.Scope.TASK, Hold.Scope.WORKFLOW])
    }
    return [
        (one, holds.get((Hold.Scope.TASK, one.task.key))
         or holds.get((Hold.Scope.WORKFLOW, one.task.workflow.slug)))
        for one in queue.waiting(user)
        if one.kind == Review.Kind.GATE and "approve" in one.verbs and not one.unsettled  # type: ignore[attr-defined]
        and access.can(user, "approve", one)
    ]  # fmt: skip


def _by_flow(items: list[Item]) -> list[tuple[str, list[Item]]]:
    """The items under the titles of their workflows: a reply to a customer is read otherwise than an
    article."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.review.task.workflow.title, []).append(item)
    return sorted(found.items())


def _item(review: Review, chosen: bool) -> Item:
    length = draft.length(review.artifact.text) if review.artifact else ""
    return Item(review, length, consequence(review), chosen, uuid.uuid4().hex)


def consequence(review: Review) -> str:
    """What approving one does, in a sentence."""
    standing = deciders.standing(review)
    if standing.several and standing.wanted - len(standing.approved) > 1:
        return f"Counts as one answer of {standing.rule}; the others are still asked."
    stage = history.after(review)
    paths = history.planned_paths(review.task, stage)
    if paths:
        verb = "Publishes" if paths[0].startswith("published/") else "Writes"
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        return f"{verb} {paths[0]}{more}."
    return f"Lets {stage['name']} begin." if stage else "Ends the task."


def _decide(request: HttpRequest) -> list[Answer]:
    found = []
    by = f"user:{request.user.username}"
    wanted = whole_ones(request.POST.getlist("pick")[:MOST])
    rows = access.seen(Review, request.user).select_related("task__workflow", "artifact").in_bulk(wanted)
    for review in (rows[pk] for pk in wanted if pk in rows):
        try:
            decision = supervision.approve(
                review, by=by, until_seen=True, artifact_sha256=request.POST.get(f"sha-{review.pk}", ""),
                review_version=whole(request.POST.get(f"version-{review.pk}", "")) or 0,
                request_id=(request.POST.get(f"request-{review.pk}") or uuid.uuid4().hex)[:64],
            )  # fmt: skip
        except Refused as refused:
            found.append(Answer(review, None, str(refused)))
        else:
            found.append(Answer(review, decision))
            if not queue.reports(request):
                supervision.seen(decision, by=by)
    return found


# -- The items of one stage ---------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def together(request: HttpRequest, verb: str, pk: int) -> HttpResponse:
    """Retry, or go on without, all items that wait beside the review `pk` for the same kind of reason. GET:
    the list of what happens to each. POST: the verb on each that is ticked, by itself."""
    if verb not in TOGETHER:
        raise Http404(f"Cannot {verb} several items at once; there is {' and '.join(TOGETHER)}.")
    there = access.seen(Review, request.user).select_related("task__workflow_version", "subtask")
    review = get_object_or_404(there, pk=pk)
    trouble = ""
    if request.method == "POST" and verb == "skip" and not request.POST.get("reason", "").strip():
        trouble = "Say why in a few words; others will read it."
    answers = _each(request, verb, review) if request.method == "POST" and not trouble else []
    waiting = mates(request.user, review)
    return render(request, "pages/bulk_items.html", {
        "verb": verb, "label": TOGETHER[verb][0], "review": review, "task": review.task,
        "stage": review.subtask.stage, "why_not": access.reason(request.user, verb, review.task),
        "parts": [_part(one, verb) for one in waiting[:MOST]], "more": max(len(waiting) - MOST, 0),
        "answers": answers, "word": TOGETHER[verb][1], "trouble": trouble,
        "done": sum(1 for one in answers if not one.refused),
        "refused": sum(1 for one in answers if one.refused),
    }, status=422 if trouble else 200)  # fmt: skip


def mates(user: Any, review: Review) -> list[Review]:
    """The open reviews of items of the same stage that wait for the same kind of reason, by item."""
    rows = access.seen(Review, user).filter(
        open=1, task=review.task_id, kind=review.kind, subtask__stage=review.subtask.stage, subtask__live=1
    )
    rows = rows.exclude(subtask__item="").select_related("task__workflow_version", "subtask")
    return list(rows.order_by("subtask__item"))


def _part(review: Review, verb: str) -> Part:
    place = {"stage": review.subtask.stage, "item": review.subtask.item}
    says = consequences.retry if verb == "retry" else consequences.skip
    return Part(review, task_items.words(review.subtask.given), says(review.task, place))


def _each(request: HttpRequest, verb: str, review: Review) -> list[Answer]:
    """Do it to each that is ticked and still waits; each is its own event, refused or done by itself."""
    wanted = whole_ones(request.POST.getlist("pick")[:MOST])
    rows = access.seen(Review, request.user).filter(
        pk__in=wanted, task=review.task_id, subtask__stage=review.subtask.stage
    )
    found = []
    for one in rows.select_related("task__workflow_version", "subtask").order_by("subtask__item"):
        try:
            _one(one, verb, by=f"user:{request.user.username}", reason=request.POST.get("reason", ""))
        except Refused as refused:
            found.append(Answer(one, None, str(refused)))
        else:
            found.append(Answer(one, None))
    return found


def _one(review: Review, verb: str, *, by: str, reason: str) -> None:
    row = review.subtask
    with transaction.atomic():
        # The task first, as the verbs lock it: nobody may answer between the look and the deed.
        task = Task.objects.select_for_update().get(pk=review.task_id)
        if not Review.objects.filter(pk=review.pk, open=1, subtask__live=1).exists():
            raise Refused(f"Cannot {verb} item {number(row.item)}: it was answered meanwhile.")
        supervision.VERBS[verb](task, by=by, stage=row.stage, item=row.item, reason=reason)
