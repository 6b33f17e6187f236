"""`./manage.py demo`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.models import Task
from tasks.workflow import samples, shipped


@pytest.mark.django_db
def test_injects_every_sample_once_before_it_begins_again(manage: Callable[..., Any], admin: Any) -> None:
    shipped.sync("clawbot")
    wanted = [
        samples.read(flow, name)[0]["title"] for flow in samples.workflows() for name in samples.names(flow)
    ]

    said = manage("demo", "--every", "0", "--count", str(len(wanted) + 1))

    assert list(Task.objects.order_by("id").values_list("title", flat=True)) == [*wanted, wanted[0]]
    assert Task.objects.earliest("id").key in said.out
