"""MariaDB and MySQL have no partial indexes, and Django drops them there without a word. These plain ones
keep the claim, the rescue and the release of decisions from reading whole tables."""

from django.db import migrations

INDEXES = {
    "subtask_ready_plain": "tasks_subtask (status, priority DESC, not_before, id)",
    "subtask_held_plain": "tasks_subtask (worker_id, status)",
    "decision_to_release_plain": "tasks_decision (released_at, undone_at, release_at)",
}


def add(apps, editor):
    if editor.connection.vendor == "mysql":
        for name, place in INDEXES.items():
            editor.execute(f"CREATE INDEX {name} ON {place}")


def drop(apps, editor):
    if editor.connection.vendor == "mysql":
        for name, place in INDEXES.items():
            editor.execute(f"DROP INDEX {name} ON {place.split()[0]}")


class Migration(migrations.Migration):
    atomic = False  # MySQL cannot roll back an index
    dependencies = [("tasks", "0001_initial")]
    operations = [migrations.RunPython(add, drop)]
