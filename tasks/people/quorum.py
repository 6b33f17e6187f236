"""How far the deciders of a review are: who approved, and who is still needed. One sentence, made here.

    Ana approved; one more editor is needed.

Card, page, queue, API, command line and notices show exactly this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache

from tasks import access
from tasks.models import Decision, Review

from . import policy

#: an approval: who gave it, and the hash of the text that it is about
Approval = tuple[str, str]


def sentence(review: Review) -> str:
    """How far one review is. Empty where it is closed, and where the first answer settles it."""
    return sentences([review]).get(review.pk, "")


def sentences(reviews: Iterable[Review]) -> dict[int, str]:
    """How far these are, by key. Those that the first answer settles are left out, and cost no query."""
    asked = [one for one in reviews if one.open and policy.several(one.deciders)]
    if not asked:
        return {}
    given: dict[int, list[Approval]] = defaultdict(list)
    rows = Decision.objects.filter(review__in=[one.pk for one in asked], verb="approve", undone_at=None)
    for review, by, sha256 in rows.order_by("id").values_list("review", "by", "artifact_sha256"):
        given[review].append((by, sha256))
    return said(asked, given)


def approved(review: Review) -> str:
    """Who approved the text that stands now, as names; empty where nobody did or one answer settles it."""
    given = policy.approvers(review) if review.open and policy.several(review.deciders) else set()
    return _names(sorted(given), access.called(given))


def said(reviews: Iterable[Review], given: dict[int, list[Approval]]) -> dict[int, str]:
    """The same from approvals that were looked up before, by the review's key."""
    people = cache(access.people)
    asked = [one for one in reviews if policy.several(one.deciders)]
    words = {by for approvals in given.values() for by, _ in approvals}
    for one in asked:
        if one.deciders.get("count") == "all":
            words |= people(policy.groups(one.deciders)[0], one.task.workflow_id)
    called = access.called(words)
    return {one.pk: _sentence(one, given.get(one.pk, []), people, called) for one in asked}


def _sentence(
    review: Review,
    given: Sequence[Approval],
    everybody: Callable[[str, int], set[str]],
    called: dict[str, str],
) -> str:
    def people(group: str) -> set[str]:
        return everybody(group, review.task.workflow_id)

    rule = review.deciders
    approved = list(dict.fromkeys(by for by, sha256 in given if sha256 == review.artifact_sha256))
    before = list(dict.fromkeys(by for by, sha256 in given if sha256 != review.artifact_sha256))
    counted = policy.counted(rule, approved, people)
    wrote = policy.authors(review) if rule.get("four_eyes") else set()
    needed = policy.still_needed(rule, approved, wrote, people, called) or "nobody else is needed"
    if counted:
        text = f"{_names([by for by in approved if by in counted], called)} approved; {needed}."
    elif before:
        text = f"{_names(before, called)} approved an earlier draft; for this one {needed}."
    else:
        text = f"{needed}."
    gone = [by for by in approved if by not in counted]
    if gone:
        who = _names(gone, called)
        text += f" The approval of {who} no longer counts: {who} may not decide this any more."
    if impossible := policy.impossible(rule, people, wrote):
        text += f" It {impossible}"
    return text[:1].upper() + text[1:]


def _names(names: Collection[str], called: dict[str, str]) -> str:
    words = [called.get(name) or name.partition(":")[2] for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
