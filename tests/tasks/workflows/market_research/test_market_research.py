"""Three streams at once, joined, reviewed, approved by a person, published with every claim cited."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from agents.prose import article
from tasks import supervision
from tasks.models import Run, Subtask
from tests.tasks.workflows import journey

pytestmark = pytest.mark.usefixtures("house")


def approve(task):
    call_command("act", task.key, "approve", "--by", "ana", stdout=io.StringIO())
    with journey.at_work():
        journey.until_done(task)


def test_reports_from_three_streams_with_every_claim_cited():
    market = journey.inject("market_research", "--sample", "default")

    assert market.code == journey.WAITS
    draft = market.text("draft")
    assert all(spot.citations for spot in article.spots(draft))
    for heading in ("In short", "Competitors", "The industry", "What we tried ourselves", "Sources"):
        assert f"## {heading}\n" in draft

    approve(market.task)

    assert (Path(settings.DATA) / "published/research").is_dir()
    assert market.file(".md") == draft
    assert "<h2>Competitors</h2>" in market.file(".html")


def test_shows_what_the_streams_dispute():
    market = journey.inject("market_research", "--sample", "default")

    apart = market.text("draft").partition("## Where the sources disagree")[2].partition("\n## ")[0]
    assert "52,000 cargo bikes in 2025, according to Packrad [1]." in apart
    assert "41,300 cargo bikes in 2025, according to the association of the bicycle trade [4]." in apart
    assert market.text("draft").count("41,300") == 1


def test_begins_all_streams_before_any_is_joined():
    market = journey.inject("market_research", "--sample", "default")

    runs = Run.objects.filter(task=market.task).order_by("id")
    stages = [run.subtask.stage for run in runs]
    assert sorted(stages[:3]) == ["competitors", "history", "industry"]
    assert stages[3] == "join"


def test_sends_back_a_figure_that_no_source_has():
    market = journey.inject("market_research", "--sample", "rumour")

    assert market.code == journey.WAITS
    assert Subtask.objects.get(task=market.task, stage="write", live=1).round == 2
    assert "88 percent" not in market.text("draft")
    assert "27 percent of all villages" in market.text("draft")
    assert "It came back once" in market.text("summary")


def test_goes_on_without_a_stream_that_a_person_skips(tmp_path):
    for stream in ("competitors", "industry"):
        (tmp_path / stream).mkdir()
        (tmp_path / stream / "a.md").write_text(
            f"Cargo bikes of the {stream} cost 3,900 euros in the spring of 2026. "
            "The shops of the region sell them well in town."
        )
    (tmp_path / "brief.yaml").write_text(
        "title: Cargo bikes\nbrief: What do cargo bikes cost?\nsources: [competitors, industry]\n"
        "words: {min: 10, max: 400}\n"
    )
    market = journey.inject("market_research", "--file", str(tmp_path / "brief.yaml"))
    assert market.code == journey.WAITS
    assert "No source can be used" in market.said

    supervision.skip(market.task, by="user:admin", stage="history", reason="We never tried this before.")
    with journey.at_work():
        journey.until_still(market.task)

    assert "No source was read for the stream “history”." in market.text("research")
