"""The outbox: messages owed to people, written with the change they tell of and delivered afterwards.

    pending -> sending -> sent
                       -> pending    the carrier asked to wait, or was not reached
                       -> uncertain  it may have arrived: looked for before it is ever repeated
                       -> dead       it cannot arrive until a person mends something

A row is taken by compare-and-set with a fence and a deadline, so that any number of senders may run.
Nothing here sends inside a transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template import Context, Engine

from . import access, carriers, clock, log, notices
from .engine.workers import DatabaseNow
from .machine import Refused
from .models import Decision, Hold, Notice, Review, Task

BY = "orchestrator:deliver"
S = Notice.State

#: How long a sender may take; longer than any carrier's own limit, so that a row past it has no sender.
SENDING = timedelta(seconds=60)
#: A message that was accepted late must be visible before we look for it.
SETTLING = timedelta(seconds=20)
#: At most ten minutes apart, so about two thirds of a day of a carrier being away.
MOST_ATTEMPTS = 100
LONGEST_PAUSE = timedelta(minutes=10)
AT_ONCE = 100
#: Seconds that one sweep spends on sending before it lets the other sweeps have their turn.
BUDGET = 5.0

_engine = Engine(dirs=[str(settings.ROOT / "templates")])
_logger = logging.getLogger(__name__)


# -- Owing ------------------------------------------------------------------------------------------


def owe(
    kind: str,
    *,
    task: Task,
    to: Iterable[str],
    content: dict[str, Any],
    key: str,
    review: Review | None = None,
) -> None:
    """Owe one message to each recipient (`editors`, `user:ana`) by each carrier, in the caller's
    transaction. The same key owed again changes nothing.

    `content` adds to, and wins over, the facts that every message has (`tasks/notices.py`).
    """
    now = clock.now()
    content = notices.facts(kind, task, review) | content
    text = _text(kind, content)
    rows = [
        Notice(
            key=f"{key}:{carrier}:{recipient}"[:200],
            kind=kind,
            carrier=carrier,
            recipient=recipient,
            task=task,
            review=review,
            content=content,
            text=text,
            not_before=now,
            created_at=now,
        )
        for carrier in settings.CARRIERS
        for recipient in dict.fromkeys(to)
    ]
    # The unique key, not a look beforehand, decides: two callers at once still owe one message.
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def _text(kind: str, content: dict[str, Any]) -> str:
    """The notice as plain text: whoever shows it escapes it, once, for the format it goes into."""
    plain = Context(content, autoescape=False)  # it is the context that escapes, whatever the engine says
    return str(_engine.get_template(f"notices/{kind}.txt").render(plain)).strip()


def owe_house(kind: str, *, places: Iterable[tuple[str, str]], content: dict[str, Any], key: str) -> int:
    """Owe one message that is about no task, once per key, to these places: (carrier, recipient). Returns how
    many are new."""
    wanted = {f"{key}:{carrier}:{to}"[:200]: (carrier, to) for carrier, to in places}
    for known in Notice.objects.filter(key__in=list(wanted)).values_list("key", flat=True):
        del wanted[known]
    if not wanted:
        return 0
    now, text = clock.now(), _text(kind, content)
    rows = [
        Notice(
            key=name, kind=kind, carrier=carrier, recipient=to, content=content, text=text, not_before=now,
            created_at=now,
        )
        for name, (carrier, to) in wanted.items()
    ]  # fmt: skip
    with transaction.atomic():
        Notice.objects.bulk_create(rows, ignore_conflicts=True)
        log.record("notice.owed", by=BY, notices=len(rows), kind=kind)
    return len(rows)


def decided(review: Review, decision: Decision) -> None:
    """Owe everybody who was asked the news that it is decided, by whom, and through which door."""
    _news(review, notices.answer(decision), key=f"decided:{decision.pk}")


def counted(review: Review, decision: Decision) -> None:
    """Owe them the news that one of several approvals is given, and who is still needed."""
    _news(review, notices.answer(decision), key=f"counted:{decision.pk}")


def uncounted(review: Review, *, what: str, by: str) -> None:
    """Owe them the news that an approval counts no more: it was taken back, or the text was edited."""
    now = clock.now()
    said = {
        "what": what,
        "who": by.removeprefix("user:"),
        "where": "",
        "note": "",
        "decided_at": now.isoformat(),
    }
    _news(review, said, key=f"uncounted:{review.pk}:{now.isoformat()}")


def _news(review: Review, content: dict[str, Any], *, key: str) -> None:
    asked = Notice.objects.filter(review=review, kind__in=notices.ASKING).order_by("id")
    review = Review.objects.select_related("task__workflow", "artifact").get(pk=review.pk)
    owe(
        "decided",
        task=review.task,
        review=review,
        to=list(asked.values_list("recipient", flat=True)),
        content=content,
        key=key,
    )


# -- Delivering -------------------------------------------------------------------------------------


def send_due(now: datetime | None = None) -> int:
    """Deliver what is due, outside any transaction; returns how many arrived.

    1. A row whose sender is past its deadline is uncertain.
    2. Due rows in their order, without those under a hold; one at a time per recipient, and no
       faster than the carrier's pace.
    3. Take, look again at the holds, send, write down how it went.
    """
    now = now or clock.now()
    lapse(now)
    resting = _resting(now)
    arrived, started = 0, time.monotonic()
    for notice in list(_due(now)[:AT_ONCE]):
        place = (notice.carrier, notice.recipient)
        if place in resting:
            continue
        if time.monotonic() - started > BUDGET:
            break
        arrived += deliver(notice, now)
        if _pace(notice.carrier):
            resting.add(place)
    return arrived


def lapse(now: datetime) -> int:
    """Call uncertain what was being sent by a sender that never came back; returns how many."""
    # By the database's clock, like every lease: two hosts' clocks may differ.
    late = Notice.objects.filter(state=S.SENDING, sending_until__lt=DatabaseNow()).select_related("task")
    why = "Its sender stopped while sending."
    return sum(_settle(notice, S.UNCERTAIN, not_before=now, error=why) for notice in late)


def _due(now: datetime) -> QuerySet[Notice]:
    due = Notice.objects.filter(state__in=[S.PENDING, S.UNCERTAIN], not_before__lte=now)
    return due.exclude(_under(_holds())).select_related("task").order_by("id")


def _holds() -> list[tuple[str, str]]:
    scopes = [Hold.Scope.ALL, Hold.Scope.WORKFLOW, Hold.Scope.TASK]
    return list(Hold.objects.filter(open=1, scope__in=scopes).values_list("scope", "target"))


def _under(holds: list[tuple[str, str]]) -> Q:
    """The notices that these holds keep back."""
    if any(scope == Hold.Scope.ALL for scope, _ in holds):
        return Q(pk__isnull=False)
    tasks = [target for scope, target in holds if scope == Hold.Scope.TASK]
    flows = [target for scope, target in holds if scope == Hold.Scope.WORKFLOW]
    return Q(task__key__in=tasks) | Q(task__workflow__slug__in=flows)


def under_hold() -> Q:
    """What a task has owed and a hold on it, on its workflow or on everything keeps back."""
    return _under(_holds())


def _pace(carrier: str) -> float:
    return carriers.get(carrier).PACE if carrier in carriers.names() else 0.0


def _resting(now: datetime) -> set[tuple[str, str]]:
    """The recipients who get nothing now: one is being sent to them, one was a moment ago, or their
    carrier asked us to wait."""
    pace = timedelta(seconds=max(_pace(name) for name in carriers.names()))
    paced = [name for name in carriers.names() if _pace(name)]
    rows = Notice.objects.filter(carrier__in=paced).filter(
        Q(state=S.SENDING)
        | Q(state=S.PENDING, attempts__gt=0, not_before__gt=now)
        | Q(state=S.SENT, not_before__gt=now - pace)  # taking a row sets its not_before: see _take
    )
    return set(rows.values_list("carrier", "recipient").distinct().order_by())


def deliver(notice: Notice, now: datetime) -> bool:
    """Take one due notice and send it; True where it has arrived, False where it has not or another
    sender has it. A doubtful one is looked for first."""
    doubtful = notice.state == S.UNCERTAIN
    if not _take(notice, now):
        return False
    started = time.monotonic()
    try:
        carrier = carriers.get(notice.carrier)
        remote = carrier.find(notice) if doubtful else None
        doubtful = doubtful and remote is not None
        if remote is None:
            if _late(started) or Notice.objects.filter(_under(_holds()), pk=notice.pk).exists():
                _settle(notice, S.PENDING, attempts=notice.attempts)
                return False
            remote = carrier.send(notice)
    except carriers.Busy as busy:
        _wait(notice, busy, doubtful=doubtful)
    except carriers.Broken as broken:
        _bury(notice, broken, doubtful=doubtful)
    except carriers.Unclear as unclear:
        _doubt(notice, unclear)
    except Exception as error:
        _logger.exception("Delivering notice %s failed", notice.key)
        _doubt(notice, error)
    else:
        return _settle(notice, S.SENT, sent_at=clock.now(), remote=remote, error="")
    return False


def _take(notice: Notice, now: datetime) -> bool:
    rows = Notice.objects.filter(pk=notice.pk, state=notice.state, fence=notice.fence)
    taken = rows.update(
        state=S.SENDING,
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        not_before=now,
        sending_until=DatabaseNow() + SENDING,
    )
    notice.fence += 1
    return bool(taken)


def _late(started: float) -> bool:
    """A process that slept (a laptop lid, a long look-up) may have been given up: too late to send."""
    return time.monotonic() - started > SENDING.total_seconds() / 2


def _wait(notice: Notice, busy: carriers.Busy, *, doubtful: bool) -> None:
    after = timedelta(seconds=busy.after) if busy.after is not None else _pause(notice)
    if doubtful:
        _settle(notice, S.UNCERTAIN, not_before=clock.now() + after, error=str(busy))
    elif notice.attempts + 1 >= MOST_ATTEMPTS:
        _settle(notice, S.DEAD, error=f"Given up after {MOST_ATTEMPTS} attempts: {busy}")
    else:
        _settle(notice, S.PENDING, not_before=clock.now() + after, error=str(busy))


def _bury(notice: Notice, broken: carriers.Broken, *, doubtful: bool) -> None:
    if doubtful:  # what may have arrived is not dead, even where we are no longer able to look
        _doubt(notice, broken)
    else:
        _settle(notice, S.DEAD, error=str(broken))


def _doubt(notice: Notice, error: Exception) -> None:
    after = max(SETTLING, _pause(notice))
    _settle(notice, S.UNCERTAIN, not_before=clock.now() + after, error=str(error) or type(error).__name__)


def _pause(notice: Notice) -> timedelta:
    return min(timedelta(seconds=5 * 2 ** min(notice.attempts, 10)), LONGEST_PAUSE)


def _settle(notice: Notice, state: str, **values: Any) -> bool:
    """End one attempt, with its event; False where another sender holds the row by now."""
    if "error" in values:
        values["error"] = values["error"][:300]
    with transaction.atomic():
        rows = Notice.objects.filter(pk=notice.pk, state=S.SENDING, fence=notice.fence)
        if not rows.update(state=state, sending_until=None, **values):
            return False
        if state != S.PENDING:
            _tell(notice, state, values.get("error", ""))
    return True


def _tell(notice: Notice, state: str, error: str) -> None:
    """One event per state: a check that finds nothing new says nothing new."""
    if state == notice.state:
        return
    more = {"error": error} if state in (S.UNCERTAIN, S.DEAD) else {}
    log.record(
        f"notice.{state}",
        by=BY,
        task=notice.task,
        notice=notice.pk,
        kind=notice.kind,
        carrier=notice.carrier,
        recipient=notice.recipient,
        **more,
    )


# -- What a person may do ---------------------------------------------------------------------------


def check(notice: Notice, *, by: str) -> None:
    """Look for an uncertain message now instead of later. Refused for any other state."""
    access.require(by, "resend", notice)
    if not Notice.objects.filter(pk=notice.pk, state=S.UNCERTAIN).update(not_before=clock.now()):
        raise Refused(f"Cannot check {notice.key}: only an uncertain delivery is looked for.")


def resend(notice: Notice, *, by: str) -> None:
    """Send a dead message again, or an uncertain one at the risk of a second copy: -> pending."""
    access.require(by, "resend", notice)
    with transaction.atomic():
        rows = Notice.objects.filter(pk=notice.pk, state__in=[S.UNCERTAIN, S.DEAD])
        if not rows.update(
            state=S.PENDING, fence=F("fence") + 1, attempts=0, not_before=clock.now(), error=""
        ):
            raise Refused(f"Cannot resend {notice.key}: it is neither dead nor uncertain.")
        log.record(
            "notice.resent",
            by=by,
            task=notice.task,
            notice=notice.pk,
            kind=notice.kind,
            carrier=notice.carrier,
            recipient=notice.recipient,
        )
