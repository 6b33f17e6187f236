"""The log tells of everything that people and agents rely on. What is there already is noted once, as it is
found: what was changed in it before cannot be known any more."""

from django.db import migrations
from django.utils import timezone

from tasks.history.changes import Change, fingerprint, packed, plain

#: what the log tells of from now on: noun -> model, way to the task, what names a row, values, hashes
OF_TASKS = {
    "task": ("Task", "id", ["id"], [], ["input", "idempotency_key"]),
    "subtask": ("Subtask", "task_id", ["id"], [], ["given", "requests", "fields"]),
    "artifact": ("Artifact", "task_id", ["task_id", "kind", "number"], [], ["built_on"]),
    "finding": ("Finding", "task_id", ["id"], ["source"],
                ["text", "quote", "before", "passage", "suggestion", "answer"]),
    "comment": ("Comment", "task_id", ["id"], [], ["quote", "text", "answer", "answer_quote"]),
    "review": ("Review", "task_id", ["id"], ["artifact_id"], []),
    "decision": ("Decision", "review__task_id", ["id"], [], ["note"]),
    "need": ("Need", "subtask__task_id", ["subtask_id", "on_id"], [], []),
    "run": ("Run", "task_id", ["id"],
            ["task_id", "subtask_id", "fence", "agent", "agent_version", "worker_name", "status", "ended_at",
             "tokens_in", "tokens_out", "cost_usd"], ["brief", "summary", "error", "notes"]),
}  # fmt: skip
OF_THE_HOUSE = {
    "message": ("Message", "", ["id"],
                ["direction", "key", "correlation_id", "task_id", "subtask_id", "run_id", "at"], ["envelope"]),
    "notice": ("Notice", "", ["id"],
               ["key", "kind", "carrier", "recipient", "task_id", "review_id", "created_at"], ["content", "text"]),
    "member": ("Member", "", ["workflow_id", "user_id"],
               ["user_id", "workflow_id", "role", "added_by", "added_at"], []),
    "absence": ("Absence", "", ["id"], ["user_id", "starts_at", "ends_at", "delegate_id", "ended_at"], ["why"]),
    "schedule": ("Schedule", "", ["id"],
                 ["workflow_id", "name", "cron", "zone", "misfire", "paused_at", "paused_by"],
                 ["input", "paused_why"]),
    "occurrence": ("Occurrence", "", ["id"], ["schedule_id", "due_at", "done_at", "by", "started"], ["trouble"]),
    "trust": ("Trust", "", ["id"],
              ["workflow_id", "agent", "kind", "open", "evidence", "given_by", "given_at", "ended_by",
               "ended_at"], ["ended_why"]),
    "workflow": ("Workflow", "", ["id"], ["slug", "title", "key", "active_id"], ["about"]),
    "workflow version": ("WorkflowVersion", "", ["id"], ["workflow_id", "number", "sha256", "created_by"],
                         ["definition"]),
}  # fmt: skip
AT_ONCE = 500  # rows of the house in one event


def note(apps, editor):
    """One event per task and some for the house, with what is found."""
    Event, Task = apps.get_model("tasks", "Event"), apps.get_model("tasks", "Task")
    for key in Task.objects.values_list("pk", flat=True).iterator():
        found = [one for noun, how in OF_TASKS.items() for one in rows(apps, "tasks", noun, how, key)]
        tell(Event, "task.noted", found, key)
    house(apps, "tasks", OF_THE_HOUSE)


def house(apps, app, nouns):
    """Note the rows of these nouns, which belong to no task."""
    Event = apps.get_model("tasks", "Event")
    for noun, how in nouns.items():
        found = list(rows(apps, app, noun, how, None))
        for start in range(0, len(found), AT_ONCE):
            tell(Event, "house.noted", found[start : start + AT_ONCE], None)


def tell(Event, kind, found, task):
    """One event that carries these rows; none where there are none."""
    if found:
        Event.objects.create(
            kind=kind, by="clawbot", at=timezone.now(), task_id=task, data={"rows": len(found)},
            changed=packed(found),
        )  # fmt: skip


def rows(apps, app, noun, how, task):
    """The rows of a noun as a line carries them."""
    name, of, named, logged, hashed = how
    found = apps.get_model(app, name).objects.filter(**({of: task} if of else {})).order_by("pk")
    columns = list(dict.fromkeys([*named, *logged, *hashed]))
    for row in found.values(*columns).iterator():
        now = {one: plain(row[one]) for one in logged} | {one: fingerprint(row[one]) for one in hashed}
        id = row[named[0]] if len(named) == 1 else "/".join(str(row[one]) for one in named)
        yield Change(noun, id, task, None, {one: value for one, value in now.items() if value is not None})


class Migration(migrations.Migration):
    dependencies = [("tasks", "0013_unsaved_edits")]

    operations = [migrations.RunPython(note, migrations.RunPython.noop)]
