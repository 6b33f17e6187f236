"""What an edit means for what was built on the old text: keep it, run it again, or have it judged again.

    keep     what the stage made stands as it is
    rerun    the stage runs again, on the new text
    review   whoever judged the old text judges the new one

Nothing that was made is thrown away: a stage that goes again gets a new row in a new round. A decision that
stands is never stretched over a text that it was not about: what follows a kept decision stays as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks import arrivals, log, machine, rounds
from tasks.machine import Refused
from tasks.models import Artifact, Decision, Subtask, Task
from tasks.workflow import HUMAN, downstream, upstream

from . import policy

KEEP, RERUN, REVIEW = "keep", "rerun", "review"
#: As many changed words as hardly change what a text says: a typo, a name, a number put right.
FEW = 5

S = Subtask.Status


@dataclass(frozen=True)
class Choice:
    """One stage that was built on the old text, and what may become of it."""

    stage: str
    agent: str
    made: tuple[str, ...]  # "review 1", "page_html 2"
    options: tuple[str, ...]  # of keep, rerun, review
    default: str  # what a careful person would pick
    why: str  # the reason for it, in a sentence


# -- Which, and why -----------------------------------------------------------------------------------


def choices(task: Task, old: Artifact, text: str) -> list[Choice]:
    """Every later stage that has worked, or works, on `old`, in the order of the file, with what a careful
    person would do about it where the text becomes `text`."""
    stages = task.workflow_version.stages
    rows = {row.stage: row for row in task.subtasks.filter(live=1, item="", status__in=[S.DONE, S.DOING])}
    made = _made(task, old)
    count = words_changed(old.text, text)
    found: list[Choice] = []
    for stage in stages:
        name = stage["name"]
        if name not in rows or name == old.stage or name not in downstream(old.stage, stages):
            continue
        before = [one for one in found if one.stage in upstream(name, stages)]
        options, default, why = _careful(stage, rows[name], count, before)
        found.append(Choice(name, stage["agent"], made.get(name, ()), options, default, why))
    return found


def _careful(
    stage: dict[str, Any], row: Subtask, count: int, before: Sequence[Choice]
) -> tuple[tuple[str, ...], str, str]:
    options = (KEEP, REVIEW) if _judges(stage) else (KEEP, RERUN)
    again = options[1]
    if stage["agent"] == HUMAN:
        decided = Decision.objects.filter(review__subtask=row, undone_at=None).order_by("-id").first()
        who = decided.by.removeprefix("user:") if decided else "A person"
        return options, KEEP, f"{who} decided here, and a person’s decision stands until a person changes it."
    if any(one.agent == HUMAN and one.default == KEEP for one in before):
        return options, KEEP, "It follows a decision that stands: what was decided on stays out."
    if row.status == S.DOING:
        return options, again, "It is at work on the old text."
    if any(one.default == RERUN and not _mechanical(one.stage, one.agent, row.task) for one in before):
        return options, again, "What it worked on is made again."
    if stage["output"] or deterministic(stage["agent"]):
        return options, again, "It needs no judgement: it does the same with your text."
    words = f"{count} word{'s' if count != 1 else ''} changed"
    if count > FEW:
        return options, again, f"{words}: too many to leave it as it is."
    return options, KEEP, f"Only {words}: what it said still holds."


def _judges(stage: dict[str, Any]) -> bool:
    """Whether a stage says something about a text instead of making one."""
    return stage["agent"] == HUMAN or bool(stage["judges"] or stage["send_back"])


def _mechanical(name: str, agent: str, task: Task) -> bool:
    return bool(task.workflow_version.stage(name)["output"]) or deterministic(agent)


def _agent(task: Task, name: str) -> str:
    return str(task.workflow_version.stage(name)["agent"])


def deterministic(agent: str) -> bool:
    """Whether an agent's role gives the same work for the same brief, without a model."""
    from agents import registry
    from agents.models import Agent

    found = Agent.objects.select_related("active").filter(slug=agent).first()
    return bool(found and found.active and registry.role(found.active.definition["role"]).deterministic)


def words_changed(old: str, new: str) -> int:
    """How many words differ, whatever their order; words that only moved count as one more than FEW."""
    before, after = Counter(old.split()), Counter(new.split())
    count = max((before - after).total(), (after - before).total())
    return count or (FEW + 1 if old.split() != new.split() else 0)


def _made(task: Task, old: Artifact) -> dict[str, tuple[str, ...]]:
    """Stage -> what it made of the old text."""
    rows = Artifact.objects.filter(pk__in=built_on(task, old)).order_by("id")
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.stage, {})[row.kind] = f"{row.kind} {row.number}"
    return {stage: tuple(kinds.values()) for stage, kinds in found.items()}


def built_on(task: Task, old: Artifact, *, but: Artifact | None = None) -> list[int]:
    """The keys of everything that was made from this version, directly or not."""
    # Followed in Python: SQLite has no JSON containment, and a task has a few dozen artifacts at most.
    rows = Artifact.objects.filter(task=task).order_by("id").values_list("pk", "sha256", "built_on")
    reached, found = {old.sha256}, []
    for pk, sha256, base in rows:
        if reached & set(base) and (but is None or pk != but.pk):
            reached.add(sha256)
            found.append(pk)
    return found


def mark_stale(task: Task, old: Artifact, *, but: Artifact, now: datetime) -> None:
    """Everything that was made from the old version is stale from now."""
    rows = Artifact.objects.filter(pk__in=built_on(task, old, but=but), stale_since__isnull=True)
    rows.update(stale_since=now)


# -- Doing it -----------------------------------------------------------------------------------------


def render_again(task: Task, old: Artifact, gate: Subtask, *, now: datetime) -> None:
    """Run again what stands between the edited text and its gate and needs no judgement: deterministic
    stages, and whatever writes files, so that no page of an older text can be released. The release
    waits for them; no second notice is owed."""
    stages = task.workflow_version.stages
    between = set(downstream(old.stage, stages)) & upstream(gate.stage, stages)
    mechanical = {name for name in between if _mechanical(name, _agent(task, name), task)}
    _again(task, mechanical, now)


def go_on(
    task: Task, old: Artifact, found: Sequence[Choice], then: Mapping[str, str], *, now: datetime
) -> dict[str, str]:
    """Do what was chosen for each of these stages; where nothing was, what a careful person would. Returns
    what was chosen, by stage.

    Refused for a stage that was not built on the text, for a choice that it does not have, and where a
    stage would hand on a text that nobody has approved.
    """
    known = {one.stage: one for one in found}
    for name, word in then.items():
        if name not in known:
            listed = ", ".join(known) or "nothing"
            raise Refused(
                f"Cannot choose {word!r} for {name!r} of {task.key}: what was built on the old text is "
                f"{listed}."
            )
        if word not in known[name].options:
            raise Refused(
                f"Cannot choose {word!r} for {name} of {task.key}: choose {' or '.join(known[name].options)}."
            )
    chosen = {one.stage: then.get(one.stage, one.default) for one in found}
    again = _with_later(task, known, chosen)
    _stands_by_its_decision(task, known, chosen, again)
    kept = [name for name, word in chosen.items() if name not in again and name in then and word == KEEP]
    Artifact.objects.filter(pk__in=built_on(task, old), stage__in=kept).update(stale_since=None)
    if again:
        if task.status == Task.Status.DONE:
            machine.move_task(Task.objects.filter(pk=task.pk), "reopen")
        _again(task, again, now)
    return chosen


def _with_later(task: Task, known: Mapping[str, Choice], chosen: Mapping[str, str]) -> set[str]:
    """What goes again: what was chosen so, and what could not stand without it. A new text takes all that
    comes after it along, and so does a new decision."""
    stages = task.workflow_version.stages
    again = {name for name, word in chosen.items() if word != KEEP}
    for name in [*again]:
        if known[name].agent == HUMAN or not (
            _judges(task.workflow_version.stage(name)) or _mechanical(name, known[name].agent, task)
        ):
            again |= set(downstream(name, stages)) & known.keys()
    return again


def _stands_by_its_decision(
    task: Task, known: Mapping[str, Choice], chosen: Mapping[str, str], again: set[str]
) -> None:
    for gate in (one.stage for one in known.values() if one.agent == HUMAN and one.stage not in again):
        late = [name for name in downstream(gate, task.workflow_version.stages) if name in again]
        if late:
            raise Refused(
                f"Cannot run {late[0]} of {task.key} again while {gate} is kept: nobody has approved the "
                f"text that it would hand on. Choose review for {gate}, or keep {late[0]}."
            )


def _again(task: Task, names: set[str], now: datetime) -> None:
    if names:
        first = next(stage["name"] for stage in task.workflow_version.stages if stage["name"] in names)
        ready = rounds.again(task, first, now=now, requests=[], only=names)
        log.write(arrivals.arrive(ready, now=now))


def would_strand(task: Task, old: Artifact, by: str) -> bool:
    """Whether this person is the last who could still approve the text: with four eyes, whoever writes it
    leaves nobody, and it would wait for ever."""
    from tasks import access

    later = downstream(old.stage, task.workflow_version.stages)
    for stage in task.workflow_version.stages:
        rule = stage["deciders"]
        if stage["agent"] != HUMAN or not rule.get("four_eyes") or stage["name"] not in later:
            continue
        wrote = policy.authors_of(task.pk, old.kind) | {by}
        if policy.impossible(rule, lambda group: access.people(group, task.workflow_id), wrote):
            return True
    return False
