"""People decide beside each other: at once, two of them, after an undo, late, and with the keyboard alone."""

from __future__ import annotations

import json
import re
import textwrap
import time
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SECONDS = 30_000  # milliseconds for what agents and sweeps do meanwhile
SCENE = """
import json
from django.db import transaction
from datetime import timedelta
from tasks import clock, lifecycle, supervision
from tasks.models import Review, Subtask, Worker, Workflow
from tests.tasks.builders import a_task, a_worker, a_workflow, done, finish
from agents.contract import Finding

TEXT = "Agents work at night and people decide in the morning, always."

def draft(flow, title, gate, *between, text=TEXT, findings=()):
    \"\"\"A draft at its gate, made in one transaction so that no worker of the site sees less.\"\"\"
    stages = [{"name": "write", "agent": "writer"}, *between]
    gate |= {"name": "approve", "agent": "human", "needs": [stages[-1]["name"]], "judges": "write"}
    stages.append(gate)
    stages = [{"done_as": f"{one['name']}_done"} | one for one in stages]
    if not Workflow.objects.filter(slug=flow).exists():
        a_workflow(flow, stages, flow[:8].upper())
    task = a_task(title, flow=flow, priority=10)  # before all others: only its own stages are claimed
    for stage in stages[:-1]:
        [claimed] = lifecycle.claim(Worker.objects.filter(ended_at=None).first() or a_worker(), 1)
        assert claimed.task == task
        kind = {"writer": "draft", "reviewer": "review", "formatter": "page_html"}[stage["agent"]]
        made = done(kind, text if kind == "draft" else "Seen.", findings=findings if kind == "review" else ())
        finish(claimed, made, built_on=list(task.artifacts.values_list("sha256", flat=True)))
    return Review.objects.get(task=task, open=1)

with transaction.atomic():
"""


def scene(site, code: str) -> Any:
    """Arrange something on the running site; `answer` is what comes back."""
    body = textwrap.indent(textwrap.dedent(code), "    ")
    told = site.manage("shell", "-v", "0", "-c", f"{SCENE}{body}\nprint(json.dumps(answer))")
    return json.loads(told.splitlines()[-1])


def draft(site, flow: str, title: str, gate: str = "{}", more: str = "") -> dict[str, Any]:
    """A draft before its gate: its review and its key."""
    code = f"one = draft({flow!r}, {title!r}, {gate}{more})\n"
    return dict(scene(site, code + "answer = {'review': one.pk, 'key': one.task.key}"))


def decided(site, review: int) -> list[str]:
    """Who decided a review, with which verb."""
    rows = f"rows = Review.objects.get(pk={review}).decisions.filter(undone_at=None)\n"
    return list(scene(site, rows + "answer = [f'{one.by} {one.verb}' for one in rows]"))


def until(condition, why: str) -> None:
    over = time.monotonic() + SECONDS / 1000
    while time.monotonic() < over:
        if condition():
            return
        time.sleep(0.5)
    raise AssertionError(why)


def readers(page: Page) -> str:
    """Who else reads this review; asks anew, as a page does that comes into view."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    return page.locator("#readers").inner_text()


def test_two_editors_decide_at_once_and_the_slower_one_reads_why_and_loses_nothing(site, visit):
    review = draft(site, "duel", "The draft of two editors")["review"]
    ana = visit("ana").go(f"/reviews/{review}/")
    slower = visit("ben")
    ben = slower.go(f"/reviews/{review}/")
    until(lambda: "Ben is reading" in readers(ana), "Ana does not see that Ben reads it too")

    ben.keyboard.press("r")
    ben.locator("#return-sheet [name=request]").first.fill("Say who measured this.")
    ana.keyboard.press("a")
    expect(ana.locator("#toasts")).to_contain_text("Approved draft 1")
    ben.keyboard.press("Control+Enter")

    alert = ben.get_by_role("alert")
    expect(alert).to_contain_text(re.compile("ana approved it already", re.I))
    expect(alert.get_by_label("What you had typed")).to_have_value(re.compile("Say who measured this."))
    assert decided(site, review) == ["user:ana approve"]
    assert "409 (Conflict)" in slower.complaints.pop()  # what the browser calls it


def test_two_of_two_approve_and_who_wrote_is_not_enough(site, visit):
    gate = "{'deciders': {'group': 'editors', 'count': 2, 'four_eyes': True}}"
    review = draft(site, "quorum", "The draft for four eyes", gate)["review"]
    ana = visit("ana").go(f"/reviews/{review}/")
    expect(ana.locator(".decide__line")).to_contain_text("2 editors")

    ana.keyboard.press("a")
    expect(ana.locator("#toasts")).to_contain_text("Approved draft 1")
    ben = visit("ben").go(f"/reviews/{review}/")
    expect(ben.locator(".quorum")).to_contain_text("1 of 2")
    expect(ben.locator(".quorum")).to_contain_text("Ana approved")
    expect(ben.locator(".quorum")).to_contain_text("one more editor")
    ana.goto("/reviews/")
    expect(ana.locator(f"#review-{review}")).to_have_count(0)  # she has answered; it is not hers any more
    ben.keyboard.press("a")
    expect(ben.locator("#toasts")).to_contain_text("Approved draft 1")
    assert decided(site, review) == ["user:ana approve", "user:ben approve"]


def test_says_who_else_reads_it_and_who_has_it(site, visit):
    review = draft(site, "readers", "The draft that two read")["review"]
    visit("ben").go(f"/reviews/{review}/").keyboard.press("t")
    ana = visit("ana").go(f"/reviews/{review}/")

    expect(ana.locator("#readers")).to_contain_text(re.compile(r"Ben has it until \d\d:\d\d"))


def test_an_undo_opens_the_review_again(site, visit):
    review = draft(site, "undone", "The draft that was approved too soon")["review"]
    page = visit("ana").go(f"/reviews/{review}/")
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Undo")
    page.keyboard.press("u")

    page.wait_for_url(f"**/reviews/{review}/")
    expect(page.get_by_role("button", name="Approve")).to_be_enabled()
    assert decided(site, review) == []


def test_a_ladder_climbs_when_its_time_has_come(site, visit):
    rungs = "[{'after': 3600, 'remind': 'owner'}, {'after': 3600, 'escalate': 'operators'}]"
    gate = f"{{'due': {{'after': 3600, 'then': {rungs}}}}}"
    review = draft(site, "ladder", "The draft that nobody reads", gate)["review"]
    page = visit("ana").go(f"/reviews/{review}/")
    expect(page.locator(".decide__line")).to_contain_text("the editors are reminded")

    back = f"answer = Review.objects.filter(pk={review}).update(due_at=clock.now() - timedelta(minutes=90))"
    scene(site, back)
    until(lambda: scene(site, f"answer = Review.objects.get(pk={review}).rung") == 1, "no rung was climbed")
    page.reload()
    expect(page.locator(".decide__line")).to_contain_text("the operators hear of it")
    expect(page.locator(".review__due")).to_contain_text("was due")
    assert decided(site, review) == []  # nothing was decided for anybody


def test_after_an_edit_a_person_says_what_goes_again(site, visit):
    between = (
        ", {'name': 'review', 'agent': 'reviewer', 'needs': ['write'], 'judges': 'write'}"
        ", {'name': 'format', 'agent': 'formatter', 'needs': ['review']}"
    )
    made = draft(site, "followed", "The draft that was rewritten", "{}", between)
    page = visit("ana").go(f"/reviews/{made['review']}/?sheet=edit")
    page.locator("#editor-text").fill(
        "Robots never sleep, which nobody had planned, and shops stay open for it."
    )
    page.keyboard.press("Control+Enter")

    follow = page.locator(".follow")
    expect(follow).to_contain_text("too many to leave it as it is")
    expect(follow.locator("[name=then-review][value=review]")).to_be_checked()
    expect(follow.locator("[name=then-format][value=rerun]")).to_be_checked()
    follow.locator("label", has_text="Keep").first.click()
    page.locator("#editor-text").focus()
    page.keyboard.press("Control+Enter")

    expect(page.locator("#toasts")).to_contain_text("Saved as draft 2. Format goes again.")
    count = f"answer = Subtask.objects.filter(task__key={made['key']!r}, stage='%s').count()"
    assert scene(site, count % "format") == 2
    assert scene(site, count % "review") == 1


def test_goes_from_the_queue_to_the_next_review_by_keyboard_alone(site, visit):
    scene(site, "answer = Review.objects.filter(open=1).update(due_at=clock.now() + timedelta(days=2))")
    mine = [draft(site, "keyed", f"Key draft {n}")["review"] for n in range(3)]
    for place, review in enumerate(mine):
        rows = f"rows = Review.objects.filter(pk={review})\n"
        scene(site, rows + f"answer = rows.update(due_at=clock.now() + timedelta(minutes={place}))")
    page = visit("ana").go("/reviews/")
    presses: list[int] = []

    page.keyboard.press("Enter")
    for place, review in enumerate(mine):
        page.wait_for_url(f"**/reviews/{review}/")
        page.wait_for_function("window.htmx !== undefined")
        if place:
            expect(page.locator("#title")).to_be_focused()
        presses.append(_decide(page, returns=place == 1))
    page.wait_for_url(lambda url: f"/reviews/{mine[-1]}/" not in url)

    assert [len(decided(site, review)) for review in mine] == [1, 1, 1]
    assert median(presses) <= 3, presses


def _decide(page: Page, *, returns: bool) -> int:
    """Decide by keys; how many presses it took, a typed sentence counted as one."""
    if not returns:
        page.keyboard.press("a")
        return 1
    page.keyboard.press("r")
    page.keyboard.type("Shorter.")
    page.keyboard.press("Control+Enter")
    return 3


def test_approves_several_after_reading_what_each_does(site, visit):
    first = draft(site, "several", "Several, one")
    second = draft(site, "several", "Several, two")
    page = visit("ana").go("/reviews/approve/")
    for made in (first, second):
        page.locator(f"[name=pick][value='{made['review']}']").check()
    late = f"task = Review.objects.get(pk={second['review']}).task\n"
    scene(site, late + "answer = supervision.edit(task, by='user:ben', text='Other words.').pk")
    page.get_by_role("button", name="Approve what is ticked").click()

    expect(page.get_by_role("status").first).to_contain_text("1 approved, 1 refused")
    expect(page.locator(".bulk-list").first).to_contain_text("draft 2 arrived since you read it")
    assert (decided(site, first["review"]), decided(site, second["review"])) == (["user:ana approve"], [])


def test_decides_on_a_phone(site, visit):
    made = draft(site, "phone", "The draft on a phone")
    page = visit("ana", width=360, height=740).go("/reviews/")
    page.get_by_role("link", name="The draft on a phone").click()
    page.wait_for_url(f"**/reviews/{made['review']}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#toasts")).to_contain_text("Approved draft 1")
