"""What the tables show at one moment, as plain values: for comparing a step's before and after, and, without
keys and numbers of the database, one database with another."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tasks.models import Artifact, Comment, Decision, Event, Finding, Hold, Notice, Review, Run, Subtask, Task

Row = dict[str, Any]

COLUMNS: dict[Any, tuple[str, ...]] = {
    Task: ("key", "workflow__slug", "status", "outcome", "stage_status", "round", "undoing_at", "starts_at",
           "idempotency_key", "parent", "done_at"),
    Subtask: ("task", "task__key", "stage", "item", "round", "live", "agent", "status", "needs_left",
              "attempts", "crashes", "max_attempts", "fence", "awaits", "spread", "passed_over", "reason"),
    Artifact: ("task", "kind", "number", "stage", "sha256", "text", "made_by", "stale_since"),
    Review: ("task", "subtask", "artifact__kind", "artifact__number", "artifact_sha256", "kind", "why",
             "verbs", "deciders", "owner", "ladder", "rung", "version", "open"),
    Decision: ("review", "verb", "by", "artifact_sha256", "review_version", "request_id", "released_at",
               "undone_at"),
    Hold: ("scope", "target", "until", "open", "placed_by", "lifted_by"),
    Run: ("subtask", "fence", "status", "worker_name"),
    Notice: ("key", "kind", "recipient", "task", "state", "attempts"),
    Comment: ("task", "by", "text", "number"),
    Finding: ("task", "number", "kind", "state", "decided_by"),
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """Model name -> key -> columns."""

    rows: dict[str, dict[int, Row]]
    events: int  # how many there are

    def __getattr__(self, name: str) -> dict[int, Row]:
        return self.rows[name]


def take() -> Picture:
    """Look at every table that a rule reads."""
    rows: dict[str, dict[int, Row]] = {}
    for model, columns in COLUMNS.items():
        values = model._base_manager.order_by("pk").values("pk", *columns)
        rows[model._meta.model_name] = {row.pop("pk"): row for row in values}
    return Picture(rows, Event.objects.count())


def comparable() -> dict[str, list[str]]:
    """The end of a run, said so that it is the same on every database: no keys, no times but those of the
    house's own clock, and in an order that does not depend on a key."""
    seen = take()
    names = {pk: row["key"] for pk, row in seen.task.items()}
    stages = {
        pk: f"{row['task__key']}/{row['stage']}/{row['item']}#{row['round']}"
        for pk, row in seen.subtask.items()
    }
    found: dict[str, list[Any]] = defaultdict(list)
    for pk, row in seen.task.items():
        key = row["idempotency_key"] or ""
        own = {"idempotency_key": "child" if key.startswith("child:") else key}  # else it names a row's key
        found["tasks"].append({**row, **own, "parent": stages.get(row["parent"])})
        # Of what one claim or one batch tells the order is the database's own.
        kinds = Event.objects.filter(task=pk).values_list("kind", "stage", "by")
        found["events"] += [[row["key"], *event] for event in kinds]
    for pk, row in seen.subtask.items():
        found["stages"].append({**row, "task": names[row["task"]], "is": stages[pk]})
    for row in seen.artifact.values():
        found["artifacts"].append({**row, "task": names[row["task"]]})
    reviews: dict[int, str] = {}
    for pk, row in seen.review.items():
        place = sum(one.startswith(stages[row["subtask"]]) for one in reviews.values())
        reviews[pk] = f"{stages[row['subtask']]} review {place}"
        found["reviews"].append({**row, "task": names[row["task"]], "subtask": stages[row["subtask"]]})
    for row in seen.decision.values():
        request = row["request_id"].partition(":")[0]
        found["decisions"].append({**row, "review": reviews[row["review"]], "request_id": request})
    for row in seen.run.values():
        found["runs"].append({**row, "subtask": stages[row["subtask"]]})
    for row in seen.notice.values():
        row = {**row, "task": names.get(row["task"], "")}
        del row["key"]  # it names keys of rows
        found["notices"].append(row)
    for noun in ("comment", "finding"):
        for row in seen.rows[noun].values():
            found[noun].append({**row, "task": names[row["task"]]})
    found["holds"] = list(seen.hold.values())
    # As JSON with sorted keys: PostgreSQL does not keep the order of a JSON object's keys.
    return {
        noun: sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)
        for noun, rows in found.items()
    }
