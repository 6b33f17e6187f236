"""What takes effect when its moment has come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import clock, supervision
from tasks.models import Hold, Review
from tasks.orchestrator import release
from tests.tasks.builders import a_task, a_worker, current, work_until

pytestmark = pytest.mark.django_db


def test_releases_an_approval_after_its_undo_window_and_not_before(ana) -> None:
    task = a_task()
    a_worker()
    work_until(task, "approve")
    review = Review.objects.get(task=task)
    supervision.approve(
        review, by="user:ana", artifact_sha256=review.artifact_sha256, review_version=review.version,
        request_id="click-1", undo_seconds=10,
    )  # fmt: skip

    early = release.release(clock.now() + timedelta(seconds=9))
    before = current(task, "publish").status
    late = release.release(clock.now() + timedelta(seconds=11))

    assert (early, before) == (0, "blocked")
    assert (late, current(task, "publish").status) == (1, "ready")


def test_lifts_a_hold_whose_time_has_come(ben) -> None:
    until = clock.now() + timedelta(hours=1)
    supervision.pause("all", "", by="user:ben", why="Lunch", until=until)

    assert [release.release(clock.now()), release.release(until + timedelta(seconds=1))] == [0, 1]
    assert Hold.objects.get().lifted_at is not None
