"""Which reviews wait for whom, in which order: due first, then oldest; what a person skipped comes last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest

from tasks import access, clock, supervision
from tasks.models import Decision, Finding, Review
from tasks.people import asked, policy
from tasks.supervision import UNSETTLED


def opened(user: Any) -> QuerySet[Review]:
    """Every open review that this person may see, ranked."""
    rows = (
        access.seen(Review, user)
        .filter(open=1)
        .select_related("task__workflow", "task__workflow_version", "subtask", "artifact")
    )
    unsettled = Count("task__findings", filter=Q(task__findings__state__in=UNSETTLED))
    return rows.annotate(unsettled=unsettled).order_by(F("due_at").asc(nulls_last=True), "opened_at", "id")


def waiting(user: Any) -> list[Review]:
    """The reviews that this person may decide, that still want their answer, and that nobody else has."""
    found = [one for one in _unanswered(opened(user), user) if decides(user, one) and wants(one, user)]
    asked.tell(found)
    return found


def count(user: Any) -> int:
    """How many `waiting` has, for every page: only rules that name several groups are read row by row."""
    rows = _unanswered(access.seen(Review, user).filter(open=1), user)
    each = rows.filter(deciders__each__0__isnull=False).select_related("task", "artifact")
    plain = rows.filter(asks(user), deciders__each__0__isnull=True)
    return plain.count() + sum(decides(user, one) and wants(one, user) for one in each)


def line(request: HttpRequest) -> list[Review]:
    """What waits for this person, in the order in which the pages lead them through it: those that they
    skipped in this session come last."""
    skipped = request.session.get(SKIPPED, [])
    return sorted(waiting(request.user), key=lambda one: _rank(one, skipped))


def following(request: HttpRequest, review: Review, rows: list[Review]) -> Review | None:
    """The review that comes after this one in these rows, whether or not it still waits itself; after the
    last the first."""
    skipped = request.session.get(SKIPPED, [])
    others = [one for one in rows if one.pk != review.pk]
    here = _rank(review, skipped)
    return next((one for one in others if _rank(one, skipped) > here), others[0] if others else None)


def put_last(request: HttpRequest, review: Review) -> None:
    """Not now: for the rest of this session this review comes after all others."""
    skipped = [pk for pk in request.session.get(SKIPPED, []) if pk != review.pk]
    request.session[SKIPPED] = [*skipped, review.pk][-MOST_SKIPPED:]


def _rank(review: Review, skipped: list[int]) -> tuple[Any, ...]:
    """Its place: not skipped before skipped, due first, then oldest."""
    late = skipped.index(review.pk) + 1 if review.pk in skipped else 0
    return late, review.due_at is None, review.due_at or review.opened_at, review.opened_at, review.pk


def _unanswered(rows: QuerySet[Review], user: Any) -> QuerySet[Review]:
    """Those of these that nobody else has in hand, and that wait for somebody beside this person: their
    approval of the text is not among those counted."""
    me = f"user:{user.username}"
    free = Q(owner="") | Q(owner=me) | Q(taken_until__lt=clock.now())
    mine = Decision.objects.filter(by=me, verb="approve", undone_at__isnull=True)
    return rows.filter(
        free, ~Exists(mine.filter(review=OuterRef("pk"), artifact_sha256=OuterRef("artifact_sha256")))
    )


def wants(review: Review, user: Any) -> bool:
    """Whether this person's answer would still count. One that the first answer settles costs no query."""
    return not policy.several(review.deciders) or policy.wants(review, f"user:{user.username}")


def together(reviews: Iterable[Review]) -> dict[int, list[Review]]:
    """Review -> those that wait for the same kind of reason in the same stage of the same task, itself among
    them, in their order. Only items of a stage that fans out have company."""
    found: dict[tuple[Any, ...], list[Review]] = {}
    mates: dict[int, list[Review]] = {}
    for one in reviews:
        item = one.subtask.item
        key = (one.task_id, one.subtask.stage, one.kind) if item else (one.pk,)
        mates[one.pk] = found.setdefault(key, [])
        mates[one.pk].append(one)
    return mates


def decides(user: Any, review: Review) -> bool:
    """Whether this person belongs to those the review asks. (Four eyes may still stop one verb.)"""
    workflow = review.task.workflow_id
    return any(access.in_group(user, group, workflow) for group in policy.groups(review.deciders or {}))


def asks(user: Any) -> Q:
    """The same as a condition, for counting: the reviews whose groups this person belongs to."""
    mine = _asks(access.level(user))
    for workflow in access.workflows(user, "approve") or ():
        mine |= Q(task__workflow=workflow) & _asks(access.level_in(user, workflow))
    return mine


def _asks(level: int) -> Q:
    asked = Q(deciders__group__in=access.GROUPS[: level + 1])
    return asked | Q(deciders__group__isnull=True) if level >= access.GROUPS.index("operators") else asked


def unsettled(review: Review) -> int:
    """How many of the task's findings are open or disputed."""
    return Finding.objects.filter(task=review.task_id, state__in=UNSETTLED).count()


#: where a session keeps what its person skipped, and how many
SKIPPED, MOST_SKIPPED = "skipped_reviews", 200


@dataclass(frozen=True)
class Place:
    """Where a review stands in the queue: 2 of 3, and its neighbours."""

    number: int
    count: int
    before: Review | None
    after: Review | None


def place(waiting: list[Review], review: Review) -> Place:
    """The place of `review` among those that wait; number 0 where it does not wait."""
    ids = [one.pk for one in waiting]
    at = ids.index(review.pk) if review.pk in ids else -1
    return Place(
        number=at + 1,
        count=len(ids),
        before=waiting[at - 1] if at > 0 else None,
        after=waiting[at + 1] if at + 1 < len(ids) else None,
    )


@dataclass(frozen=True)
class Undoable:
    """A decision that can still be taken back, and for how long."""

    decision: Decision
    seconds: int
    seen: bool  # whether the window is counted already; else it begins when the page reports its Undo


def undoable(request: HttpRequest) -> Undoable | None:
    """This person's latest decision whose undo window is open. It comes from the rows, so every page
    shows the same toast, and a reload does not lose it."""
    user, now = request.user, clock.now()
    # One of several approvals is counted at once, and can be taken back while the others are asked.
    pending = Q(released_at__isnull=True) | Q(verb="approve", review__open=1)
    rows = Decision.objects.filter(
        pending, by=f"user:{user.username}", undone_at__isnull=True, release_at__gt=now
    )
    latest = rows.select_related("review__task", "review__artifact").order_by("-id").first()
    if latest is None:
        return None
    if reports(request):
        left, ordinary = (latest.release_at - now).total_seconds(), settings.UNDO_SECONDS
        return Undoable(latest, max(1, round(min(left, ordinary))), seen=left <= ordinary)
    # Without scripts no page reports: the window begins with the page that is being made.
    return Undoable(latest, max(1, supervision.seen(latest, by=f"user:{user.username}")), seen=True)


def reports(request: HttpRequest) -> bool:
    """Whether this person's browser runs our scripts: the first page that it opened left this cookie."""
    return "scripts" in request.COOKIES


def decided(user: Any, since: datetime) -> list[Decision]:
    """What this person decided since then, newest first."""
    rows = Decision.objects.filter(by=f"user:{user.username}", decided_at__gte=since, undone_at__isnull=True)
    return list(rows.select_related("review__task__workflow", "review__artifact").order_by("-id")[:100])


def just_settled(user: Any, within: timedelta) -> list[Decision]:
    """What others decided a moment ago: rows that grey out where they stood."""
    rows = Decision.objects.filter(
        decided_at__gte=clock.now() - within, undone_at__isnull=True, review__open=None
    )
    rows = rows.exclude(by=f"user:{user.username}").select_related(
        "review__task__workflow", "review__artifact"
    )
    return [one for one in rows.order_by("-id")[:20] if decides(user, one.review)][:5]
