"""The reviews queue: what waits for you, ranked, with the draft beside it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from clawbot import diff
from clawbot.numbers import whole_ones
from clawbot.people import names
from tasks import access, clock
from tasks.models import Artifact, Decision, Review, Subtask, Task
from tasks.people import asked, deliveries

from . import bulk, deciders, history, queue, reading
from .parts import part_of

TABS = {"mine": "For me", "anyone": "All", "decided": "Decided by me today"}
SETTLED_FOR = timedelta(minutes=2)
#: items that a group lists in place
MOST_SHOWN = 20
#: why several items of one stage wait, by the kind of their reviews
TOGETHER: dict[str, str] = {
    Review.Kind.ATTEMPTS: "are out of attempts", Review.Kind.POISON: "took their workers down",
    Review.Kind.STALLED: "are stalled", Review.Kind.ESCALATION: "ask a person",
    Review.Kind.LOOP: "went back and forth", Review.Kind.GATE: "wait for a decision",
    Review.Kind.TOOL: "ask leave for a call",
}  # fmt: skip
#: verbs as a row lists them, the answer that most give first
WORDS = {
    "approve": "approve", "send_back": "return", "edit": "edit", "retry": "retry", "skip": "go on without it",
    "cancel": "stop the task",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the queue."""

    review: Review
    selected: bool
    changed: int | None  # words changed since it was last decided on
    standing: deciders.Standing  # who decides, how far they are, what the ladder does next
    verbs: str  # what this person may answer: "Approve, return or edit"


@dataclass(frozen=True)
class Group:
    """Several items of one stage that wait for the same kind of reason: one line of the queue, which opens
    to its items."""

    reviews: list[Review]  # ranked
    selected: bool
    standing: deciders.Standing
    verbs: str
    together: tuple[str, ...]  # what this person may do to all of them at once

    @property
    def review(self) -> Review:
        """The first of them, which stands for all."""
        return self.reviews[0]

    @property
    def shown(self) -> list[Review]:
        """As many as are listed; the rest are on the page of the stage's items."""
        return self.reviews[:MOST_SHOWN]

    @property
    def why(self) -> str:
        """What all of them wait for."""
        return f"{len(self.reviews):,} items {TOGETHER[self.review.kind]}"


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The queue; `?tab=` picks whose, `?sel=` what is previewed."""
    return render(request, "pages/reviews.html", context(request))


@require_GET
@part_of("reviews")
def count(request: HttpRequest) -> HttpResponse:
    """The figure in the top bar."""
    return render(request, "parts/_reviews_badge.html")


@require_GET
@part_of("reviews")
def news(request: HttpRequest) -> HttpResponse:
    """How many rows came since the page was drawn: they are announced, never slipped in. Rows that
    somebody else settled meanwhile come along, to grey out where they stand."""
    seen = set(whole_ones(request.GET.get("seen", "").split(",")))
    now = _rows_of(request)
    gone = seen - {review.pk for review in now}
    settled = (
        access.seen(Decision, request.user)
        .filter(review__in=gone, undone_at__isnull=True)
        .select_related("review")
        .order_by("id")
    )
    return render(request, "parts/_queue_news.html", {
        "fresh": [review for review in now if review.pk not in seen], "seen": request.GET.get("seen", ""),
        "gone": [_settled(decision) for decision in settled], "tab": request.GET.get("tab", "mine"),
    })  # fmt: skip


def context(request: HttpRequest) -> dict[str, Any]:
    """Everything the page shows."""
    tab = request.GET.get("tab", "mine")
    tab = tab if tab in TABS else "mine"
    mine, anyone = queue.line(request), list(queue.opened(request.user))
    asked.tell(anyone)
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    days = 1 if request.GET.get("day") == "yesterday" else 0
    decided = queue.decided(request.user, today - timedelta(days=days))
    rows = {"mine": mine, "anyone": anyone, "decided": []}[tab]
    chosen = _chosen(request, rows)
    found: dict[str, Any] = {
        "tab": tab, "me": f"user:{request.user.username}", "now": clock.now(),
        "tabs": [("mine", TABS["mine"], len(mine)), ("anyone", TABS["anyone"], len(anyone)),
                 ("decided", TABS["decided"], len(decided))],
        "rows": _rows(rows, chosen, request.user),
        "several": len(bulk.eligible(request.user)) if tab == "mine" else 0,
        "doubts": _doubts(request.user, tab),
        "settled": _just_settled(request) if tab == "mine" else [],
        "decided": [_settled(one) for one in decided] if tab == "decided" else [],
        "seen": ",".join(str(review.pk) for review in rows),
        "undo": queue.undoable(request),
        "coming": history.coming(_in_work(request)),
        "may_settle": access.anywhere(request.user, "resend"),
        "in_work": access.seen(Task, request.user).filter(status=Task.Status.DOING).count(),
    }  # fmt: skip
    return found | _preview(request, chosen)


def _rows(reviews: list[Review], chosen: Review | None, user: Any) -> list[Row | Group]:
    """The lines of the queue, each where its first review stands."""
    readers = deciders.reading([one.pk for one in reviews], but=f"user:{user.username}")
    groups = queue.together(reviews)
    rows: list[Row | Group] = []
    for one in reviews:
        mates = groups[one.pk]
        if mates[0] != one:
            continue
        standing = deciders.standing(one, readers.get(one.pk, ()))
        if len(mates) > 1:
            both = tuple(verb for verb in bulk.TOGETHER if verb in one.verbs and access.can(user, verb, one))
            rows.append(Group(mates, chosen in mates, standing, allowed(one, user), both))
        else:
            rows.append(Row(one, one == chosen, _changed(one), standing, allowed(one, user)))
    return rows


def allowed(review: Review, user: Any) -> str:
    """With which verbs this person may answer a review, in a few words; empty where with none."""
    may = [word for verb, word in WORDS.items() if verb in review.verbs and access.can(user, verb, review)]
    return " or ".join(filter(None, [", ".join(may[:-1]), may[-1]])).capitalize() if may else ""


def _doubts(user: Any, tab: str) -> list[deliveries.Doubt]:
    """Deliveries in doubt wait for a person too: in the own tab for those who may settle them."""
    mine = tab == "anyone" or (tab == "mine" and access.anywhere(user, "resend"))
    return deliveries.doubts(user) if mine else []


def _rows_of(request: HttpRequest) -> list[Review]:
    return (
        list(queue.opened(request.user))
        if request.GET.get("tab") == "anyone"
        else queue.waiting(request.user)
    )


def _chosen(request: HttpRequest, rows: list[Review]) -> Review | None:
    wanted = request.GET.get("sel", "")
    return next((review for review in rows if str(review.pk) == wanted), rows[0] if rows else None)


def _preview(request: HttpRequest, chosen: Review | None) -> dict[str, Any]:
    """The chosen review's draft and verdict, as its own page shows them."""
    if chosen is None:
        return {"here": None}
    here = reading.page(chosen, request.user, request.GET)
    return {
        "here": here, "review": chosen, "task": chosen.task, "request_id": uuid.uuid4().hex,
        **reading.verdict(here, request.user),
    }  # fmt: skip


def _changed(review: Review) -> int | None:
    """Words changed since the draft that was last decided on."""
    if review.artifact is None or review.kind == Review.Kind.TOOL:
        return None
    last = Decision.objects.filter(review__task=review.task, undone_at__isnull=True).order_by("-id").first()
    base = last and Artifact.objects.filter(task=review.task, sha256=last.artifact_sha256).first()
    if not base or base.sha256 == review.artifact.sha256:
        return None
    return diff.changed_words(base.text, review.artifact.text)


def _settled(decision: Decision) -> dict[str, Any]:
    """A decided row: "Approved by Ben in Slack"."""
    word = reading.PAST.get(decision.verb, "answered").capitalize()
    where = f" in {decision.channel.capitalize()}" if decision.channel not in {"page", "cli"} else ""
    return {
        "decision": decision,
        "review": decision.review,
        "said": f"{word} by {names.who(decision.by).name}{where}",
    }


def _just_settled(request: HttpRequest) -> list[dict[str, Any]]:
    return [_settled(one) for one in queue.just_settled(request.user, SETTLED_FOR)]


def _in_work(request: HttpRequest) -> list[Task]:
    # An item of a fan-out is no stage: its stage's own row stands for all of them.
    live = Prefetch("subtasks", Subtask.objects.filter(live=1, item="").defer("given", "requests"))
    doing = access.seen(Task, request.user).filter(status=Task.Status.DOING)
    rows = doing.filter(reviews__open=None) | doing.filter(reviews__isnull=True)
    return list(
        rows.exclude(reviews__open=1)
        .distinct()
        .select_related("workflow_version")
        .prefetch_related(live)[:12]
    )
