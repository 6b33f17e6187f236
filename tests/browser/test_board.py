"""The board follows what happens, and leaves a reader where she is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_deciding import scene

SWAPS_THE_TRAY = """() => new Promise(done => {
    const before = document.getElementById("tray");
    document.addEventListener("htmx:afterSettle", function look() {
        if (document.getElementById("tray") === before) return;
        document.removeEventListener("htmx:afterSettle", look);
        requestAnimationFrame(() => done());
    });
    htmx.trigger(before, "moved");
})"""


@pytest.fixture(scope="module")
def many(site):
    """A lane with more drafts than a window shows."""
    scene(site, "for n in range(36): draft('lanes', f'Draft number {n}', {})\nanswer = {}")


def test_a_move_on_the_board_keeps_the_place_in_every_lane(visit, many):
    page = visit("ana").go("/?workflow=lanes")
    page.set_viewport_size({"width": 1280, "height": 800})
    lane = page.locator(".lane__cards").filter(has_text="Draft number")
    lane.evaluate("one => one.scrollTop = 300")

    page.evaluate(SWAPS_THE_TRAY)

    assert page.evaluate("document.activeElement === document.body")  # nothing had focus
    assert lane.evaluate("one => one.scrollTop") == 300


def test_another_part_that_changes_first_does_not_lose_the_place(visit, many):
    page = visit("ana").go("/?workflow=lanes")
    page.set_viewport_size({"width": 1280, "height": 800})
    lane = page.locator(".lane__cards").filter(has_text="Draft number")
    lane.evaluate("one => one.scrollTop = 200")

    page.evaluate("htmx.trigger('#board-head', 'live')")
    page.evaluate(SWAPS_THE_TRAY)
    page.evaluate("htmx.trigger('#board-head', 'live')")

    assert lane.evaluate("one => one.scrollTop") == 200


def test_no_card_travels_over_an_open_menu_or_dialog(visit, many):
    page = visit("ana").go("/?workflow=lanes")
    page.evaluate("""() => {
        window.travels = [];
        const start = document.startViewTransition.bind(document);
        document.startViewTransition = (...given) => { window.travels.push(1); return start(...given); };
    }""")

    page.evaluate(SWAPS_THE_TRAY)
    assert page.evaluate("travels.length") == 1

    page.evaluate("document.querySelector('details[data-menu]').open = true")
    page.evaluate(SWAPS_THE_TRAY)
    assert page.evaluate("travels.length") == 1
    expect(page.locator("details[data-menu][open]").first).to_be_visible()


def test_a_new_task_fits_the_narrowest_phone(visit):
    page = visit("ana").go("/tasks/new/?workflow=article")
    page.set_viewport_size({"width": 320, "height": 640})

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
