"""A large set of documents, in portions, joined in levels, up to one report with an index."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.contract import Unavailable
from agents.roles import summarise
from tasks import clock
from tasks.models import Run, Task
from tests.tasks.workflows import journey
from tests.tasks.workflows.documents import library

pytestmark = pytest.mark.usefixtures("house")


def rows(work: journey.Journey) -> list[dict[str, Any]]:
    """The index as a table."""
    return list(csv.DictReader(io.StringIO(work.file(".csv"))))


def a_set(folder: Path, count: int) -> tuple[str, ...]:
    """How to inject a set of so many documents."""
    library.write(folder / "papers", count)
    return ("documents", "--title", "Lifts", "--set", f"sources={folder / 'papers'}")


def test_makes_one_report_with_every_document_in_its_index():
    work = journey.inject("documents", "--sample", "default")

    assert work.code == journey.DONE
    assert [int(row["number"]) for row in rows(work)] == list(range(1, 111))
    assert len([row for row in rows(work) if "not a text file" in row["note"] or "empty" in row["note"]]) == 3
    report = work.file(".md")
    assert report.startswith(
        "# Service reports of the lifts, 2024 and 2025\n\n107 documents with 8,220 words; 3 more"
    )
    assert "With other figures in 107 of 107 documents: hours 1 to 9, euros 80 to 1,880" in report
    assert "110. **" in report


def test_reads_each_portion_once_and_only_its_own_files():
    work = journey.inject("documents", "--sample", "default")

    assert set(work.runs().values()) == {1}
    portions = Run.objects.filter(task=work.task, subtask__stage="summarise").exclude(subtask__item="")
    files = [run.brief["data"]["files"] for run in portions]
    assert sorted(map(len, files)) == [10, 25, 25, 25, 25]
    assert len({name for names in files for name in names}) == 110
    for run in portions:
        used = [note["data"]["path"] for note in run.notes if note["text"] == "Used read_file"]
        assert set(used) <= set(run.brief["data"]["files"])


def test_shows_no_agent_more_than_its_share(tmp_path):
    work = journey.inject(*a_set(tmp_path, 60))

    joins = Run.objects.filter(task=work.task, subtask__stage="join").exclude(subtask__item="")
    assert [len(run.brief["data"]["items"]) for run in joins] == [3]
    assert all(run.brief["data"]["files"] == [] for run in joins)


def test_goes_on_without_a_portion_that_fails_and_names_what_it_held(tmp_path, monkeypatch):
    told = summarise._told

    async def breaks(brief: Any, desk: Any, settings: Any, part: Any) -> Any:
        if any(one.entry.number == 30 for one in part):
            raise Unavailable("The model does not answer.")
        return await told(brief, desk, settings, part)

    monkeypatch.setattr(summarise, "_told", breaks)
    task = journey.begin(*a_set(tmp_path, 60))
    with journey.at_work():
        while Task.objects.get(pk=task.pk).status != Task.Status.DONE:
            journey.until_still(task, waiting=False)
            clock.move(timedelta(hours=1))

    work = journey.Journey(journey.DONE, "", task)
    lost = [row for row in rows(work) if "Its portion was left out." in row["note"]]
    assert [int(row["number"]) for row in lost] == list(range(26, 51))
    assert len(rows(work)) == 60
