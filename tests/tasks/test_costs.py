"""A cost that nobody knows is never shown as nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from clawbot import words
from tasks import costs, notices
from tasks.costs import Cost
from tasks.models import Run, Task
from tests.tasks.builders import a_task, work_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def task() -> Task:
    """Two stages ran: the second with a model that has a price, the first with one that has none."""
    task = a_task()
    work_until(task, "review")
    first, second, *_ = Run.objects.filter(task=task).order_by("pk")
    Run.objects.filter(task=task).update(tokens_in=0, tokens_out=0, cost_usd=0)
    Run.objects.filter(pk=first.pk).update(tokens_in=900, cost_usd=0)
    Run.objects.filter(pk=second.pk).update(tokens_in=900, cost_usd=Decimal("0.41"))
    return task


def test_adds_up_what_has_a_price_and_says_that_there_is_more(task):
    runs = Run.objects.filter(task=task)

    assert costs.spent(runs) == Cost(Decimal("0.41"), 1)
    assert costs.spent_by(runs, "task")[task.pk] == Cost(Decimal("0.41"), 1)
    assert [str(costs.of_run(run)) for run in runs.order_by("pk")[:2]] == ["unknown", "$0.41"]


@pytest.mark.parametrize(
    "usd, unpriced, text",
    [
        ("0.41", 0, "$0.41"),
        ("0.41", 1, "over $0.41"),
        ("0", 2, "unknown"),
        ("0", 0, "$0.00"),
        ("0.001", 0, "under $0.01"),
    ],
)
def test_reads_the_same_on_a_page_and_in_a_message(usd, unpriced, text):
    assert words.money(Cost(Decimal(usd), unpriced)) == text == str(Cost(Decimal(usd), unpriced))


def test_a_notice_says_it_too(task):
    assert notices.facts("completion", task, None)["cost"] == "over $0.41"


def test_pages_say_it_and_say_nothing_where_nothing_was_spent(client, ana, task):
    client.force_login(ana)

    assert "over $0.41" in client.get(f"/tasks/{task.key}/").text

    Run.objects.filter(task=task).update(tokens_in=0, cost_usd=0)
    assert "$0.00" not in client.get(f"/tasks/{task.key}/").text
