"""The address of a feed is given like any other, as people paste it."""

from __future__ import annotations

import pytest

from tests.agents.server import serving
from tests.tasks.workflows import journey

FEED = (
    b'<rss version="2.0"><channel><title>Depot</title><item><title>The depot&amp;#8217;s second count</title>'
    b"<description>The Nash depot counted 640 pallets in June. The count at the depot took three hours. "
    b"The depot was closed for one hour in the evening.</description></item></channel></rss>"
)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    "workflow, kind, form", [("article", "research", "{}"), ("market_research", "industry_notes", "feed:{}")]
)
def test_begins_a_task_with_the_address_of_a_feed(workflow, kind, form, monkeypatch):
    with serving(lambda path, body: (200, {"Content-Type": "application/rss+xml"}, FEED)) as server:
        monkeypatch.setenv("CLAWBOT_FETCH_ALLOW", server.allow["CLAWBOT_FETCH_ALLOW"])
        sources = f"sources={form.format(server.url('/wp.xml'))}"
        given = ("--title", "The depot count", "--set", "brief=What was counted?", "--set", sources)
        work = journey.inject(workflow, *given)

    assert "The Nash depot counted 640 pallets in June. [1]" in work.text(kind)
