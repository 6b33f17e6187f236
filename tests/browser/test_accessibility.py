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
    "activity": "/activity/",
    "deliveries": "/deliveries/",
    "me": "/me/",
    "help": "/help/lifecycle/",
}
PLACES = [(name, *shape) for name in DAILY for shape in SHAPES]
PLACES += [(name, *shape) for name in OTHERS for shape in (("light", 1280), ("dark", 360))]


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
def test_a_page_breaks_no_rule_and_needs_no_sideways_scrolling(visit, waiting, name, theme, width):
    places = {"key": waiting["key"], "review": waiting["waiting_for"]["id"]}
    page = visit("ben", theme=theme, width=width, bypass_csp=True).go((DAILY | OTHERS)[name].format(**places))
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
