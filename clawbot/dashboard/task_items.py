"""The items of one stage that fans out: those that wait for a person first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from clawbot.numbers import whole
from tasks import access, items
from tasks.models import Review, Run, Subtask, Task

from .cards import stage_title
from .task import find

SIZE = 50
S = Subtask.Status
#: what a person may ask for: the address's word, what the link says, the condition of its mark
KINDS = (
    ("waiting", "Waiting", "waiting"), ("skipped", "Skipped", "queued"), ("doing", "Running", "running"),
    ("ready", "Queued", "queued"), ("done", "Done", "done"),
)  # fmt: skip
CONDITIONS = {
    S.WAITING: ("waiting", "Waits for a person"), S.DOING: ("running", "Running"), S.DONE: ("done", "Done"),
    S.SKIPPED: ("queued", "Skipped"), S.CANCELLED: ("queued", "Cancelled"), S.READY: ("queued", "Queued"),
    S.BLOCKED: ("queued", "Later"),
}  # fmt: skip
LONGEST = 300  # characters of an item's value


@dataclass(frozen=True)
class Item:
    """One item as the list shows it."""

    row: Subtask
    run: Run | None  # the last one
    review: Review | None
    child: Task | None

    @property
    def number(self) -> str:
        return items.number(self.row.item)

    @property
    def value(self) -> str:
        """What the item is, as people read it."""
        return words(self.row.given)

    @property
    def condition(self) -> str:
        return CONDITIONS[S(self.row.status)][0]

    @property
    def word(self) -> str:
        if self.row.awaits:
            return f"Waits for {self.child.key}" if self.child else "Waits for an answer"
        if self.row.status == S.READY and self.row.attempts:
            return "Tries again"
        return CONDITIONS[S(self.row.status)][1]

    @property
    def text(self) -> str:
        """What came of it, or why it is not done."""
        if self.row.status != S.DONE and self.row.reason:
            return self.row.reason
        return self.run.summary or self.run.error if self.run else ""


def words(given: Any) -> str:
    """An item's value in one line: a text, a list of them, a mapping, a share of another stage's items."""
    if isinstance(given, dict) and set(given) == {"of", "first", "last"}:
        first, last = items.number(given["first"]), items.number(given["last"])
        return f"{stage_title(given['of'])}, items {first} to {last}"
    if isinstance(given, dict):
        said = ", ".join(f"{name} {words(value)}" for name, value in given.items())
    elif isinstance(given, list):
        said = ", ".join(map(words, given[:4])) + (f" and {len(given) - 4} more" if len(given) > 4 else "")
    else:
        said = "" if given is None else str(given)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


@require_GET
def show(request: HttpRequest, key: str, stage: str) -> HttpResponse:
    """The page; `?is=waiting` keeps some of them, `?from=50` goes on."""
    task = find(request, key)
    counted = items.counts([task.pk]).get((task.pk, stage))
    if counted is None:
        raise Http404(f"{task.key} has no stage {stage!r} that fans out.")
    kind = request.GET.get("is", "")
    kind = kind if kind in {one[0] for one in KINDS} else ""
    start = _number(request.GET.get("from", ""))
    rows = list(items.ranked(task, stage, status=kind)[start : start + SIZE + 1])
    whole = task.subtasks.filter(live=1, stage=stage, item="").first()
    return render(request, "pages/task_items.html", {
        "task": task, "stage": stage, "title": stage_title(stage), "items": counted, "whole": whole,
        "portion": round(100 * counted.passed / counted.of, 1) if counted.of else 0,
        "rows": _rows(rows[:SIZE]), "kind": kind, "kinds": _kinds(counted, kind),
        "start": start, "first": start + 1, "last": start + len(rows[:SIZE]),
        "older": start + SIZE if len(rows) > SIZE else None, "newer": max(start - SIZE, 0),
        "may_operate": access.can(request.user, "retry", task),
    })  # fmt: skip


def _number(text: str) -> int:
    return whole(text, 10**6) or 0


def _kinds(counted: items.Items, kind: str) -> list[dict[str, Any]]:
    counts = {
        "waiting": counted.waiting,
        "skipped": counted.skipped,
        "doing": counted.doing,
        "done": counted.done,
    }
    return [
        {"name": name, "label": label, "count": counts.get(name), "condition": condition}
        for name, label, condition in KINDS
        if counts.get(name) or name == kind
    ]


def _rows(rows: list[Subtask]) -> list[Item]:
    """The page's items with their last run, their open review and the task they injected."""
    ids = [row.pk for row in rows]
    runs = {
        run.subtask_id: run
        for run in Run.objects.filter(subtask__in=ids).defer("brief", "notes").order_by("id")
    }
    reviews = {one.subtask_id: one for one in Review.objects.filter(subtask__in=ids, open=1)}
    children = {one.parent_id: one for one in Task.objects.filter(parent__in=ids).order_by("id")}
    return [Item(row, runs.get(row.pk), reviews.get(row.pk), children.get(row.pk)) for row in rows]
