"""Every shipped sample, put in by hand: the New task page, one click, and it goes its way by itself."""

from __future__ import annotations

import time

from tests.databases import ROOT

SAMPLES = sorted((one.parent.parent.name, one.name) for one in ROOT.glob("tasks/workflows/*/samples/*"))
PATIENCE = 240  # seconds for all of them together


def create(page, slug, sample):
    """Open the form with a sample in it, create the task, and read its key from the page it leads to."""
    page.goto(f"/tasks/new/?workflow={slug}&sample={sample}")
    page.locator("button[value=create]").click()
    page.wait_for_url(lambda url: "/tasks/" in url and "/tasks/new/" not in url)
    return page.url.split("/tasks/")[1].split("/")[0]


def settled(found):
    """Whether nothing happens to a task any more without a person."""
    return found["outcome"] or found["waiting_for"]


def test_each_sample_is_done_or_with_a_person_after_one_click(site, visit):
    page = visit("ana").page
    going = {f"{slug}/{sample}": create(page, slug, sample) for slug, sample in SAMPLES}
    assert len(going) == len(set(going.values())) >= 24

    over = time.monotonic() + PATIENCE
    while going := {name: key for name, key in going.items() if not settled(site.status(key))}:
        assert time.monotonic() < over, f"still going: {sorted(going)}"
