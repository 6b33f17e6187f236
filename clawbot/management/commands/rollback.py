"""`./manage.py rollback WORKFLOW`: an older version of a workflow is the active one again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import cli
from tasks.models import Workflow
from tasks.workflow import rollback


class Command(cli.Command):
    help = "Make an older version of a workflow active again. Running tasks keep the version they have."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", help="name of the workflow: article, ...")
        parser.add_argument(
            "--to", metavar="N", type=int, help="number of the version (default: the one before)"
        )
        cli.add_actor(parser)

    def handle(self, *args: Any, workflow: str, to: int | None, by: str | None, **options: Any) -> None:
        number = to or _before(workflow)
        with cli.refusals():
            version = rollback.activate(workflow, number, by=cli.actor(by))
        self.stdout.write(f"New tasks of {workflow} run under v{version.number}. Running ones keep theirs.")


def _before(workflow: str) -> int:
    """The version before the active one; CommandError where there is none."""
    flow = Workflow.objects.select_related("active").filter(slug=workflow).first()
    if flow is None or flow.active is None:
        return 1  # which activate refuses, with the names that there are
    older = flow.versions.filter(number__lt=flow.active.number).order_by("-number").first()
    if older is None:
        raise CommandError(f"{workflow} v{flow.active.number} is the oldest version: nothing is before it.")
    return older.number
