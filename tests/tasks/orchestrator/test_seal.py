"""The sweep that seals the log."""

import pytest

from tasks import clock, orchestrator
from tasks.history import chain
from tasks.models import Event
from tests.tasks.builders import a_task


@pytest.mark.django_db
def test_seals_what_happened_since_the_last_time() -> None:
    a_task()

    assert orchestrator.SWEEPS["seal"](clock.now()) == Event.objects.count()
    assert orchestrator.SWEEPS["seal"](clock.now()) == 0
    assert chain.check().faults == []
