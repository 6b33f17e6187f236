"""After each test the clock goes back to the real time."""

from collections.abc import Iterator

import pytest

from tasks import clock


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    yield
    clock.reset()
