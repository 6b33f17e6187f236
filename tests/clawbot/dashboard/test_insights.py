"""The page Insights: a question, its answer in a sentence, and nobody's figures but one's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from clawbot import answers
from clawbot.dashboard import insights as page
from tasks import clock
from tasks.people import insights
from tasks.people.insights import Figures
from tests.clawbot.dashboard import desk
from tests.tasks.answers import Answer, give

pytestmark = pytest.mark.django_db
TEAM = ("ana", "dora", "eve")


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    yield
    clock.reset()


def text_of(client: Any, who: Any, query: str = "") -> str:
    client.force_login(who)
    return str(client.get(f"/insights/{query}").text)


def test_answers_each_question_in_a_sentence(client: Any, cleo: Any) -> None:
    give(Answer(by=name, seen=120, took=600, reminded=name == "eve") for name in TEAM)

    text = text_of(client, cleo)

    assert "Nine of ten reviews are opened within 2 min." in text
    assert "Nine of ten decisions are made within 10 min." in text
    assert "Of three decisions none was undone. No stages were overridden." in text
    assert "A text is returned 0.0 times on average: no returns for three texts." in text
    assert "Yes. Three approvals, all after time enough to read the text." in text
    assert "One review of 3 needed a reminder." in text
    assert "four words a second, which is faster than most people read" in text


def test_an_admin_reads_nothing_of_two_people(client: Any, admin: Any) -> None:
    give([Answer("ana", took=4242), Answer("dora")])

    text = text_of(client, admin)

    assert "Fewer than three people decided." in text
    assert "1 h 10 min" not in text


def test_shows_ones_own_figures_to_oneself_alone(client: Any, ana: Any, admin: Any) -> None:
    give([Answer("ana", took=4242), Answer("ana", took=4242), Answer("dora")])

    mine = text_of(client, ana, "?whose=me")
    theirs = text_of(client, admin, "?whose=me")

    assert "You alone: only you see this" in mine
    assert "1 h 10 min" in mine
    assert "1 h 10 min" not in theirs
    assert "1 h 10 min" not in text_of(client, admin, "?whose=user:ana")


def test_says_what_waits_and_leads_to_the_oldest(client: Any, cleo: Any, ana: Any) -> None:
    assert "Nothing waits for a person." in text_of(client, cleo)
    first = desk.waiting()
    clock.move(timedelta(hours=5))
    assert "One review waits, for 5 h." in text_of(client, cleo)
    desk.waiting(title="Edge caching")

    text = text_of(client, cleo)

    assert "Two reviews wait, the oldest for 5 h." in text
    assert f'href="/reviews/{first.pk}/"' in text


def test_bars_are_as_high_as_their_weeks_and_named_in_a_table(client: Any, ana: Any) -> None:
    give([Answer("ana", seen=100), Answer("ana", seen=50, ago=timedelta(weeks=2))])
    panel = answers.panels(insights.report("user:ana", "user:ana"))[0]

    bars = list(page.bars(panel))

    assert [bar.height for bar in bars][-3:] == [36, 0, 72]
    assert [week.text for week in panel.weeks][-3:] == ["50 s, 50 s", "–", "1 min, 1 min"]
    assert [bar.last for bar in bars][-2:] == [False, True]


@pytest.mark.parametrize(
    ("figures", "place", "answer"),
    [
        (Figures(), 0, "Nothing to say yet."),
        (Figures(to_open=(9, 60)), 0, "Half of the reviews are opened within 9 s, nine of ten within 1 min."),
        (Figures(decisions=1, undone=1), 2, "Of one decision one was undone. No stages were overridden."),
        (Figures(overridden=1), 2, "Of no decisions none was undone. One stage was overridden."),
        (Figures(read=40, fast=3), 4, "Three approvals of 40 came sooner than the text can be read."),
        (Figures(reviews=12), 5, "No. 12 reviews, all answered or waiting within their time."),
    ],
)  # fmt: skip
def test_words_fit_the_figures(figures: Figures, place: int, answer: str) -> None:
    assert answers.QUESTIONS[place].answer(figures) == answer
