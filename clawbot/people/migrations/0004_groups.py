"""The four groups come with the database: without them nobody could be given a role."""

from __future__ import annotations

from typing import Any

from django.db import migrations

GROUPS = ("viewers", "editors", "operators", "admins")


def make(apps: Any, schema_editor: Any) -> None:
    group = apps.get_model("auth", "Group")
    for name in GROUPS:
        group.objects.using(schema_editor.connection.alias).get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0003_token"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        # Undone by nothing: people may have been given these groups.
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
