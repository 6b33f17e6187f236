"""Reads the event table from where it stopped, and loses no line that commits late.

Ids are given when a row is written and seen when its transaction commits, so a smaller id may appear
after a larger one. The feed remembers each gap for a few seconds and asks for it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Max, Q

from tasks.models import Event

GAP_SECONDS = 5.0
MOST_GAPS = 2_000
BATCH = 1_000


@dataclass(frozen=True)
class Change:
    """One line of the log as far as pages need it: what changed, never what it says."""

    seq: int
    kind: str
    task: str = ""  # its key
    version: int = 0  # of the task, as it is now
    workflow: int | None = None  # the task's: whose members may hear of it

    @property
    def topics(self) -> tuple[str, ...]:
        """The words that fragments listen to (`data-live`)."""
        family = self.kind.partition(".")[0]
        words = ["activity"]
        if self.task:
            words += [f"task:{self.task}", "board"]
        words += OF_FAMILY.get(family, ())
        return tuple(dict.fromkeys(words))


#: what else a family of events changes on screen
OF_FAMILY: dict[str, tuple[str, ...]] = {
    "task": ("reviews",),
    "review": ("reviews",),
    "hold": ("holds", "board", "agents", "reviews", "workflows"),
    "notice": ("deliveries",),
    "message": ("messages",),
    "subtask": ("agents",),
    "run": ("agents",),
    "worker": ("agents",),
    "process": ("holds",),
    "agent": ("agents",),
    "schedule": ("schedules",),
    "workflow": ("workflows",),
    "artifact": ("reviews",),
    "comment": ("reviews",),
    "finding": ("reviews",),
}


def newest() -> int:
    """The newest event's id; 0 in an empty log."""
    return int(Event.objects.aggregate(newest=Max("id"))["newest"] or 0)


def since(seq: int, limit: int) -> list[Change]:
    """The changes after `seq`, oldest first, at most `limit`."""
    return _changes(Q(id__gt=seq), limit)


class Feed:
    """The place of one reader in the log."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.gaps: dict[int, float] = {}  # missing id -> when it stops being waited for

    def read(self, moment: float) -> list[Change]:
        """What is new, oldest first, at most a batch; `moment` is a monotonic clock in seconds."""
        self.gaps = {id: end for id, end in self.gaps.items() if end > moment}
        found = _changes(Q(id__gt=self.after) | Q(id__in=list(self.gaps)), BATCH)
        self._remember([change.seq for change in found], moment)
        return found

    def _remember(self, ids: Iterable[int], moment: float) -> None:
        for id in ids:
            self.gaps.pop(id, None)
            # Only the youngest of a large hole: a log that was pruned or restored is not waited for.
            for gap in range(max(self.after + 1, id - MOST_GAPS), id):
                self.gaps[gap] = moment + GAP_SECONDS
            self.after = max(self.after, id)
        for id in list(self.gaps)[:-MOST_GAPS]:
            del self.gaps[id]


def _changes(which: Q, limit: int) -> list[Change]:
    columns = ("id", "kind", "task__key", "task__version", "task__workflow")
    rows = Event.objects.filter(which).order_by("id").values_list(*columns)
    return [Change(seq, kind, key or "", version or 0, of) for seq, kind, key, version, of in rows[:limit]]
