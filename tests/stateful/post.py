"""The post: a carrier that fails in every way there is, and remembers what really arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tasks import carriers
from tasks.carriers import console
from tasks.models import Notice


class PostCrash(Exception):
    """The carrier broke in a way that nobody thought of."""


@dataclass
class Post:
    """What arrived is counted per key; `sends` and `finds` say how the carrier behaves from now on."""

    SENDS: ClassVar[tuple[str, ...]] = (
        "fine", "fine", "busy", "broken", "unclear, lost", "unclear, arrived", "error, lost",
        "error, arrived", "dies, lost", "dies, arrived",
    )  # fmt: skip
    FINDS: ClassVar[tuple[str, ...]] = ("tells", "tells", "busy", "broken", "unclear", "error", "dies")

    sends: str = "fine"
    finds: str = "tells"
    arrived: Counter[str] = field(default_factory=Counter)
    sent_now: list[tuple[str, str]] = field(default_factory=list)  # (task, workflow), in this step

    def begin(self) -> None:
        """A new step."""
        self.sent_now = []

    @contextmanager
    def carries(self) -> Iterator[None]:
        """Be the carrier of the house."""
        real = console.send, console.find
        console.send, console.find = self._send, self._find  # type: ignore[assignment]
        try:
            yield
        finally:
            console.send, console.find = real

    def _send(self, notice: Notice) -> dict[str, Any]:
        task = notice.task
        self.sent_now.append((task.key, task.workflow.slug) if task else ("", ""))
        how, _, outcome = self.sends.partition(", ")
        if how in {"fine"} or outcome == "arrived":
            self.arrived[notice.key] += 1
        self._fail(how)
        return {"at": "the door"}

    def _find(self, notice: Notice) -> dict[str, Any] | None:
        self._fail(self.finds)
        return {"at": "the door"} if self.arrived[notice.key] else None

    def _fail(self, how: str) -> None:
        from tests.stateful.house import Crash

        match how:
            case "busy":
                raise carriers.Busy("Not now.", after=5)
            case "broken":
                raise carriers.Broken("There is no such door.")
            case "unclear":
                raise carriers.Unclear("Nobody answered.")
            case "error":
                raise PostCrash("The bag burst.")
            case "dies":
                raise Crash("while sending")
