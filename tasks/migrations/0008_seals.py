"""The log carries what changed and is sealed. What is there already is noted once, so that a rebuild has
somewhere to begin."""

from django.db import migrations, models
from django.utils import timezone

from tasks.history import append_only
from tasks.history.changes import Change, packed, plain

#: noun -> how its rows know their task
NOUNS = {
    "Task": "id", "Subtask": "task_id", "Artifact": "task_id", "Finding": "task_id", "Comment": "task_id",
    "Review": "task_id", "Decision": "review__task_id", "Hold": None,
}  # fmt: skip


def note(apps, editor):
    """One event per task with all its rows as they are, and one with the holds."""
    Event, Task = apps.get_model("tasks", "Event"), apps.get_model("tasks", "Task")
    for key in [*Task.objects.values_list("pk", flat=True).iterator(), None]:
        found = [change for name, of in NOUNS.items() for change in _rows(apps, name, of, key)]
        if found:
            Event.objects.create(
                kind="task.noted" if key else "hold.noted", by="clawbot", at=timezone.now(), task_id=key,
                data={"rows": len(found)}, changed=packed(found),
            )  # fmt: skip


def _rows(apps, name, of, key):
    from tasks import models as now

    model, logged, named = (
        apps.get_model("tasks", name),
        getattr(now, name).LOGGED,
        getattr(now, name).NAMED_BY,
    )
    there = {field.attname for field in model._meta.concrete_fields}
    if (of is None) != (key is None):
        return
    for row in model.objects.filter(**({of: key} if of else {})).order_by("pk"):
        values = {column: plain(getattr(row, column)) for column in logged if column in there}
        parts = [getattr(row, column) for column in named]
        id = parts[0] if len(parts) == 1 else "/".join(map(str, parts))
        yield Change(
            name.lower(), id, key, None, {c: value for c, value in values.items() if value is not None}
        )


def guard(apps, editor):
    append_only.guard(editor.connection)


def lift(apps, editor):
    append_only.lift(editor.connection)


class Migration(migrations.Migration):
    atomic = False  # MySQL cannot roll back a trigger
    dependencies = [("tasks", "0007_people_in_charge")]

    operations = [
        migrations.AddField("event", "changed", models.JSONField(
            help_text="which rows became what with it (tasks/history/changes.py)", null=True)),
        migrations.AddField("event", "channel", models.CharField(
            blank=True, default="", help_text="the door it came through; empty: by itself", max_length=40)),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.PositiveBigIntegerField(
                    help_text="1..n without gaps", primary_key=True, serialize=False)),
                ("first", models.PositiveBigIntegerField(
                    help_text="place of its first event in the log, from 1")),
                ("count", models.PositiveIntegerField()),
                ("ids", models.JSONField(help_text="the events, as ranges of ids: [[from, to], ...]")),
                ("hashes", models.TextField(help_text="the hash of each event, 64 hexadecimal digits each")),
                ("gaps", models.JSONField(help_text="ids that may still commit: [[from, to, since, edge], ...]")),
                ("top", models.PositiveBigIntegerField(help_text="the largest id sealed so far")),
                ("sealed_at", models.DateTimeField()),
                ("hash", models.CharField(
                    help_text="of this row and its last event: the head of the chain", max_length=64)),
            ],
            options={"ordering": ["number"]},
        ),
        migrations.RunPython(note, migrations.RunPython.noop),
        migrations.RunPython(guard, lift),
    ]  # fmt: skip
