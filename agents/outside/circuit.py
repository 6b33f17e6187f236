"""A circuit per address: after some failures in a row a service is left alone for a while.

A service that is down must not hold a hundred runs in their timeouts, nor be hammered while it comes back.
Each worker process has its own circuits; losing them with the process costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from agents.contract import Unavailable

PROBING = 5.0  # seconds until somebody who came while the probe was out should ask again


@dataclass
class Circuit:
    """Closed: everybody may ask. Open: nobody, until `open_until`. Then one may probe, and its answer
    decides. Times are those of `time.monotonic`."""

    address: str
    failures: int = 0  # in a row
    open_until: float = 0.0
    probing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def ask(self, opens_after: int, pause: float) -> Iterator[None]:
        """Ask inside this block; an `Unavailable` that leaves it counts as a failure, anything else says
        that the service answers. Raises `Unavailable` at once while the circuit is open. A block that was
        cancelled says nothing about the service."""
        probe = self._enter(opens_after)
        try:
            yield
        except Unavailable:
            self._failed(opens_after, pause)
            raise
        except Exception:
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                with self._lock:
                    self.probing = False

    def _enter(self, opens_after: int) -> bool:
        """Whether this one is the probe."""
        with self._lock:
            if self.failures < opens_after:
                return False
            left = self.open_until - monotonic()
            if left <= 0 and not self.probing:
                self.probing = True
                return True
            left = max(left, PROBING if self.probing else 0.0)
            until = datetime.now(UTC) + timedelta(seconds=left)
            raise Unavailable(
                f"{self.address} failed {self.failures} times in a row and is left alone until "
                f"{until:%H:%M:%S} UTC; then one request tries whether it answers again.",
                left,
                tried=False,
            )

    def _failed(self, opens_after: int, pause: float) -> None:
        with self._lock:
            self.failures += 1
            if self.failures >= opens_after:
                self.open_until = monotonic() + pause

    def _answered(self) -> None:
        with self._lock:
            self.failures = 0


_circuits: dict[str, Circuit] = {}
_lock = threading.Lock()


def circuit(address: str) -> Circuit:
    """The circuit of this address in this process."""
    with _lock:
        return _circuits.setdefault(address, Circuit(address))


def forget() -> None:
    """Close every circuit, as a new process would."""
    with _lock:
        _circuits.clear()
