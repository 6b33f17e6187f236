"""What must always be true, as queries over the rows: `./manage.py verify` runs them all.

Each function names the places where its sentence does not hold; none of them repairs anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from agents.models import Agent, AgentVersion

from . import access, artifacts
from .engine.workers import DatabaseNow
from .models import (
    Artifact,
    Decision,
    Event,
    Need,
    Notice,
    Review,
    Run,
    Subtask,
    Task,
    Workflow,
    WorkflowVersion,
)
from .people import policy
from .why import whys
from .workflow import HUMAN
from .workflow.graph import UNDO

S = Subtask.Status
SHOWN = 20
BATCH = 500
#: The sweeps run every second: what they have not taken up by then is stuck.
PATIENCE = timedelta(minutes=2)


def check() -> dict[str, list[str]]:
    """The sentences that do not hold, each with up to 20 of the places."""
    found = {sentence: list(islice(places(), SHOWN)) for sentence, places in ALL.items()}
    return {sentence: places for sentence, places in found.items() if places}


# -- Tasks and stages -------------------------------------------------------------------------------


def done_is_done() -> Iterator[str]:
    left = Subtask.objects.filter(task=OuterRef("pk"), live=1, status__in=Subtask.OPEN)
    yield from _keys(Task.objects.filter(Exists(left), status=Task.Status.DONE))


def completed_passed_every_stage() -> Iterator[str]:
    missed = Subtask.objects.filter(task=OuterRef("pk"), live=1).exclude(status__in=Subtask.PASSED)
    yield from _keys(Task.objects.filter(Exists(missed), outcome=Task.Ending.COMPLETED))


def backlog_was_never_claimed() -> Iterator[str]:
    yield from _keys(
        Task.objects.filter(Exists(Run.objects.filter(task=OuterRef("pk"))), status=Task.Status.BACKLOG)
    )


def accepted_once() -> Iterator[str]:
    twice = (
        Run.objects.filter(status=Run.Status.DONE).values("subtask", "task__key").annotate(runs=Count("id"))
    )
    for row in twice.filter(runs__gt=1).order_by():
        yield f"{row['task__key']}: {row['runs']} accepted runs of one stage"


def order_was_kept() -> Iterator[str]:
    before = Need.objects.filter(subtask=OuterRef("pk"), on__live=1, on__status__in=Subtask.OPEN)
    yield from _stages(Subtask.objects.filter(Exists(before), live=1, status__in=[S.READY, S.DOING, S.DONE]))


def waits_for_what_is_open() -> Iterator[str]:
    still = Count("needs", filter=Q(needs__on__status__in=Subtask.OPEN))
    rows = Subtask.objects.filter(live=1, status=S.BLOCKED).annotate(still=still)
    yield from _stages(rows.filter(awaits="").exclude(still=F("needs_left")))
    # An answer or a child task is one thing more to wait for.
    yield from _stages(rows.exclude(awaits="").exclude(needs_left=F("still") + 1))


def moves_on() -> Iterator[str]:
    """A blocked stage that needs nothing would wait for ever, unless its task is still in the backlog."""
    free = Subtask.objects.filter(live=1, status=S.BLOCKED, needs_left=0)
    yield from _stages(free.exclude(task__status=Task.Status.BACKLOG))


def items_are_joined() -> Iterator[str]:
    """A stage that was spread has a row per item, and is done only when all of them have passed."""
    spread = Subtask.objects.filter(live=1, spread__isnull=False).exclude(status=S.CANCELLED)
    mine = Subtask.objects.filter(task=OuterRef("task"), stage=OuterRef("stage"), live=1).exclude(item="")
    yield from _stages(spread.filter(Exists(mine.exclude(status__in=Subtask.PASSED)), status=S.DONE))
    for row in spread.filter(status__in=[S.BLOCKED, S.DONE]).select_related("task").order_by("pk"):
        laid = Subtask.objects.filter(task=row.task_id, stage=row.stage, live=1).exclude(item="").count()
        if laid != row.spread:
            yield f"{row.task.key} {row.stage}: {laid} of {row.spread} items are laid out"


def undone_newest_first() -> Iterator[str]:
    """What a task did is taken back in the opposite order; it ends as cancelled when all of it is."""
    left = Subtask.objects.filter(task=OuterRef("pk"), live=1, stage__endswith=UNDO)
    ended = Task.objects.filter(undoing_at__isnull=False, status=Task.Status.DONE)
    yield from _keys(ended.exclude(outcome=Task.Ending.CANCELLED))
    yield from _keys(ended.filter(Exists(left.filter(status__in=Subtask.OPEN))))


def children_are_waited_for() -> Iterator[str]:
    """A task that ended before the stage began to wait again is an earlier one: a retry injects another."""
    told = Event.objects.filter(task=OuterRef("task"), stage=OuterRef("stage"), kind="subtask.awaits")
    since = Coalesce(Subquery(told.order_by("-pk").values("pk")[:1]), 0)
    ended = Event.objects.filter(
        task__parent=OuterRef("pk"), task__status=Task.Status.DONE, kind__in=["task.done", "task.cancelled"]
    )
    rows = Subtask.objects.filter(live=1, status=S.BLOCKED, awaits=Subtask.Awaits.CHILD).annotate(since=since)
    yield from _stages(rows.filter(Exists(ended.filter(pk__gt=OuterRef("since")))))


def says_why() -> Iterator[str]:
    live = Task.objects.exclude(status=Task.Status.DONE).order_by("pk")
    last = 0
    while batch := list(live.filter(pk__gt=last)[:BATCH]):
        reasons = whys(batch)
        yield from (task.key for task in batch if not reasons[task.pk].sentence)
        last = batch[-1].pk


# -- Runs and workers -------------------------------------------------------------------------------


def one_holder() -> Iterator[str]:
    mine = Run.objects.filter(subtask=OuterRef("pk"), fence=OuterRef("fence"), status=Run.Status.DOING)
    yield from _stages(Subtask.objects.filter(~Exists(mine), status=S.DOING))
    lost = Run.objects.filter(status=Run.Status.DOING).exclude(
        subtask__status=S.DOING, fence=F("subtask__fence")
    )
    for run in lost.select_related("task", "subtask")[:SHOWN]:
        yield f"{run.task.key} {run.subtask.stage}: run {run.fence} goes on for a stage it does not hold"


def fences_grow() -> Iterator[str]:
    yield from _stages(Subtask.objects.annotate(newest=Max("runs__fence")).filter(newest__gt=F("fence")))


def attempts_are_claims() -> Iterator[str]:
    yield from _stages(Subtask.objects.annotate(claims=Count("runs")).filter(attempts__gt=F("claims")))


def dead_workers_hold_nothing() -> Iterator[str]:
    dead = Q(worker__ended_at__isnull=False) | Q(worker__lease_until__lt=DatabaseNow() - PATIENCE)
    yield from _stages(Subtask.objects.filter(dead, status=S.DOING))


def cancel_wins() -> Iterator[str]:
    late = Run.objects.filter(task__outcome=Task.Ending.CANCELLED, status=Run.Status.DONE)
    for run in late.filter(ended_at__gt=F("task__done_at")).select_related("task")[:SHOWN]:
        yield f"{run.task.key}: a run was accepted after the task was cancelled"


# -- What was made ----------------------------------------------------------------------------------


def versions_have_no_gap() -> Iterator[str]:
    kinds = Artifact.objects.values("task__key", "kind").annotate(last=Max("number"), count=Count("id"))
    for row in kinds.exclude(last=F("count")).order_by():
        yield f"{row['task__key']} {row['kind']}: {row['count']} versions, the last is number {row['last']}"


def texts_are_what_was_made() -> Iterator[str]:
    """The text and the data of every artifact have the hash that it was made with."""
    for artifact in Artifact.objects.select_related("task").order_by("id").iterator(BATCH):
        if artifacts.digest(artifact.text, artifact.data) != artifact.sha256:
            where = f"{artifact.task.key} {artifact} (artifact {artifact.pk})"
            yield f"{where}: its text or data is not what was made"


def definitions_are_what_was_stored() -> Iterator[str]:
    """What an agent or a workflow is, in every version, has the hash that it was stored with."""
    for what, versions in (("workflow", WorkflowVersion), ("agent", AgentVersion)):
        for one in versions.objects.select_related(what).order_by("pk"):
            if _hash(one.definition) != one.sha256:
                yield f"{what} {one}: its definition is not what was stored"


def agents_are_what_the_log_says() -> Iterator[str]:
    """Versions of agents are as their lines say, and the one that was activated last is active. Lines from
    before they carried hashes prove only that there was a version."""
    told: dict[tuple[str, int], Event] = {}
    active: dict[str, int] = {}
    kinds = ("agent.version", "agent.offered", "agent.activated")
    for event in Event.objects.filter(kind__in=kinds).order_by("pk"):
        slug, number = event.data["agent"], event.data["number"]
        if event.kind != "agent.activated":
            told[slug, number] = event
        if event.kind != "agent.offered":
            active[slug] = number
    for one in AgentVersion.objects.select_related("agent").order_by("pk"):
        line = told.get((one.agent.slug, one.number))
        if line is None:
            yield f"agent {one}: is there, and the log does not tell of it"
        elif line.data.get("sha256", one.sha256) != one.sha256 or line.by != one.created_by:
            yield f"agent {one}: its definition, hash or author is not what the log says"
        elif line.data.get("note", "")[:200] != one.note:
            yield f"agent {one}: its note is not what the log says"
    there = set(AgentVersion.objects.values_list("agent__slug", "number"))
    for slug, number in sorted(told.keys() - there):
        yield f"agent {slug} v{number}: is gone, and the log tells of it"
    for agent in Agent.objects.select_related("active").order_by("slug"):
        number = agent.active.number if agent.active else None
        if number != active.get(agent.slug):
            yield f"agent {agent}: active is version {number}, the log says {active.get(agent.slug)}"


def workflows_are_their_active_version() -> Iterator[str]:
    """A workflow is called as its active version says, and counts its tasks."""
    numbers = Coalesce(Max("tasks__number"), 0)
    for flow in Workflow.objects.select_related("active").annotate(highest=numbers).order_by("slug"):
        if flow.last_number < flow.highest:
            yield f"workflow {flow}: last_number is {flow.last_number}, its newest task has {flow.highest}"
    strange = Subtask.objects.exclude(workflow=F("task__workflow"))
    yield from _stages(strange)


def _hash(definition: Any) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


def files_are_what_was_made() -> Iterator[str]:
    """The newest artifact of each path is what lies there. What a newer draft made stale may be gone."""
    newest: dict[str, Artifact] = {}
    written = Artifact.objects.exclude(path="").select_related("task").order_by("id")
    for artifact in written.iterator(BATCH):
        other = newest.get(artifact.path)
        if other and other.task_id != artifact.task_id:
            yield f"{artifact.path}: written by {other.task.key} and by {artifact.task.key}"
        newest[artifact.path] = artifact
    for path, artifact in newest.items():
        if artifact.stale_since is None and (fault := _fault(Path(settings.DATA), path, artifact.text)):
            yield f"{artifact.task.key} {path}: {fault}"


def _fault(root: Path, path: str, text: str) -> str:
    file = (root / path).resolve()
    if not file.is_relative_to(root.resolve()):
        return "lies outside the data folder"
    if not file.is_file():
        return "is not there"
    return "" if file.read_bytes() == text.encode() else "was changed since it was written"


# -- People -----------------------------------------------------------------------------------------


def people_decide() -> Iterator[str]:
    """Or the end of a ladder, where the workflow's own file says so."""
    for decision in Decision.objects.exclude(by__startswith="user:").select_related("review__task")[:SHOWN]:
        said = any(rung.get("end") == decision.verb for rung in decision.review.ladder)
        if not (said and decision.by.startswith("policy:")):
            yield f"{decision.review.task.key}: {decision.by} decided"


def approval_is_of_that_text() -> Iterator[str]:
    text = Artifact.objects.filter(task=OuterRef("review__task"), sha256=OuterRef("artifact_sha256"))
    given = Decision.objects.filter(~Exists(text), verb="approve").exclude(artifact_sha256="")
    for decision in given.select_related("review__task")[:SHOWN]:
        yield f"{decision.review.task.key}: approved a text that is not there"


def gates_were_opened_by_people() -> Iterator[str]:
    given = Decision.objects.filter(review__subtask=OuterRef("pk"), verb="approve", released_at__isnull=False)
    yield from _stages(Subtask.objects.filter(~Exists(given), agent=HUMAN, status=S.DONE))


def four_eyes_saw_it() -> Iterator[str]:
    """An approval that took effect met the rule of its review."""
    given = Decision.objects.filter(verb="approve", released_at__isnull=False, by__startswith="user:")
    for decision in given.filter(
        review__subtask__status=S.DONE, review__deciders__four_eyes=True
    ).select_related("review__task", "review__artifact", "review__subtask"):
        approvers, authors = policy.approvers(decision.review), policy.authors(decision.review)
        if approvers and approvers <= authors:
            yield f"{decision.review.task.key}: only its authors approved {decision.review.subtask.stage}"


def calls_were_allowed() -> Iterator[str]:
    """Only a person's approval of exactly that call lets an agent make it."""
    given = Decision.objects.filter(
        review=OuterRef("pk"), verb="approve", released_at__isnull=False, undone_at__isnull=True,
        artifact_sha256=OuterRef("artifact__sha256"), by__startswith="user:",
    )  # fmt: skip
    granted = Review.objects.exclude(granted_until=None).select_related("task")
    for review in granted.exclude(Exists(given), kind=Review.Kind.TOOL, open=None)[:SHOWN]:
        yield f"{review.task.key}: review {review.pk} allows a call that nobody approved"


def somebody_can_decide() -> Iterator[str]:
    """People leave: a review that nobody could answer any more would wait for ever."""
    if not access.people("viewers"):
        return  # a house without anybody: `doctor` says so
    for review in Review.objects.filter(open=1).select_related("task", "artifact"):
        found = policy.impossible(
            review.deciders,
            lambda group, flow=review.task.workflow_id: access.people(group, flow),  # type: ignore[misc]
            policy.authors(review) if review.deciders.get("four_eyes") else (),
        )
        if found:
            yield f"{review.task.key}: review {review.pk} {found}"


def waiting_has_a_review() -> Iterator[str]:
    asked = Review.objects.filter(subtask=OuterRef("pk"), open=1)
    decided = Decision.objects.filter(review__subtask=OuterRef("pk"), released_at=None, undone_at=None)
    yield from _stages(Subtask.objects.filter(~Exists(asked), ~Exists(decided), live=1, status=S.WAITING))


# -- Deliveries and the log -------------------------------------------------------------------------


def questions_were_sent() -> Iterator[str]:
    owed = Notice.objects.filter(review=OuterRef("pk"))
    asked = Review.objects.filter(~Exists(owed), open=1).select_related("task__workflow_version", "subtask")
    for review in asked:
        stage = review.task.workflow_version.stage(review.subtask.stage)
        if review.kind != Review.Kind.GATE or stage["notify"]:
            yield f"{review.task.key}: nobody was told of review {review.pk}"


def deliveries_end() -> Iterator[str]:
    stuck = Notice.objects.filter(state=Notice.State.SENDING, sending_until__lt=DatabaseNow() - PATIENCE)
    odd = Notice.objects.filter(state=Notice.State.SENT, sent_at=None)
    yield from (f"notice {notice.key}: {notice.state}" for notice in (stuck | odd)[:SHOWN])


def began_once() -> Iterator[str]:
    told = Count("events", filter=Q(events__kind="task.injected"))
    yield from _keys(Task.objects.annotate(told=told).exclude(told=1))


def ended_in_the_log() -> Iterator[str]:
    told = Event.objects.filter(task=OuterRef("pk"), kind__in=["task.done", "task.cancelled"])
    yield from _keys(Task.objects.filter(~Exists(told), status=Task.Status.DONE))


def _keys(tasks: QuerySet[Task]) -> Iterator[str]:
    yield from tasks.order_by("pk").values_list("key", flat=True)[:SHOWN]


def _stages(rows: QuerySet[Subtask]) -> Iterator[str]:
    for row in rows.select_related("task").order_by("pk")[:SHOWN]:
        yield f"{row.task.key} {row.stage} (round {row.round}): {row.status}"


#: sentence -> where it does not hold
ALL: dict[str, Callable[[], Iterator[str]]] = {
    "A done task has nothing open.": done_is_done,
    "A completed task has passed every stage.": completed_passed_every_stage,
    "A task in the backlog was never claimed.": backlog_was_never_claimed,
    "A stage has at most one accepted run per round.": accepted_once,
    "A stage begins only when all it needs has passed.": order_was_kept,
    "A blocked stage counts exactly the open stages it needs.": waits_for_what_is_open,
    "A stage that needs nothing more is not blocked.": moves_on,
    "A stage that was spread has all its items, and is done after them.": items_are_joined,
    "A task that was undone is cancelled, with nothing left to take back.": undone_newest_first,
    "Nothing waits for a task that is done.": children_are_waited_for,
    "Every task that is not done says why.": says_why,
    "What runs is held by exactly one run, and each running run holds its stage.": one_holder,
    "No run has a fence above its stage's.": fences_grow,
    "There are no more attempts than claims.": attempts_are_claims,
    "Dead workers hold nothing.": dead_workers_hold_nothing,
    "Nothing is accepted after a cancel.": cancel_wins,
    "Versions are numbered without a gap.": versions_have_no_gap,
    "Texts are what was made.": texts_are_what_was_made,
    "Definitions are what was stored.": definitions_are_what_was_stored,
    "Agents are what the log says.": agents_are_what_the_log_says,
    "Workflows count their tasks.": workflows_are_their_active_version,
    "Files are where and what the newest artifact says, and belong to one task.": files_are_what_was_made,
    "Only people decide.": people_decide,
    "An approval names a text of its task.": approval_is_of_that_text,
    "A gate was opened by a person's approval.": gates_were_opened_by_people,
    "Where four eyes are asked for, somebody approved who wrote nothing of it.": four_eyes_saw_it,
    "A call that an agent may make was approved by a person.": calls_were_allowed,
    "Every open review can be answered by somebody.": somebody_can_decide,
    "What waits for a person has a review or a decision.": waiting_has_a_review,
    "Whoever may answer a review was told.": questions_were_sent,
    "A delivery ends, and a sent one says when.": deliveries_end,
    "A task was injected once.": began_once,
    "A done task says so in the log.": ended_in_the_log,
}
