"""What the supervisor asks of its cluster, without one running."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tasks.engine import child, cluster


@pytest.fixture
def supervisor(db: None, monkeypatch: pytest.MonkeyPatch) -> cluster.Supervisor:
    """One whose cluster starts no process."""
    monkeypatch.setattr(child, "spawn", lambda *words, **more: None)
    one = cluster.Supervisor()
    one.cluster = cluster.Cluster(slots=[cluster.Slot(1)])
    return one


def fetched(one: cluster.Supervisor) -> int:
    """How many drains the queue hands out; then it is empty."""
    from django_q.models import OrmQ

    return OrmQ.objects.filter(key=one.cluster.name).delete()[0]


def test_a_drain_lost_with_the_process_that_fetched_it_is_asked_for_again(
    supervisor: cluster.Supervisor, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    began = time.monotonic()

    def look(after: float) -> int:
        monkeypatch.setattr(cluster.time, "monotonic", lambda: began + after)
        supervisor._keep_drain(supervisor.cluster.slots[0])
        return fetched(supervisor)

    assert look(0) == 1
    assert look(settings.CANARY_SECONDS) == 0, "it may still be starting"
    assert look(cluster.LATE * settings.CANARY_SECONDS + cluster.MARGIN + 1) == 1
