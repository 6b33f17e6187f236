"""The sweep that ends trust; what it weighs is tried in tests/tasks/people/test_authority.py."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import clock
from tasks.models import Trust
from tasks.orchestrator import trust
from tests.tasks.builders import a_workflow

pytestmark = pytest.mark.django_db


def test_looks_at_each_trust_once_a_minute_and_keeps_what_nobody_disputes() -> None:
    now = clock.now()
    given = Trust.objects.create(
        workflow=a_workflow(), agent="reviewer", kind="tone", evidence={}, given_by="user:admin",
        given_at=now, looked_at=now,
    )  # fmt: skip

    assert trust.review(now + timedelta(seconds=59)) == 0
    given.refresh_from_db()
    assert given.looked_at == now

    assert trust.review(now + timedelta(seconds=61)) == 0
    given.refresh_from_db()
    assert given.looked_at == now + timedelta(seconds=61)
    assert given.open == 1
