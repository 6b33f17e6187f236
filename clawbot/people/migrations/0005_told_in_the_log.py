"""The log tells of accounts, groups, tokens and links. What is there already is noted once, as it is found."""

from importlib import import_module

from django.db import migrations
from django.utils import timezone

PEOPLE = {
    "person": ("User", "", ["id"], ["username", "is_active", "is_staff", "is_superuser"], ["email", "password"]),
    "token": ("Token", "", ["id"],
              ["user_id", "name", "scope", "sha256", "created_by", "created_at", "expires_at", "revoked_at",
               "live"], []),
    "link": ("SignInLink", "", ["id"], ["user_id", "token_sha256", "expires_at", "used_at"], []),
}  # fmt: skip


def note(apps, editor):
    """One event per kind with its rows, and one per account with its groups."""
    import_module("tasks.migrations.0014_told_of_everything").house(apps, "people", PEOPLE)
    Event, User = apps.get_model("tasks", "Event"), apps.get_model("people", "User")
    for user in User.objects.order_by("pk"):
        groups = sorted(user.groups.values_list("name", flat=True))
        data = {"person": user.pk, "name": user.username, "groups": groups}
        Event.objects.create(kind="person.groups", by="clawbot", at=timezone.now(), data=data)


class Migration(migrations.Migration):
    dependencies = [("people", "0004_groups"), ("tasks", "0014_told_of_everything")]

    operations = [
        migrations.AlterModelManagers(name="user", managers=[]),
        migrations.RunPython(note, migrations.RunPython.noop),
    ]
