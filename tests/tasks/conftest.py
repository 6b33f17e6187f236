"""After each test the clock goes back to the real time, and what was read of versions is forgotten."""

from collections.abc import Iterator

import pytest

from tasks import clock


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    from tasks import versions

    yield
    clock.reset()
    versions.forget()
