"""A version says whether it came from a shipped file, and a workflow who chose its active one."""

import django.db.models.deletion
from django.db import migrations, models


def tell_apart(apps, schema_editor):
    """Who has chosen the active version before this was kept: made by a person, or brought back by one."""
    flow, version = apps.get_model("tasks", "Workflow"), apps.get_model("tasks", "WorkflowVersion")
    version.objects.exclude(created_by__startswith="user:").update(shipped=True)
    for one in flow.objects.exclude(active=None).select_related("active"):
        is_newest = not version.objects.filter(workflow=one, number__gt=one.active.number).exists()
        by = one.active.created_by
        if not is_newest:
            said = apps.get_model("tasks", "Event").objects.filter(kind="workflow.activated")
            by = next((e.by for e in said.order_by("-id") if e.data.get("workflow") == one.slug), by)
        if by.startswith("user:"):
            flow.objects.filter(pk=one.pk).update(chosen_by=by)


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0014_told_of_everything"),
    ]

    operations = [
        migrations.AddField(
            model_name="workflow",
            name="chosen_by",
            field=models.CharField(
                blank=True,
                help_text="who chose the active version; empty: it follows its file",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="workflow",
            name="offered",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tasks.workflowversion",
            ),
        ),
        migrations.AddField(
            model_name="workflowversion",
            name="shipped",
            field=models.BooleanField(default=False, help_text="from the file that comes with Clawbot"),
        ),
        migrations.RunPython(tell_apart, migrations.RunPython.noop),
    ]
