"""The API keeps to its own document, whatever is sent: schemathesis makes requests up, within bounds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from agents import staff
from agents.definition import read_all
from tasks import supervision
from tests.clawbot.api.caller import Caller
from tests.tasks.builders import a_task, a_worker, work_until

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("default")]

load_all_checks()
#: addresses of things that are there, so that half of the requests reach a verb
THERE: dict[str, Iterator[Any]] = {
    "key": itertools.cycle(["ART-1", "ART-2", "art-3"]),
    "verb": itertools.cycle(sorted(supervision.VERBS)),
    "kind": itertools.cycle(["draft", "research"]),
    "slug": itertools.cycle(["writer"]),
    "id": itertools.cycle([1, 2, 3]),
}
turn = itertools.cycle([True, True, False])


schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture
def secret(settings, admin):
    """A world with something of everything, and an admin's token."""
    settings.API_PER_MINUTE = 10**9
    staff.store(read_all()["writer"], by="clawbot")
    a_worker()
    for number in range(3):
        work_until(a_task(f"Number {number}"), "approve")
    supervision.pause("agent", "writer", by="user:admin", why="x")
    # A server closes its connections after each request; here the test's transaction is on this one.
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    yield Caller("admin").secret
    for moment in (request_started, request_finished):
        moment.connect(close_old_connections)


@schema.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_keeps_to_its_document(case, secret):
    if case.path_parameters and next(turn):
        for name in case.path_parameters:
            case.path_parameters[name] = next(THERE[name])
    # Left out: that whatever fits the schema is accepted. The rules ask for more than a schema can say.
    left_out = [checks.positive_data_acceptance]
    # Its caller without a server unpacks nothing.
    headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
    case.call_and_validate(headers=headers, excluded_checks=left_out)
