"""One task: where it is and why, how it got there, what it made."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.db.models import Sum
from django.db.models.fields.json import KeyTransform
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from clawbot import diff, draft
from clawbot.numbers import whole
from tasks import access, artifacts, costs, items
from tasks.models import Artifact, Comment, Decision, Finding, Run, Subtask, Task
from tasks.people import policy
from tasks.people.policy import UNAPPROVED
from tasks.workflow.graph import UNDO
from tasks.workflow.shape import ENGINE

from . import beside, messages, past, reading, timeline
from .cards import Card, cards, stage_title
from .pace import pace
from .paging import page
from .sentences import CONDITIONS, sentence
from .steps import stepper

TABS = ("overview", "timeline", "drafts", "handoffs", "messages", "log", "files")
TOLD = {"title", "sources", "files"}  # of the input, what the receipt says elsewhere
LATEST = 5  # log lines under the chart
MOST_FILES = 200
OPEN_FINDINGS = (Finding.State.OPEN, Finding.State.DISPUTED)


@require_GET
def task(request: HttpRequest, key: str) -> HttpResponse:
    """The page. `?tab=` chooses what is under the stepper; every tab is a link."""
    one = find(request, key)
    if "at" in request.GET:
        return past.show(request, one, request.GET["at"])
    card = cards([one], request.user)[0]
    tab = request.GET.get("tab", "timeline")
    if tab not in TABS:
        raise Http404(f"There is no tab {tab!r}; there are {', '.join(TABS)}.")
    context = _header(request, card, tab) | TAB[tab](request, one) | {"tab": tab}
    return render(request, "pages/task.html", context)


@require_GET
def text(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """One text of the task, whole, as a file: what pages show only the beginning of."""
    one = get_object_or_404(Artifact, task=find(request, key), pk=pk)
    answer = HttpResponse(one.text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{one.task.key}-{one.kind}-{one.number}.txt"'
    return answer


def find(request: HttpRequest, key: str) -> Task:
    """The task with all that its head shows. Raises Http404 where this person sees none of that key."""
    there = access.seen(Task, request.user)
    return get_object_or_404(there.select_related("workflow", "workflow_version", "parent__task"), key=key)


def _header(request: HttpRequest, card: Card, tab: str) -> dict[str, Any]:
    one = card.task
    # A stage that fans out is its own row; its items are only counted.
    rows = list(one.subtasks.filter(live=1, item="").defer("requests").order_by("position", "pk"))
    stages = [row for row in rows if not row.stage.endswith(UNDO)]
    undo = [row for row in rows if row.stage.endswith(UNDO)]
    fans_out = one.undoing_at or any(row.spread is not None for row in stages)
    counted = {stage: found for (_, stage), found in items.counts([one.pk]).items()} if fans_out else {}
    injected = beside.children(one, request.user) if any(row.agent == ENGINE for row in stages) else []
    returns = one.events.filter(kind="subtask.returned")
    waited_for = {child.parent_id: child for child in reversed(injected) if child.parent_id}
    return {
        "card": card,
        "task": one,
        "stepper": stepper(card, stages, returns, pace(one.workflow_id), counted, waited_for),
        "answers": beside.answers(one, stages),
        "children": injected,
        "back": beside.taking_back(one, undo, counted),
        "place": _place(one),
        **_verbs(request, card, stages),
        "tabs": _tabs(one),
        "side": _side(one, card),
    }


def _tabs(one: Task) -> list[dict[str, Any]]:
    made = one.artifacts
    counts = {
        "drafts": made.filter(kind="draft").count(),
        "handoffs": one.runs.exclude(brief=None).count(),
        "messages": one.messages.count(),
        "log": one.events.count(),
        "files": made.exclude(path="").count(),
    }
    titles = {"handoffs": "Hand-offs"}
    return [
        {"name": name, "title": titles.get(name, name.capitalize()), "count": counts.get(name)}
        for name in TABS
        if name != "messages" or counts["messages"]  # most tasks have no outside
    ]


def _place(one: Task) -> dict[str, Any]:
    """Where it stands among the tasks in work, and its neighbours there."""
    doing = Task.objects.filter(workflow=one.workflow_id, status=Task.Status.DOING).order_by(
        "-priority", "id"
    )
    keys = list(doing.values_list("key", flat=True))
    if one.key not in keys:
        return {}
    at = keys.index(one.key)
    return {
        "number": at + 1,
        "count": len(keys),
        "before": keys[at - 1] if at else "",
        "after": keys[at + 1] if at + 1 < len(keys) else "",
    }


def _verbs(request: HttpRequest, card: Card, stages: list[Subtask]) -> dict[str, Any]:
    """Verbs that make sense now and that this person may use; and why the others are absent."""
    one, row = card.task, card.row
    is_open = one.status != Task.Status.DONE
    own_hold = card.why.hold if card.why.hold and card.why.hold.scope == "task" else None
    may_retry = bool(
        row and row.agent != "human" and row.status in {Subtask.Status.READY, Subtask.Status.WAITING}
    )
    sensible = {
        "start": one.status == Task.Status.BACKLOG and not (row and row.status == Subtask.Status.READY),
        "pause": is_open and own_hold is None,
        "resume": own_hold is not None,
        "retry": is_open and may_retry and one.status == Task.Status.DOING,
        "move": True,
        "rerun": any(_has_begun(each) for each in stages),
        "skip": bool(is_open and row and row.status == Subtask.Status.WAITING),
        "cancel": is_open,
    }
    asked = {"move": "override", "rerun": "rerun_from"}
    reasons = {
        verb: access.reason(request.user, asked.get(verb, verb), one) for verb, now in sensible.items() if now
    }
    refused = {verb: why for verb, why in reasons.items() if why}
    return {"verbs": [verb for verb in reasons if verb not in refused], "refused": refused}


def _has_begun(row: Subtask) -> bool:
    return row.status not in {Subtask.Status.BLOCKED, Subtask.Status.READY} or bool(row.attempts)


def _side(one: Task, card: Card) -> dict[str, Any]:
    """So far and about: facts, six at most in each."""
    sums = one.runs.aggregate(tokens_in=Sum("tokens_in"), tokens_out=Sum("tokens_out"))
    latest = artifacts.latest(one, "draft")
    findings = list(one.findings.values_list("state", flat=True))
    research = artifacts.latest(one, "research")
    outputs = [stage["output"] for stage in one.workflow_version.stages if stage["output"]]
    written = one.artifacts.exclude(path="").order_by("id").last()
    return {
        "tokens": (sums["tokens_in"] or 0) + (sums["tokens_out"] or 0),
        "draft": latest,
        "length": draft.length(latest.text) if latest else "",
        "findings": len(findings),
        "findings_open": sum(state in OPEN_FINDINGS for state in findings),
        "sources": len(research.data.get("sources", [])) if research else 0,
        "publishes": written.path if written else (outputs[-1] if outputs else ""),
        "is_written": written is not None,
    }


# -- Tabs ---------------------------------------------------------------------------------------------


def _overview(request: HttpRequest, one: Task) -> dict[str, Any]:
    """The receipt: what came out, what was checked, who decided what, what it cost."""
    research = artifacts.latest(one, "research")
    stages = one.runs.order_by("subtask__position").values("subtask__stage").annotate(
        tokens=Sum("tokens_in") + Sum("tokens_out")
    )  # fmt: skip
    spent = costs.spent_by(one.runs.all(), "subtask__stage")
    return {
        "summary": artifacts.latest(one, "summary"),
        **reading.checks(one, artifacts.latest(one, "draft")),
        "findings": one.findings.select_related("artifact"),
        "sources": research.data.get("sources", []) if research else [],
        "decisions": Decision.objects.filter(review__task=one).select_related(
            "review__subtask", "review__artifact"
        ),
        "skipped": policy.unapproved(one, ""),
        "costs": [
            {"stage": stage_title(row["subtask__stage"]), "cost": spent[row["subtask__stage"]], **row}
            for row in stages
        ],
        "files": one.artifacts.exclude(path="").order_by("path", "-number")[:MOST_FILES],
        "brief": [
            (name.replace("_", " ").capitalize(), value)
            for name, value in one.input.items()
            if value and name not in TOLD
        ],
    }


def _timeline(request: HttpRequest, one: Task) -> dict[str, Any]:
    """The waterfall and the latest lines of the log."""
    latest = _said(one.events.order_by("-id")[:LATEST])
    return {"chart": timeline.waterfall(one), "latest": latest, "lines_in_all": one.events.count()}


def _drafts(request: HttpRequest, one: Task) -> dict[str, Any]:
    """Every draft, and any two compared: `?from=1&to=2`."""
    drafts = {made.number: made for made in one.artifacts.filter(kind="draft").order_by("number")}
    numbers = sorted(drafts)
    new = drafts.get(_number(request, "to"), drafts[numbers[-1]] if numbers else None)
    before = [number for number in numbers if new and number < new.number]
    old = drafts.get(_number(request, "from"), drafts[before[-1]] if before else None)
    before_text, text = (
        draft.body(old.text) if old and old != new else "",
        draft.body(new.text) if new else "",
    )
    return {
        "drafts": [drafts[number] for number in reversed(numbers)],
        "old": old,
        "new": new,
        "reading": draft.reading(draft.read(text), draft.read(before_text) if before_text else None),
        "changed": diff.changed_words(before_text, text) if before_text else None,
        "answered": Comment.objects.filter(task=one, answered_in=new).order_by("number") if new else (),
    }


def _number(request: HttpRequest, name: str) -> int:
    return whole(request.GET.get(name, "")) or 0


def _handoffs(request: HttpRequest, one: Task) -> dict[str, Any]:
    """What each run was given, as a person reads it and as it travelled."""
    runs = one.runs.exclude(brief=None).select_related("subtask")
    shown = page(runs, request.GET.get("before", ""))
    return {"page": shown, "handoffs": [_handoff(run) for run in reversed(shown.rows)]}


def _handoff(run: Run) -> dict[str, Any]:
    brief = run.brief or {}
    data = brief.get("data", {})
    return {
        "run": run,
        "from": brief.get("from", ""),
        "to": brief.get("to", run.agent),
        "stage": stage_title(run.subtask.stage),
        "item": items.number(run.subtask.item),
        "given": data.get("artifacts", []),
        "requests": data.get("requests", []),
        "files": data.get("files", []),
        "raw": json.dumps(brief, indent=2, ensure_ascii=False),
    }


def _messages(request: HttpRequest, one: Task) -> dict[str, Any]:
    """What crossed the border for this task."""
    return {"crossed": messages.of_task(one)}


def _log(request: HttpRequest, one: Task) -> dict[str, Any]:
    """Everything that happened, newest first."""
    shown = page(one.events.all(), request.GET.get("before", ""))
    return {"page": shown, "lines": _said(shown.rows)}


def _said(events: Any) -> list[dict[str, Any]]:
    return [
        {"event": event, "sentence": sentence(event), "condition": CONDITIONS.get(event.kind, "")}
        for event in events
    ]


def _files(request: HttpRequest, one: Task) -> dict[str, Any]:
    """What was written to disk, and the source files that agents may read."""
    # Only the names: a fan-out may have written thousands, and their texts are not shown.
    rows = one.artifacts.exclude(path="").defer("text", "data").order_by("path", "-number")
    made: list[Any] = list(rows.annotate(unapproved=KeyTransform(UNAPPROVED, "data"))[:MOST_FILES])
    newest = {each.path: each for each in reversed(made)}
    return {"written": list(newest.values()), "given": sorted(one.input.get("files", []) or [])}


TAB: dict[str, Callable[[HttpRequest, Task], dict[str, Any]]] = {
    "overview": _overview,
    "timeline": _timeline,
    "drafts": _drafts,
    "handoffs": _handoffs,
    "messages": _messages,
    "log": _log,
    "files": _files,
}
