"""What a review asks, as it is now: a sentence beside a text is about that text and no other.

`Review.why` keeps what was said when the review was opened, for the history. Every page, message and answer
shows what `said` says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tasks import artifacts
from tasks.models import Artifact, Finding, Review, Run


def sentences(about: Sequence[tuple[int, Artifact | None]]) -> list[str]:
    """For each task and the text that is asked about: which draft, how it got here, whether it was checked,
    and what is still open."""
    tasks = {task for task, _ in about}
    returns = Counter(
        Run.objects.filter(task__in=tasks, status=Run.Status.RETURNED).values_list("task", flat=True)
    )
    left: dict[int, list[Finding]] = defaultdict(list)
    open_ones = Finding.objects.filter(task__in=tasks, state=Finding.State.OPEN).select_related("artifact")
    for finding in open_ones:
        left[finding.task_id].append(finding)
    checked = artifacts.reports(tasks)
    return [
        _sentence(artifact, returns[task], left[task], checked[task][1] if task in checked else None)
        for task, artifact in about
    ]


def _sentence(artifact: Artifact | None, returns: int, left: list[Finding], checked: Artifact | None) -> str:
    what = f"{artifact.kind.capitalize()} {artifact.number}" if artifact else "The work"
    if artifact and artifact.made_by.startswith("user:"):
        what += f", edited by {artifact.made_by.removeprefix('user:')},"
    came = {0: "is ready", 1: "is ready after one return"}.get(returns, f"is ready after {returns} returns")
    is_unchecked = bool(checked and artifact and artifact.kind == checked.kind and artifact != checked)
    of = f" of draft {checked.number}" if checked and is_unchecked else ""
    many = len(left)
    findings = {0: f"no finding{of} is open", 1: f"one finding{of} is open"}.get(
        many, f"{many} findings{of} are open"
    )
    return f"{what} {came}; {'it has not been checked, and ' if is_unchecked else ''}{findings}."


def tell(found: Iterable[Review]) -> dict[int, str]:
    """What each of these reviews asks, as it is now, by its key; `said` of them asks nothing more. A gate's
    sentence is made from the text it is about. A question is the asker's own: it stays, and says so where a
    newer text came since."""
    rows = list(found)
    gates = [one for one in rows if one.kind == Review.Kind.GATE and one.open]
    fresh = dict(
        zip(
            (one.pk for one in gates),
            sentences([(one.task_id, one.artifact) for one in gates]) if gates else (),
            strict=True,
        )
    )
    for one in rows:
        one._said = fresh.get(one.pk) or _question(one)  # type: ignore[attr-defined]
    return {one.pk: said(one) for one in rows}


def said(review: Review) -> str:
    """What this review asks, as it is now."""
    known = getattr(review, "_said", None)
    return str(known) if known is not None else tell([review])[review.pk]


def _question(review: Review) -> str:
    artifact = review.artifact
    if review.open and review.kind != Review.Kind.TOOL and artifact and artifact.made_at > review.opened_at:
        return f"Asked before {artifact.kind} {artifact.number} came: {review.why}"
    return review.why
