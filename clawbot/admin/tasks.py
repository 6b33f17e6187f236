"""What work has written, to read: tasks, runs, drafts, reviews, the log."""

from __future__ import annotations

from django.db import models

from tasks import models as tables

from .reading import ReadOnly
from .site import site

#: model -> (columns, filters, search)
TABLES: dict[type[models.Model], tuple[str, str, str]] = {
    tables.Workflow: ("slug title key active", "", "slug"),
    tables.WorkflowVersion: ("workflow number created_at created_by", "workflow", ""),
    tables.Task: ("key title workflow status stage_status created_at", "status workflow", "key title"),
    tables.Subtask: ("task stage round status attempts agent", "status", "task__key"),
    tables.Run: ("task agent status started_at ended_at cost_usd", "status agent", "task__key"),
    tables.Artifact: ("task kind number made_by made_at path", "kind", "task__key"),
    tables.Finding: ("task number kind severity state", "state kind", "task__key"),
    tables.Review: ("task kind open owner due_at opened_at", "kind open", "task__key"),
    tables.Decision: ("review verb by channel decided_at released_at", "verb channel", "by"),
    tables.Hold: ("scope target why placed_by placed_at lifted_at", "scope", "target"),
    tables.Notice: ("kind carrier recipient task state attempts", "state carrier kind", "task__key"),
    tables.Event: ("id kind task stage by at", "", "task__key"),
    tables.Worker: ("name host started_at heartbeat_at ended_at", "", "host"),
    tables.Schedule: ("workflow name cron zone next_at", "", ""),
    tables.Occurrence: ("schedule due_at done_at", "", ""),
}

for model, words in TABLES.items():
    columns, filters, search = (tuple(part.split()) for part in words)
    looks = {"list_display": columns, "list_filter": filters, "search_fields": search, "__module__": __name__}
    site.register(model, type(f"{model.__name__}Admin", (ReadOnly,), looks))
