"""A version says whether it came from a shipped file, and an agent who chose its active one."""

import django.db.models.deletion
from django.db import migrations, models


def tell_apart(apps, schema_editor):
    """Who has made the active version before this was kept: what a person made stays hers."""
    agent, version = apps.get_model("agents", "Agent"), apps.get_model("agents", "AgentVersion")
    version.objects.exclude(created_by__startswith="user:").update(shipped=True)
    for one in agent.objects.filter(active__created_by__startswith="user:").select_related("active"):
        agent.objects.filter(pk=one.pk).update(chosen_by=one.active.created_by)


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="chosen_by",
            field=models.CharField(
                blank=True,
                help_text="who chose the active version; empty: it follows its file",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="agent",
            name="offered",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agents.agentversion",
            ),
        ),
        migrations.AddField(
            model_name="agentversion",
            name="shipped",
            field=models.BooleanField(default=False, help_text="from the file that comes with Clawbot"),
        ),
        migrations.RunPython(tell_apart, migrations.RunPython.noop),
    ]
