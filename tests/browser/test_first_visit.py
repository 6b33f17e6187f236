"""A first visit asks for a handful of files, and nothing that one is reading moves."""

from __future__ import annotations

import pytest

MOST_REQUESTS = 12
STILL = 0.05  # of Cumulative Layout Shift; from 0.1 on people notice (web.dev/articles/cls)
SHIFT = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum), 300)));
})"""


@pytest.fixture
def pages(waiting):
    return {
        "board": "/", "one workflow": "/?workflow=article", "list": "/?view=list", "reviews": "/reviews/",
        "review": f"/reviews/{waiting['waiting_for']['id']}/", "task": f"/tasks/{waiting['key']}/",
        "agents": "/agents/", "activity": "/activity/",
    }  # fmt: skip


def test_a_first_visit_asks_for_a_handful_of_files(visit, pages):
    found = {}
    for name, address in pages.items():
        one = visit("ana")  # whose browser has kept nothing yet
        asked: list[str] = []
        one.page.on("request", lambda request, asked=asked: asked.append(request.resource_type))
        one.go(address).wait_for_load_state("networkidle")
        found[name] = sum(kind != "xhr" for kind in asked)  # which follow the work that goes on meanwhile

    assert {name: count for name, count in found.items() if count > MOST_REQUESTS} == {}, found


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_moves_while_a_page_comes(visit, pages, width):
    found = {}
    for name, address in pages.items():
        page = visit("ana", width=width).go(address)
        found[name] = round(page.evaluate(SHIFT), 4)

    assert {name: shift for name, shift in found.items() if shift >= STILL} == {}, found
