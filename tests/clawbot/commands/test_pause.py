"""`./manage.py pause` and `./manage.py resume`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clawbot.management.commands.pause import _moment
from tasks import clock
from tasks.models import Hold
from tests.tasks.builders import a_task, a_worker, claim_all, current

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("words", "scope", "target"),
    [
        (("--all",), "all", ""),
        (("--workflow", "article"), "workflow", "article"),
        (("--task", "art-1"), "task", "ART-1"),
    ],
)
def test_pauses_and_resumes_what_was_named(manage, ben, words, scope, target) -> None:
    a_task()

    paused = manage("pause", *words, "--why", "Legal reads first", "--by", "ben")
    hold = Hold.objects.get()
    resumed = manage("resume", *words, "--by", "ben")

    assert (paused.code, resumed.code) == (0, 0)
    assert (hold.scope, hold.target, hold.why, hold.placed_by) == (
        scope,
        target,
        "Legal reads first",
        "user:ben",
    )
    assert Hold.objects.get().lifted_by == "user:ben"


def test_takes_back_what_runs_where_it_must_stop_now(manage, ben) -> None:
    task = a_task()
    a_worker()
    claim_all()

    manage("pause", "--all", "--why", "Wrong sources", "--stop-now", "--by", "ben")

    assert current(task, "research").status == "ready"


def test_lifts_the_only_hold_without_being_told_which(manage, ben) -> None:
    manage("pause", "--all", "--why", "Lunch", "--by", "ben")

    assert manage("resume", "--by", "ben").code == 0


def test_asks_which_where_there_are_two(manage, ben) -> None:
    a_task()
    manage("pause", "--all", "--why", "Lunch", "--by", "ben")
    manage("pause", "--task", "ART-1", "--why", "Legal", "--by", "ben")

    said = manage("resume", "--by", "ben")

    assert said.code == 1
    assert "--task ART-1 (Legal)" in said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pause", "--all", "--why", "x", "--by", "ana"), "Only operators"),
        (("pause", "--all", "--why", "x", "--until", "soon", "--by", "ben"), "write 2h"),
        (("pause", "--why", "x"), "required"),
        (("resume", "--by", "ben"), "Nothing is paused"),
    ],
)
def test_refuses_with_a_sentence(manage, ana, ben, words, sentence) -> None:
    said = manage(*words)

    assert said.code == 1
    assert sentence in said.err
    assert not Hold.objects.filter(open=1).exists()


def test_reads_an_end_as_a_span_a_time_or_a_moment(settings, monkeypatch) -> None:
    settings.SITE_ZONE = "Europe/Berlin"
    noon = datetime(2026, 11, 2, 11, 0, tzinfo=UTC)  # 12:00 in Berlin
    monkeypatch.setattr(clock, "now", lambda: noon)

    assert _moment("2h") == noon + timedelta(hours=2)
    assert _moment("16:30") == datetime(2026, 11, 2, 15, 30, tzinfo=UTC)
    assert _moment("09:00") == datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
    assert _moment("2026-12-24T08:00") == datetime(2026, 12, 24, 7, 0, tzinfo=UTC)
    assert _moment(None) is None
