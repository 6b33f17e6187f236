"""Programs begin the three workflows over HTTP, with texts instead of files."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tasks.workflows import journey

ASKED = "can you tell me whether 26 February suits you?"
MAIL = f"From: Jonas <j@feld.example>\nSubject: Oak\n\nHi Mara,\n\n{ASKED}\n"
STREAMS = {
    "competitors": "Packrad leases cargo bikes from 189 euros a month. The contract runs for 36 months.",
    "industry": "Tradespeople bought 41,300 cargo bikes. Every fourth of these bikes was leased in 2025.",
    "history": "The house leased 22 cargo bikes to nine craft firms. The pilot ended in December 2023.",
}


def begin(workflow: str, sources: list[Any], **more: Any) -> journey.Journey:
    from tasks.models import Task
    from tests.clawbot.api.caller import Caller

    value = {"title": "Cargo bikes", "sources": sources, **more}
    answer = Caller("ana").post("tasks", {"workflow": workflow, "title": "Cargo bikes", "input": value})
    assert answer.status_code in (200, 201), answer.content
    task = Task.objects.get(key=answer.json()["key"])
    with journey.at_work():
        journey.until_still(task)
    return journey.Journey(journey.DONE, "", task)


@pytest.mark.usefixtures("house")
class TestABeginningOverHttp:
    def test_sums_up_messages(self):
        page = begin("inbox_digest", [{"title": "today.eml", "text": MAIL}]).file(".md")

        assert "**Oak** (Jonas): “Can you tell me whether 26 February suits you?”" in page

    def test_reports_on_a_market(self):
        sources = [{"text": text, "title": name, "stream": name} for name, text in STREAMS.items()]

        draft = begin("market_research", sources, brief="Lease?", words={"min": 10, "max": 300}).text("draft")

        assert "Packrad leases cargo bikes from 189 euros a month [1]." in draft

    def test_sums_up_documents(self):
        report = begin("documents", [{"title": name, "text": text} for name, text in STREAMS.items()]).file(
            ".md"
        )

        assert "Packrad leases cargo bikes from 189 euros a month. [1]" in report
        assert "1. **competitors** (competitors): " in report

    def test_reads_texts_of_any_length_and_says_what_it_left_out(self):
        long = "The house leased 22 cargo bikes to nine craft firms. " * 1_000

        work = begin("documents", [{"title": "long", "text": long}, {"title": "short", "text": long[:53]}])

        assert "2 documents" in work.file(".md")
        assert "Only its beginning was read." in work.file(".csv")
