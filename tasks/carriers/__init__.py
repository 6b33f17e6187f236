"""The ways a notice leaves the system: one module here per carrier, found by its file name.

A carrier has `PACE` (seconds between two messages to one recipient) and two functions. `send(notice)`
delivers once and returns where the message arrived. `find(notice)` says whether an earlier, doubtful
send arrived: that place, or None where it certainly did not. Both end otherwise in one of the three
words below. A carrier changes no row: `tasks/outbox.py` does.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from tasks.models import Notice


class Busy(Exception):
    """Certainly not sent; later may work. `after` is how many seconds the other side asked for."""

    def __init__(self, text: str, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after


class Broken(Exception):
    """Certainly not sent, and trying again would not help until a person mends what the text names."""


class Unclear(Exception):
    """It may have arrived: nobody may repeat it before `find` has looked."""


class Carrier(Protocol):
    """What a module in this folder offers."""

    PACE: float

    def send(self, notice: Notice) -> dict[str, Any]:
        """Deliver, and return where it arrived. Raises Busy, Broken or Unclear."""
        ...

    def find(self, notice: Notice) -> dict[str, Any] | None:
        """Where an earlier send arrived, None where it did not. Raises Busy, Broken or Unclear."""
        ...


@cache
def names() -> frozenset[str]:
    """Every carrier there is."""
    return frozenset(module.name for module in pkgutil.iter_modules(__path__))


def get(name: str) -> Carrier:
    """The carrier of this name; Broken where there is none."""
    if name not in names():
        raise Broken(f"There is no carrier {name!r}. There are: {', '.join(sorted(names()))}.")
    return cast(Carrier, import_module(f"{__name__}.{name}"))
