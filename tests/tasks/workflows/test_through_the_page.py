"""Every sample of the three workflows, begun on the page for new tasks."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks import invariants
from tasks.history import replay
from tests.tasks.workflows import journey

SAMPLES = {
    "inbox_digest": ["default", "quiet_day"],
    "market_research": ["default", "rumour"],
    "documents": ["default"],
}


class Filled(HTMLParser):
    """What the controls of a page hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._name = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name") and given.get("type") not in ("file", "checkbox", "radio"):
            self.values[str(given["name"])] = given.get("value") or ""
        self._name = str(given.get("name") or "") if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._name:
            self.values[self._name] = self.values.get(self._name, "") + data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        self._name = ""


@pytest.fixture
def page(house: Any, ana: Any, client: Any) -> Any:
    """The page, with ana before it."""
    client.force_login(ana)
    return client


def begin(page: Any, workflow: str, **more: Any) -> Any:
    """Send the form as it was filled; the task that it began."""
    from tasks.models import Task

    asked = {"workflow": workflow, **({"sample": more["sample"]} if "sample" in more else {})}
    filled = Filled(page.get("/tasks/new/", asked).content.decode()).values
    answer = page.post(f"/tasks/new/?workflow={workflow}", {**filled, "workflow": workflow, **more})
    assert answer.status_code == 302, answer.content.decode()
    return Task.objects.get(key=answer["Location"].split("/")[2])


def test_runs_every_sample_that_the_page_offers(page):
    tasks = [
        begin(page, workflow, sample=sample) for workflow, samples in SAMPLES.items() for sample in samples
    ]

    with journey.at_work():
        for task in tasks:
            journey.until_still(task)

    ended = [journey.Journey(0, "", task) for task in tasks]
    assert ended[0].file(".md").count("\n- **") > 10
    assert "None of them asks" in ended[1].file(".md")
    assert "## Where the sources disagree" in ended[2].text("draft")
    assert "88 percent" not in ended[3].text("draft")
    assert ended[4].file(".csv").count("\n") == 111
    # Nothing of all this was done behind the log.
    assert list(replay.differences()) + list(replay.contradictions()) == []
    assert invariants.check() == {}


def test_takes_uploaded_files_where_sources_are_needed(page):
    note = SimpleUploadedFile("note.txt", b"Memo\n\nCould you please order 40 boards of oak?\n")

    task = begin(page, "inbox_digest", title="Today", upload=[note])
    with journey.at_work():
        journey.until_still(task)

    assert "“Could you please order 40 boards of oak?”" in journey.Journey(0, "", task).file(".md")
