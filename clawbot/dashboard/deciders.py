"""Who decides a review, how far they are, what happens when nobody does, and who has it in front of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from clawbot.people import names
from tasks import clock
from tasks.models import Presence, Review
from tasks.people import away, policy, quorum

#: a reader's page says every 20 seconds that it is open; after two of them were missed, nobody reads
READS_FOR = timedelta(seconds=50)
ENDS = {
    "approve": "it is approved as it is",
    "send_back": "it goes back to the agent",
    "skip": "its stage is left out",
    "cancel": "the task ends",
}


@dataclass(frozen=True)
class Standing:
    """A review between those who may answer it."""

    rule: str  # "2 editors, at least one who wrote nothing of it"
    several: bool  # whether one answer may not be enough
    approved: list[str] = field(default_factory=list)  # user:ana
    needs: str = ""  # who approved and who is still needed, a sentence; empty where the first answer settles
    wanted: int = 1  # how many answers it takes
    wrote: list[str] = field(default_factory=list)  # who has written a version of the text
    holder: str = ""  # who has taken it
    until: datetime | None = None
    readers: tuple[str, ...] = ()
    next_at: datetime | None = None  # the next rung of the ladder
    next_words: str = ""
    next_ends: bool = False  # whether that step does more than remind somebody


def standing(review: Review, readers: Iterable[str] = ()) -> Standing:
    """How a review stands. A plain one, which the first answer settles, costs no query."""
    rule = review.deciders or {}
    several = policy.several(rule)
    taken = bool(review.open and review.owner and review.taken_until and review.taken_until > clock.now())
    at, words = _next_rung(review)
    given: set[str] = set()
    if several:
        given = policy.counted(rule, policy.approvers(review), policy.staff(review))
    return Standing(
        rule=policy.words(rule), several=several, approved=sorted(given),
        needs=quorum.sentence(review),
        wanted=_wanted(rule), wrote=sorted(policy.authors(review)) if rule.get("four_eyes") else [],
        holder=review.owner if taken else "", until=review.taken_until if taken else None,
        readers=tuple(readers), next_at=at, next_words=words, next_ends=bool(words) and not _reminds(review),
    )  # fmt: skip


def _wanted(rule: dict[str, Any]) -> int:
    if rule.get("each"):
        return len(rule["each"])
    return int(rule["count"]) if str(rule.get("count", 1)).isdecimal() else 0


def _next_rung(review: Review) -> tuple[datetime | None, str]:
    """When the ladder does its next step, and what that is in words."""
    if not review.open or review.due_at is None or review.rung >= len(review.ladder):
        return None, ""
    at = review.due_at + sum(
        (timedelta(seconds=rung["after"]) for rung in review.ladder[: review.rung + 1]), timedelta()
    )
    return at, _rung_words(review.ladder[review.rung], review)


def _reminds(review: Review) -> bool:
    rung = review.ladder[review.rung]
    return not any(rung.get(word) for word in ("end", "reassign", "escalate"))


def _rung_words(rung: dict[str, Any], review: Review) -> str:
    if rung.get("end"):
        return ENDS.get(str(rung["end"]), f"it ends with {rung['end']}")
    if rung.get("reassign"):
        return f"it goes to {_called(str(rung['reassign']), review)}"
    if rung.get("escalate"):
        return f"{_called(str(rung['escalate']), review)} hear of it"
    return f"{_called(str(rung.get('remind') or 'owner'), review)} {_is(rung, review)} reminded"


def _called(who: str, review: Review) -> str:
    if who == "owner":
        who = away.stand_in(review.owner) if review.owner else str(policy.groups(review.deciders or {})[0])
    return names.who(who).name if who.startswith("user:") else f"the {who}"


def _is(rung: dict[str, Any], review: Review) -> str:
    named = str(rung.get("remind") or "owner")
    return "is" if named.startswith("user:") or (named == "owner" and review.owner) else "are"


# -- Presence -----------------------------------------------------------------------------------------


def reading(reviews: Iterable[int], but: str = "") -> dict[int, tuple[str, ...]]:
    """Who has which of these reviews open now, without `but` ("user:ana")."""
    since = clock.now() - READS_FOR
    rows = Presence.objects.filter(review__in=list(reviews), seen_at__gte=since, user__is_active=True)
    found: dict[int, tuple[str, ...]] = {}
    for review, name in rows.order_by("user__username").values_list("review", "user__username"):
        if f"user:{name}" != but:
            found[review] = (*found.get(review, ()), f"user:{name}")
    return found


def here(review: Review, user: Any) -> None:
    """This person has the review open. A hint for others: no event tells of it."""
    Presence.objects.update_or_create(review=review, user=user, defaults={"seen_at": clock.now()})


def words(readers: Iterable[str]) -> str:
    """ "Ben is reading", "Ben and Cleo are reading"."""
    called = [names.who(one).name for one in readers]
    if not called:
        return ""
    listed = " and ".join(filter(None, [", ".join(called[:-1]), called[-1]]))
    return f"{listed} {'is' if len(called) == 1 else 'are'} reading"
