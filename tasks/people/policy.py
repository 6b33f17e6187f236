"""When enough people have answered a review, and whether that can ever happen.

    count: 2          two different people of the group (1: the first answer)
    count: all        everybody of the group who is not away
    each: [a, b]      one person of each of these groups, all different
    four_eyes: true   at least one of them has written nothing of what they approve

Any one of the deciders may return the work; approving is what takes several.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from tasks import access
from tasks.models import Artifact, Decision, Event, Review, Subtask, Task
from tasks.workflow.graph import upstream
from tasks.workflow.shape import HUMAN

from . import away

Rule = Mapping[str, Any]
#: the word in a written work's data for the gates before it that somebody skipped
UNAPPROVED = "unapproved"
WROTE_NOTHING = " who wrote nothing of this text"
#: group -> the names of the active people who belong to it, "user:ana"
Staff = Callable[[str], set[str]]


def groups(rule: Rule) -> list[str]:
    """The groups whose people decide."""
    return list(rule.get("each") or []) or [str(rule.get("group") or "operators")]


def several(rule: Rule | None) -> bool:
    """Whether one answer may not be enough. Where it always is, nothing needs to be looked up."""
    rule = rule or {}
    return bool(rule.get("each") or rule.get("four_eyes") or rule.get("count", 1) != 1)


def whom(rule: Rule | None) -> str:
    """Whom a review asks, as people say it: "editors", "editors and operators"."""
    return _and(groups(rule or {}))


def approvers(review: Review) -> set[str]:
    """Who has approved exactly this text and did not take it back."""
    same = Decision.objects.filter(
        review=review, verb="approve", artifact_sha256=review.artifact_sha256, undone_at__isnull=True
    )
    return set(same.values_list("by", flat=True))


def counted(rule: Rule, given: Collection[str], people: Staff) -> set[str]:
    """Those of these approvers who still belong to the groups that decide: whoever left them, or the house,
    no longer speaks for them."""
    return set(given) & set().union(*(people(group) for group in groups(rule)))


def authors(review: Review) -> set[str]:
    """The people who wrote any version of the text since somebody last approved it."""
    if review.artifact is None:
        return set()
    return authors_of(review.task_id, review.artifact.kind, before=review.pk)


def authors_of(task: int, kind: str, *, before: int | None = None) -> set[str]:
    """The people who wrote any version of this kind in a task since somebody last approved one, in another
    review than `before`."""
    versions = Artifact.objects.filter(task=task, kind=kind)
    approved = Decision.objects.filter(
        review__task=task, verb="approve", released_at__isnull=False, undone_at__isnull=True
    ).exclude(review=before)
    accepted = versions.filter(sha256__in=approved.values("artifact_sha256")).order_by("-number").first()
    since = versions.filter(number__gt=accepted.number) if accepted else versions
    return set(since.filter(made_by__startswith="user:").values_list("made_by", flat=True))


def skipped_gates(task: Task, stage: str = "") -> list[Subtask]:
    """The current rows of the gates that somebody skipped, so that nobody approved there; with `stage` only
    those before it."""
    rows = task.subtasks.filter(live=1, agent=HUMAN, status=Subtask.Status.SKIPPED, passed_over=False)
    if stage:
        rows = rows.filter(stage__in=upstream(stage, task.workflow_version.stages))
    return list(rows.order_by("position"))


def unapproved(task: Task, stage: str) -> list[dict[str, str]]:
    """What a work of this stage says of each gate before it that was skipped: which, by whom, and why. Empty
    where people approved, or nobody was to be asked."""
    return [
        {"gate": row.stage, "by": _skipper(task, row.stage), "why": row.reason}
        for row in skipped_gates(task, stage)
    ]


def _skipper(task: Task, gate: str) -> str:
    # An override names no gate as its own stage: what was open then is in its data.
    told = Event.objects.filter(task=task, kind__in=["subtask.skipped", "task.overridden"]).order_by("-id")
    return next((one.by for one in told[:50] if gate in {one.stage, *one.data.get(UNAPPROVED, ())}), "")


def missing(review: Review, given: Collection[str]) -> str:
    """Who is still needed where these people have approved: "one more editor is needed". Empty where it is
    enough."""
    wrote = authors(review) if (review.deciders or {}).get("four_eyes") else set()
    return still_needed(review.deciders, given, wrote, staff(review))


def wants(review: Review, by: str) -> bool:
    """Whether an approval by `by` would still count: not one who has answered, and of a rule that names
    groups nobody whose groups have answered all."""
    people = staff(review)
    given = counted(review.deciders, approvers(review), people)
    if by in given:
        return False
    wanted = groups(review.deciders)
    if not (review.deciders or {}).get("each"):
        return True
    if left := len(_unanswered(wanted, given, people)):
        return len(_unanswered(wanted, given | {by}, people)) < left
    return by not in authors(review)  # four eyes: only somebody who wrote nothing of it helps


def unwanted(review: Review, by: str) -> str:
    """Why an approval by `by`, which would not count, is not taken."""
    given = approvers(review)
    needed = missing(review, given) or "nobody else is needed"
    needed = f"{needed[:1].upper()}{needed[1:]}."
    if by in given:
        return f"You approved it already. {needed}"
    return f"Your approval would not count any more. {needed}"


def _unanswered(wanted: Sequence[str], given: set[str], people: Staff) -> list[str]:
    return _unmatched(wanted, {group: given & people(group) for group in wanted})


def staff(review: Review) -> Staff:
    """Who belongs to a group where this review is asked."""
    return lambda group: access.people(group, review.task.workflow_id)


def still_needed(
    rule: Rule,
    approved: Collection[str],
    wrote: Collection[str],
    people: Staff,
    called: Mapping[str, str] | None = None,
) -> str:
    """Who is still needed, a clause: "one more editor is needed"; empty where it is enough. `called` says
    what people are called, by "user:ana"."""
    wanted, given = groups(rule), counted(rule, approved, people)
    more = "more " if given else ""
    if rule.get("each"):
        # The group with the fewest people first: whoever is left to approve is easier to find.
        wanted = sorted(wanted, key=lambda group: len(people(group)))
        left = _unanswered(wanted, given, people)
        if left:
            return f"{_and([f'one {_one(group)}' for group in left])} {_are(len(left))} needed"
    elif rule.get("count") == "all":
        absent = sorted(_present(wanted[0], people) - given)
        if absent:
            names = [(called or {}).get(name) or name.removeprefix("user:") for name in absent]
            return f"{_and(names)} {_are(len(names))} still needed"
    elif (short := int(rule.get("count", 1)) - len(given)) > 0:
        who = _one(wanted[0]) if short == 1 else wanted[0]
        last = short == 1 and rule.get("four_eyes") and not given - set(wrote)
        return f"{_number(short)} {more}{who}{WROTE_NOTHING if last and wrote else ''} {_are(short)} needed"
    if rule.get("four_eyes") and not given - set(wrote):
        return f"one {more}person{WROTE_NOTHING} is needed"
    return ""


def _one(group: str) -> str:
    return group.removesuffix("s")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _number(count: int) -> str:
    return {1: "one", 2: "two", 3: "three", 4: "four"}.get(count, str(count))


def impossible(rule: Rule, people: Staff, wrote: Collection[str] = ()) -> str:
    """Why nobody could ever meet this rule, with what would help; empty where it can be met.

    `wrote` are those who have written the text already, where there is one.
    """
    wanted = groups(rule)
    everybody = set().union(*(people(group) for group in wanted))
    if rule.get("each") and (left := _unmatched(wanted, {group: people(group) for group in wanted})):
        return (
            f"asks for one person of each of {_and(wanted)}, all different, and there is nobody left for "
            f"{_or(left)}. Add somebody to {left[0]}, or ask fewer groups."
        )
    count = rule.get("count", 1)
    needed = 1 if count == "all" or rule.get("each") else int(count)
    if needed > len(everybody) or not everybody:
        return (
            f"asks for {_people_words(needed, different=True)} of {wanted[0]}, and there "
            f"{'is' if len(everybody) == 1 else 'are'} {len(everybody) or 'none'}. "
            f"Add somebody to {wanted[0]}, or ask for fewer."
        )
    spare = len(everybody - set(wrote)) if wrote else len(everybody) - 1
    if rule.get("four_eyes") and spare < 1:
        return (
            f"asks for 2 different people of {_or(wanted)}, one to write and one to approve, and there "
            f"{'is' if len(everybody) == 1 else 'are'} {len(everybody)}. "
            f"Add somebody to {wanted[0]}, or write `four_eyes: false`."
        )
    return ""


def _present(group: str, people: Staff) -> set[str]:
    """Whom `all` means: those who are not away. Where everybody is away, everybody is meant."""
    names = people(group)
    return {name for name in names if not away.is_away(name)} or names


def _unmatched(wanted: Sequence[str], people: Mapping[str, set[str]]) -> list[str]:
    """The groups that get nobody where each person stands for one group: a bipartite matching."""
    holds: dict[str, str] = {}

    def place(group: str, seen: set[str]) -> bool:
        for person in sorted(people[group]):
            if person not in seen:
                seen.add(person)
                if person not in holds or place(holds[person], seen):
                    holds[person] = group
                    return True
        return False

    return [group for group in wanted if not place(group, set())]


def words(rule: Rule) -> str:
    """The rule as people read it."""
    wanted = groups(rule)
    if rule.get("each"):
        text = f"one of each: {_and(wanted)}"
    elif rule.get("count") == "all":
        text = f"all {wanted[0]}"
    elif int(rule.get("count", 1)) == 1:
        text = f"any {wanted[0].removesuffix('s')}"
    else:
        text = f"{rule['count']} {wanted[0]}"
    return f"{text}, at least one who wrote nothing of it" if rule.get("four_eyes") else text


def _people_words(count: int, *, different: bool = False) -> str:
    return f"{count} {'different ' if different else ''}people" if count != 1 else "one person"


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
