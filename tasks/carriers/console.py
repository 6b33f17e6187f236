"""The carrier that is always there: one line on standard output. `/deliveries/` shows the whole message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.models import Notice

PACE = 0.0


def send(notice: Notice) -> dict[str, Any]:
    """Print the notice as one line."""
    line = " · ".join(part for part in notice.text.splitlines() if part)
    print(f"[{notice.kind} to {notice.recipient}] {line}", flush=True)
    return {}


def find(notice: Notice) -> dict[str, Any]:
    """A line on a screen cannot be looked for. The notice's page is what is read, and it has it already:
    taking it as printed never prints twice."""
    return {}
