"""The sweep that sends what is owed."""

from __future__ import annotations

import pytest

from tasks import clock, outbox
from tasks.models import Notice
from tasks.orchestrator import deliver
from tests.tasks.builders import a_task


@pytest.mark.django_db
def test_delivers_what_is_due_once() -> None:
    outbox.owe("completion", task=a_task(), to=["editors"], content={"summary": "Done."}, key="k")

    assert [deliver.deliver(clock.now()), deliver.deliver(clock.now())] == [1, 0]
    assert Notice.objects.get().state == "sent"
