"""A workflow's drawing in a real browser: by keyboard, alive, on desk and phone. A schedule's form."""

from __future__ import annotations

import pytest


def boxes(page):
    """The rectangles of the stages in the drawing."""
    return page.eval_on_selector_all(
        ".flow__stage .flow__box", "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("slug", ["article", "support", "order"])
def test_no_stage_of_the_drawing_covers_another(visit, slug, width):
    found = boxes(visit("cleo", width=width).go(f"/workflows/{slug}/"))

    touching = [
        (one, other) for place, one in enumerate(found) for other in found[place + 1 :]
        if one["left"] < other["right"] and other["left"] < one["right"]
        and one["top"] < other["bottom"] and other["top"] < one["bottom"]
    ]  # fmt: skip
    assert len(found) > 5
    assert touching == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_a_stage_says_stays_inside_its_box(visit, theme):
    page = visit("cleo", theme=theme).go("/workflows/order/")

    outside = page.evaluate(
        """() => [...document.querySelectorAll('.flow__stage')].filter(one => {
            const box = one.querySelector('.flow__box').getBoundingClientRect();
            const texts = [...one.querySelectorAll(':scope > text')];
            const edges = texts.map(text => text.getBoundingClientRect());
            return edges.some(text => text.right > box.right - 4 || text.left < box.left);
        }).map(one => one.querySelector('title').textContent)"""
    )
    assert outside == []


def test_the_keyboard_goes_from_stage_to_stage_and_from_there_to_its_line(visit):
    page = visit("cleo").go("/workflows/article/")
    page.locator(".flow__stage").first.focus()

    page.keyboard.press("Tab")
    second = page.evaluate("document.activeElement.querySelector('title').textContent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/workflows/article/#stage-write")

    assert second.startswith("Write, writer")
    assert page.locator("#stage-write").evaluate("one => one.matches(':target')")


# How many wait at the gate, by the list and by the drawing beside it.
WAITING = """() => ['#stage-approve .flow-list__now >', '[href="#stage-approve"]'].map(place =>
    [...document.querySelectorAll(place + ' [data-status=waiting]')]
        .reduce((sum, one) => sum + Number(one.textContent), 0))"""


def test_the_counts_follow_the_work_without_a_reload(visit, site):
    page = visit("cleo").go("/workflows/article/")
    page.evaluate("window.kept = true")
    before, drawn = page.evaluate(WAITING)  # what other tests left there

    key = site.inject("default", "--title", "Seen on the workflow page")
    page.wait_for_function(
        f"least => ({WAITING})().every(count => count > least)", arg=before, timeout=60_000
    )

    assert page.evaluate("window.kept")
    assert site.waits_for_a_person(key)
    assert drawn == before


def test_the_form_reads_the_line_back_while_it_is_written(visit):
    page = visit("ben").go("/schedules/new/?workflow=article")

    page.get_by_label("When").fill("30 2 * * 0")
    page.wait_for_selector("#schedule-words >> text=At 02:30 on Sunday")
    page.get_by_label("When").fill("at four")
    page.wait_for_selector("#schedule-words >> text=Five fields")
    page.get_by_label("Start what is due that day").check()

    assert not page.get_by_label("Title").is_visible()
