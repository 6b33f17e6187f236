"""How people's part goes: where agents' work waits for them, and how they decide. The team, or oneself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from clawbot import answers
from clawbot.answers import Panel
from tasks.people import insights
from tasks.people.insights import Report, Waiting

#: what stands over the ages of what waits
AGES = ("under 1 h", "to 4 h", "to 1 day", "to 3 days", "older")
HEIGHT = 72  # of the bars, in pixels
# Of a slot; the rest is the gap.
WIDE = 0.7


@dataclass(frozen=True)
class Bar:
    """One week of a chart: places in percent of its width, heights in pixels."""

    x: float
    middle: float
    width: float
    y: float
    height: float
    label: str  # under it; empty where there would be no room
    last: bool


@dataclass(frozen=True)
class Stack:
    """One workflow's waiting reviews, by age: (place, width, which age) in percent of the longest row."""

    waits: Waiting
    parts: list[tuple[float, float, int]]


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The page: the team's figures, or with `?whose=me` one's own."""
    me = f"user:{request.user.username}"
    mine = request.GET.get("whose") == "me"
    report = insights.report(me, me if mine else "")
    waits, oldest = insights.waiting(me)
    return render(request, "pages/insights.html", {
        "report": report, "mine": mine, "about": answers.about(report), "height": HEIGHT,
        "panels": [(panel, list(bars(panel))) for panel in answers.panels(report)],
        "questions": answers.QUESTIONS, "flows": flows(report),
        "waits": stacks(waits), "ages": AGES, "oldest": oldest,
        "waiting": answers.waiting_sentence(waits, oldest),
    })  # fmt: skip


def bars(panel: Panel) -> Iterator[Bar]:
    """The weeks of a panel as bars; every third is labelled, so that a phone has room."""
    slot = 100 / len(panel.weeks)
    for place, week in enumerate(panel.weeks):
        share = week.value / panel.top if week.value and panel.top else 0
        height = max(2.0, HEIGHT * share) if week.value else 0
        last = place == len(panel.weeks) - 1
        label = week.title if (len(panel.weeks) - 1 - place) % 3 == 0 else ""
        yield Bar(
            x=round(place * slot + slot * (1 - WIDE) / 2, 2), middle=round((place + 0.5) * slot, 2),
            width=round(slot * WIDE, 2), y=round(HEIGHT - height, 1), height=round(height, 1),
            label=label, last=last,
        )  # fmt: skip


def flows(report: Report) -> list[tuple[str, str, list[str]]]:
    """Slug, title and one cell per question of every workflow."""
    return [
        (part.name, part.title, [answers.cell(one, part.figures) for one in answers.QUESTIONS])
        for part in report.workflows
    ]


def stacks(waits: list[Waiting]) -> list[Stack]:
    """Rows of the chart of what waits, each against the longest one."""
    most = max((one.count for one in waits), default=1)
    found = []
    for one in waits:
        parts, left = [], 0.0
        for age, number in enumerate(one.ages):
            width = 100 * number / most
            if number:
                parts.append((round(left, 2), round(width, 2), age))
            left += width
        found.append(Stack(one, parts))
    return found
