"""What is read stays where it is while a page arrives, and a page arrives in few requests."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.test_deciding import draft

pytestmark = pytest.mark.browser

MOST_REQUESTS = 12
MOST_SHIFT = 0.05
WATCH = """
window.shift = 0
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value
}).observe({ type: "layout-shift", buffered: true })
"""


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_function("document.fonts.status === 'loaded'")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(
    "path", ["/?workflow=*", "/?workflow=steady", "/reviews/?tab=anyone", "/reviews/{}/"]
)
def test_a_first_visit_is_steady_and_takes_few_requests(site, visit, path: str, width: int):
    review = draft(site, "steady", "The draft that stands still")["review"]
    first = visit("ana", width=width)
    asked: list[str] = []
    first.page.on("request", lambda one: asked.append(one.url))
    first.page.add_init_script(WATCH)

    page = first.go(path.format(review))
    settled(page)

    assert len(asked) <= MOST_REQUESTS, asked
    assert page.evaluate("window.shift") < MOST_SHIFT


def test_on_a_phone_a_card_is_as_wide_as_the_page(site, visit):
    draft(site, "steady", "The draft on a phone")
    page = visit("ana", width=360).go("/?workflow=steady&lane=approve")
    box = page.locator(".lane.is-picked .task-card").first.bounding_box()
    assert box is not None
    assert box["width"] > 320


def test_on_a_phone_a_press_on_the_glass_opens_the_search(site, visit):
    page = visit("ana", width=360).go("/reviews/")
    field = page.get_by_role("searchbox")
    field.click()
    box = field.bounding_box()
    assert box is not None
    assert box["width"] > 320
    field.fill("nothing has these words")
    field.press("Enter")
    page.wait_for_url("**/?q=*")


def test_the_letter_of_a_return_grows_as_it_is_typed(site, visit):
    review = draft(site, "steady", "The draft that goes back")["review"]
    page = visit("ana").go(f"/reviews/{review}/?sheet=return")
    page.get_by_label("Another request").first.fill("Say who decides.")
    letter = page.locator("[data-preview]").inner_text()
    assert "comes back with 1 request from Ana." in letter
    assert "1. Say who decides." in letter
