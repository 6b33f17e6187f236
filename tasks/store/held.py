"""The proof that a worker holds a subtask."""

from __future__ import annotations

from typing import NamedTuple


class Held(NamedTuple):
    """A subtask and the fence that its worker got at the claim."""

    subtask_id: int
    fence: int
