"""What work has written, to read: tasks, runs, drafts, reviews, the log."""

from __future__ import annotations

from django.contrib import admin

from tasks import models

from .reading import ReadOnly

#: model -> (columns, filters, search)
TABLES = {
    models.Workflow: (["slug", "title", "key", "active"], [], ["slug"]),
    models.WorkflowVersion: (["workflow", "number", "created_at", "created_by"], ["workflow"], []),
    models.Task: (["key", "title", "workflow", "status", "stage_status", "created_at"], ["status", "workflow"], ["key", "title"]),
    models.Subtask: (["task", "stage", "round", "status", "attempts", "agent"], ["status"], ["task__key"]),
    models.Run: (["task", "agent", "status", "started_at", "ended_at", "cost_usd"], ["status", "agent"], ["task__key"]),
    models.Artifact: (["task", "kind", "number", "made_by", "made_at", "path"], ["kind"], ["task__key"]),
    models.Finding: (["task", "number", "kind", "severity", "state"], ["state", "kind"], ["task__key"]),
    models.Review: (["task", "kind", "open", "owner", "due_at", "opened_at"], ["kind", "open"], ["task__key"]),
    models.Decision: (["review", "verb", "by", "channel", "decided_at", "released_at"], ["verb", "channel"], ["by"]),
    models.Hold: (["scope", "target", "why", "placed_by", "placed_at", "lifted_at"], ["scope"], ["target"]),
    models.Notice: (["kind", "carrier", "recipient", "task", "state", "attempts"], ["state", "carrier", "kind"], ["task__key"]),
    models.Event: (["id", "kind", "task", "stage", "by", "at"], [], ["task__key"]),
    models.Worker: (["name", "host", "started_at", "heartbeat_at", "ended_at"], [], ["host"]),
    models.Schedule: (["workflow", "name", "cron", "zone", "next_at"], [], []),
    models.Occurrence: (["schedule", "due_at", "done_at"], [], []),
}  # fmt: skip

for model, (columns, filters, search) in TABLES.items():
    looks = {"list_display": columns, "list_filter": filters, "search_fields": search, "__module__": __name__}
    admin.site.register(model, type(f"{model.__name__}Admin", (ReadOnly,), looks))
