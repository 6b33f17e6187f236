"""No page breaks a rule of WCAG 2.2 AA that a program can check, in either theme, on desk and phone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

VENDOR = Path(__file__).parent / "vendor"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHAPES = [(theme, width) for theme in ("light", "dark") for width in (1280, 360)]

# Read daily, by everybody: in every shape.
DAILY = {
    "board": "/",
    "task": "/tasks/{key}/",
    "reviews": "/reviews/",
    "review": "/reviews/{review}/",
    "new task": "/tasks/new/",
    "workflow": "/workflows/article/",
}
# Made of the same parts: a desk in light and a phone in dark are enough.
OTHERS = {
    "list": "/?view=list",
    "timeline": "/tasks/{key}/?tab=timeline",
    "drafts": "/tasks/{key}/?tab=drafts",
    "hand-offs": "/tasks/{key}/?tab=handoffs",
    "log": "/tasks/{key}/?tab=log",
    "agents": "/agents/",
    "agent": "/agents/writer/",
    "workflows": "/workflows/",
    "a routed workflow": "/workflows/support/",
    "workflow versions": "/workflows/article/diff/",
    "schedules": "/schedules/",
    "schedule": "/schedules/1/",
    "new schedule": "/schedules/new/",
    "activity": "/activity/",
    "insights": "/insights/",
    "my insights": "/insights/?whose=me",
    "approve several": "/reviews/approve/",
    "deliveries": "/deliveries/",
    "messages": "/messages/",
    "message": "/messages/{message}/",
    "members": "/workflows/article/members/",
    "people": "/settings/people/",
    "an agent that is trusted": "/agents/reviewer/",
    "history": "/tasks/{key}/?at={event}",
    "files": "/tasks/{key}/?tab=files",
    "overview": "/tasks/{key}/?tab=overview",
    "run again": "/tasks/{key}/rerun/",
    "skip a gate": "/tasks/{key}/skip/?stage=approve",
    "items together": "/reviews/{item}/together/skip/",
    "a queue with a group": "/reviews/?sel={item}",
    "me": "/me/",
    "help": "/help/lifecycle/",
}
#: read by those who may change what they show
ADMINS = {"members", "people", "an agent that is trusted"}
PLACES = [(name, *shape) for name in DAILY for shape in SHAPES]
PLACES += [(name, *shape) for name in OTHERS for shape in (("light", 1280), ("dark", 360))]


#: what no sample comes to by itself: items that wait together, a message, an agent with evidence, in rows
SEED = """
from datetime import timedelta
from tasks import artifacts, clock, rounds
from tasks.models import Message, Review, Subtask, Task
from tasks.people import reviews
from tests.tasks.answers import Answer, give, judge
from tests.tasks.builders import a_task, a_workflow
from tests.tasks.test_why import SPREAD

flow = a_workflow("spread", SPREAD, "SPR")
task = a_task("Broken files of the export", flow="spread", backlog=True)
now = clock.now()
whole = task.subtasks.get(stage="read")
files = [f"orders-2026-11-{day:02}.txt" for day in range(1, 29)]
for row in rounds.lay_items(whole, files, limit=None, now=now):
    Subtask.objects.filter(pk=row.pk).update(status="waiting", reason="The file is no text.")
    row.task = task
    reviews.open_review(row, Review.Kind.ATTEMPTS, "The file is no text.", by="clawbot", now=now)
Subtask.objects.filter(pk=whole.pk).update(spread=len(files))
envelope = {"from": "shop", "to": "article", "type": "write", "data": {"title": "Edge caching"}}
message = Message.objects.create(
    direction="in", channel="http", key="seed:1", envelope=envelope, correlation_id="order-1",
    state="received", not_before=now, at=now,
)
give(
    Answer(by, ago=timedelta(days=days), task=1, reminded=days == 3)
    for by in ("ana", "ben", "admin", "eve") for days in range(1, 20)
)
past = Task.objects.filter(number__gt=1_000)
past.update(status="done", outcome="completed", done_at=now)
for one in past:
    Subtask.objects.create(
        task=one, workflow=one.workflow, stage="review", agent="reviewer", status="done", position=3,
        not_before=now, started_at=now, finished_at=now,
    )
    judge(one, 60, 2)
print(Review.objects.filter(task=task).first().pk, message.pk)
"""


#: Nothing in the log can be deleted, and so no task of it: those of the past are put where no page looks.
SWEEP = """
from datetime import timedelta
from tasks import clock, supervision
from tasks.models import Task
supervision.cancel(Task.objects.get(workflow__slug="spread"), by="user:admin")
long_ago = clock.now() - timedelta(days=300)
Task.objects.filter(number__gt=1_000).update(done_at=long_ago, created_at=long_ago)
"""


@pytest.fixture(scope="module")
def places(site, waiting):
    """What stands for the braces in the addresses below."""
    item, message = site.manage("shell", "-v", "0", "-c", SEED).split()[-2:]
    last = (
        f"from tasks.models import Event; print(Event.objects.filter(task__key='{waiting['key']}').last().pk)"
    )
    event = site.manage("shell", "-v", "0", "-c", last).split()[-1]
    review = waiting["waiting_for"]["id"]
    yield {"key": waiting["key"], "review": review, "item": item, "message": message, "event": event}
    site.manage("shell", "-v", "0", "-c", SWEEP)  # the site is for other tests too


def problems(page):
    """What axe finds, as one line per element."""
    page.evaluate((VENDOR / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    return [
        f"{broken['id']} ({broken['impact']}): {node['html'][:160]} {node['failureSummary'][:300]}"
        for broken in found["violations"]
        for node in broken["nodes"]
    ]


def overflow(page):
    """How many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def settle(page):
    """Let what moves come to rest: a half-faded text has no true contrast. Bars stand where they belong in
    the flow: axe would take what a sticky one covers at this moment for too small to touch."""
    page.add_style_tag(
        content=":is(.topbar, .tabbar, .verdict-bar, .keyline) { position: static !important; }"
    )
    ends = "isFinite(one.effect.getComputedTiming().endTime)"
    page.wait_for_function(f"document.getAnimations().every(one => one.playState !== 'running' || !{ends})")


@pytest.mark.parametrize("name, theme, width", PLACES)
def test_a_page_breaks_no_rule_and_needs_no_sideways_scrolling(visit, places, name, theme, width):
    who = "admin" if name in ADMINS else "ben"
    page = visit(who, theme=theme, width=width, bypass_csp=True).go((DAILY | OTHERS)[name].format(**places))
    settle(page)

    assert problems(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("theme, width", SHAPES)
def test_the_way_in_breaks_no_rule(visit, theme, width):
    page = visit(theme=theme, width=width, bypass_csp=True).go("/sign-in/?next=/reviews/")

    assert problems(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_open_dialog_breaks_no_rule(visit, theme):
    page = visit("ben", theme=theme, bypass_csp=True).go("/agents/")
    page.get_by_role("button", name="Pause all").click()
    settle(page)

    assert problems(page) == []


def test_is_the_checker_that_was_vetted():
    (entry,) = json.loads((VENDOR / "vendor.json").read_text("utf-8"))

    assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert f"axe v{entry['version']}" in (VENDOR / entry["file"]).read_text("utf-8")[:300]
