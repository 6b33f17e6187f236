"""The clock goes back to the real time after each test."""

from collections.abc import Iterator

import pytest

from tasks import clock


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    yield
    clock.reset()
