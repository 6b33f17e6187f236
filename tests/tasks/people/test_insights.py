"""How people's part is measured: everybody together, a person only by themself, nobody to be read off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks import clock, supervision
from tasks.access import NotAllowed
from tasks.models import Review
from tasks.people import insights
from tests.tasks.answers import Answer, give
from tests.tasks.builders import a_task, work_until

pytestmark = pytest.mark.django_db
TEAM = ("ana", "dora", "eve")
WEEK = timedelta(weeks=1)


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    yield
    clock.reset()


def team(**more: Any) -> insights.Figures:
    """The whole team's figures, once three people have answered."""
    total = insights.report("user:cleo", **more).total
    assert total is not None
    return total


class TestFigures:
    def test_times_are_what_half_and_nine_of_ten_stay_below(self, cleo: Any) -> None:
        give(Answer(by=TEAM[n % 3], seen=n * 10, took=n * 100) for n in range(1, 11))

        assert team().to_open == (50, 90)
        assert team().to_decide == (500, 900)

    def test_counts_what_was_taken_back_and_overridden(self, ana: Any, ben: Any, cleo: Any) -> None:
        give([Answer(by=name, undone=name == "eve") for name in TEAM])
        supervision.override(a_task(), by="user:ben", stage="format", reason="The text is ready.")

        assert (team().decisions, team().undone, team().overridden) == (3, 1, 1)

    def test_a_text_that_was_returned_twice_counts_once_as_a_text(self, cleo: Any) -> None:
        give([Answer(by="ana", verb="send_back", task=1, ago=timedelta(hours=9 - n)) for n in range(2)])
        give([Answer(by="dora"), Answer(by="eve"), Answer(by="eve")])

        assert (team().texts, team().returned, team().returns) == (4, 2, 0.5)

    def test_counts_the_reviews_that_needed_a_reminder(self, cleo: Any) -> None:
        give([Answer(by=name, reminded=name == "ana") for name in TEAM])

        assert (team().reviews, team().reminded) == (3, 1)

    def test_forgets_what_is_older_than_its_weeks(self, cleo: Any) -> None:
        give([Answer(by=name, ago=13 * WEEK) for name in TEAM])

        assert insights.report("user:cleo").total is None


class TestTimeToRead:
    """400 words of four letters and a blank are 2,000 characters: 83 s at 24 a second."""

    @pytest.mark.parametrize(("took", "fast"), [(80, 1), (90, 0)])
    def test_an_approval_is_fast_below_four_words_a_second(self, cleo: Any, took: int, fast: int) -> None:
        give([Answer("ana", took=took, words=400), Answer("dora", took=900), Answer("eve", took=900)])

        assert (team().read, team().fast) == (3, fast)

    def test_a_draft_that_one_has_read_before_is_not_judged(self, cleo: Any) -> None:
        give([
            Answer("ana", verb="send_back", took=900, task=1, ago=timedelta(hours=5)),
            Answer("ana", took=2, task=1), Answer("dora", took=900), Answer("eve", took=900),
        ])  # fmt: skip

        assert (team().read, team().fast) == (2, 0)

    def test_a_decision_made_without_the_page_is_not_judged(self, cleo: Any) -> None:
        give([Answer("ana", seen=None, took=1), Answer("dora", took=900), Answer("eve", took=900)])

        assert (team().read, team().fast) == (2, 0)


class TestWhose:
    @pytest.mark.parametrize("role", ["viewers", "editors", "operators", "admins"])
    def test_nobody_sees_another_persons_figures_whatever_their_role(self, person: Any, role: str) -> None:
        person("dora", role)
        give([Answer("ana"), Answer("dora", took=42)])

        with pytest.raises(NotAllowed, match="for that person alone"):
            insights.report("user:dora", "user:ana")
        own = insights.report("user:dora", "user:dora").total
        assert own is not None
        assert (own.decisions, own.to_decide) == (1, (42, 42))

    @pytest.mark.parametrize("asker", ["cli:", "clawbot", "agent:writer", ""])
    def test_a_part_of_the_system_sees_nobodys(self, asker: str) -> None:
        with pytest.raises(NotAllowed):
            insights.report(asker, "user:ana")
        with pytest.raises(NotAllowed):
            insights.report(asker, asker or "user:")

    def test_two_people_are_not_told_of(self, admin: Any) -> None:
        give([Answer("ana"), Answer("dora"), Answer("dora")])

        report = insights.report("user:admin")

        assert report.total is None
        assert [part.figures for part in report.workflows] == [None]
        assert report.weeks[-1].figures is None or report.weeks[-2].figures is None

    def test_neither_is_a_workflow_or_a_week_with_two(self, cleo: Any) -> None:
        give(Answer(name, flow=flow) for flow in ("article", "news", "mail") for name in TEAM)
        give(Answer(name, flow="order", ago=3 * WEEK) for name in ("ana", "dora"))
        give(Answer(name, flow="books", ago=4 * WEEK) for name in ("eve", "finn"))

        report = insights.report("user:cleo")

        told = {part.name: part.figures is not None for part in report.workflows}
        assert told == {"article": True, "news": True, "mail": True, "order": False, "books": False}
        assert sum(part.figures is None for part in report.weeks) == 2

    def test_nor_one_that_the_rest_would_give_away(self, cleo: Any) -> None:
        give(Answer(name, flow="article") for name in (*TEAM, "finn"))
        give(Answer(name, flow="news") for name in TEAM)
        give([Answer("ana", flow="order")])

        report = insights.report("user:cleo")

        told = {part.name: part.figures is not None for part in report.workflows}
        assert told == {"article": True, "news": False, "order": False}
        assert report.total is not None

    def test_shows_a_person_all_of_their_own_weeks_and_workflows(self, ana: Any) -> None:
        give([Answer("ana", flow="article"), Answer("ana", flow="news", ago=2 * WEEK), Answer("dora")])

        report = insights.report("user:ana", "user:ana")

        assert [part.figures and part.figures.decisions for part in report.workflows] == [1, 1]
        assert sum(part.figures.decisions for part in report.weeks if part.figures) == 2

    def test_counts_only_workflows_that_one_may_see(self, person: Any, cleo: Any) -> None:
        give(Answer(name, flow=flow) for flow in ("article", "news") for name in TEAM)
        outsider = person("gil", "viewers")
        outsider.groups.clear()
        outsider.memberships.create(
            workflow=Review.objects.filter(task__workflow__slug="news")[0].task.workflow,
            role="viewers", added_by="user:admin", added_at=clock.now(),
        )  # fmt: skip

        assert [part.name for part in insights.report("user:gil").workflows] == ["news"]
        assert team().decisions == 6


class TestWaiting:
    def test_counts_open_reviews_by_workflow_and_age(self, cleo: Any) -> None:
        first = a_task()
        work_until(first, "approve")
        clock.move(timedelta(hours=5))
        work_until(a_task(), "approve")

        (waits,), oldest = insights.waiting("user:cleo")

        assert (waits.workflow, waits.count) == ("article", 2)
        assert waits.ages == (1, 0, 1, 0, 0)
        assert oldest is not None
        assert oldest.task == first


def test_asks_as_often_and_grows_no_faster_than_the_number_of_reviews(cleo: Any) -> None:
    def measure() -> tuple[int, float]:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            insights.report("user:cleo")
        began = time.process_time()
        for _ in range(3):
            insights.report("user:cleo")
        return len(asked), time.process_time() - began

    give(Answer(TEAM[n % 3], ago=timedelta(hours=n % 1800 + 1)) for n in range(400))
    few, short = measure()
    give(Answer(TEAM[n % 3], ago=timedelta(hours=n % 1800 + 1)) for n in range(1600))
    many, long = measure()

    assert many <= few + 2000 / insights.CHUNK
    assert long < 12 * short
