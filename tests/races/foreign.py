"""What a foreign task would run in a cluster that let it: it leaves a mark in the folder $MARKS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def mark(name: str) -> None:
    """Leave a mark of this name."""
    Path(os.environ["MARKS"], name).touch()


def hook(task: Any) -> None:
    """Leave a mark as what django-q2 calls after a task."""
    mark("hook")


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return mark, ("unpickled",)
